"""bf16 on a CPU: packed products beside the same encoder in fp32."""

import pytest
import torch

from napari_tide.inference import bf16_encoder
from napari_tide.inference.bf16_encoder import encoder_in_bf16
from napari_tide.inference.embedder import Embedder
from napari_tide.students.encoders.build import build_encoder
from napari_tide.students.encoders.encoder_config import EncoderConfig

STAINS = ("DNA", "ER", "Mito")
KINDS = {
    "vit": {"kind": "vit"},
    "channel_vit": {"kind": "channel_vit"},
    "parallel blocks": {"kind": "channel_vit", "block": "parallel", "standardises_input": True},
    "fused_vit": {"kind": "fused_vit"},
}


def strong_encoder(**fields):
    """An encoder whose attention and networks say something; fresh weights are almost zero."""
    torch.manual_seed(0)
    config = EncoderConfig(
        channels=STAINS, width=96, depth=4, heads=4, image_px=64, patch_px=16, **fields
    )
    encoder = build_encoder(config).eval()
    for parameter in encoder.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=1.5 * parameter.shape[1] ** -0.5)
        elif parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=float(parameter.mean()), std=0.2)
    return encoder


def cosines(a, b):
    return torch.cosine_similarity(a.float(), b.float(), dim=-1)


@torch.inference_mode()
@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("channels", [None, ("Mito", "DNA", "ER")], ids=["trained", "reordered"])
def test_embeddings_and_patches_stay_within_a_thousandth_of_fp32(name, channels):
    encoder = strong_encoder(**KINDS[name])
    tiles = torch.rand(5, 3, 64, 96)
    expected = encoder(tiles, channels)
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder_in_bf16(encoder)(tiles, channels)
    assert found.grid_hw == (4, 6)
    assert cosines(found.pooled_BD, expected.pooled_BD).min() > 0.999
    assert cosines(found.patches_BTD, expected.patches_BTD).min() > 0.999
    shuffled = expected.pooled_BD.roll(1, dims=0)
    assert cosines(found.pooled_BD, shuffled).max() < 0.9999  # inputs differ by more than that


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["vit", "channel_vit", "fused_vit"])
def test_packed_products_are_no_further_from_fp32_than_autocast(kind):
    if not bf16_encoder._has_packed_products():
        pytest.skip("this torch has no oneDNN with bf16")
    encoder = strong_encoder(kind=kind)
    packed = encoder_in_bf16(encoder)
    assert "_PackedAttention" in {type(module).__name__ for module in packed.modules()}
    tiles = torch.rand(8, 3, 64, 64)
    expected = encoder(tiles).pooled_BD
    with torch.autocast("cpu", torch.bfloat16):
        autocast, found = (
            1 - cosines(side(tiles).pooled_BD, expected).mean() for side in (encoder, packed)
        )
    assert found < 2 * autocast


def test_fp32_is_the_same_to_the_bit_beside_bf16(make_bundle):
    student = make_bundle().student
    tiles = torch.rand(6, 3, 32, 32).numpy()
    before = Embedder(student, "cpu", "fp32").embed(tiles)
    mixed = Embedder(student, "cpu", "bf16").embed(tiles)
    after = Embedder(student, "cpu", "fp32").embed(tiles)
    assert mixed.dtype == after.dtype == "float32"
    assert before.tobytes() == after.tobytes() != mixed.tobytes()
    assert cosines(torch.from_numpy(mixed), torch.from_numpy(before)).min() > 0.999
    assert {parameter.dtype for parameter in student.parameters()} == {torch.float32}


@pytest.mark.parametrize("error", [AttributeError, RuntimeError, NotImplementedError])
def test_without_onednn_the_encoder_itself_runs_under_autocast(make_bundle, monkeypatch, error):
    def absent(*_, **__):
        raise error

    monkeypatch.setattr(bf16_encoder, "_PackedLinear", absent)
    bf16_encoder._has_packed_products.cache_clear()
    try:
        student = make_bundle().student
        assert encoder_in_bf16(student.encoder) is student.encoder
        tiles = torch.rand(3, 3, 32, 32).numpy()
        mixed, plain = (Embedder(student, "cpu", p).embed(tiles) for p in ("bf16", "fp32"))
    finally:
        bf16_encoder._has_packed_products.cache_clear()
    assert cosines(torch.from_numpy(mixed), torch.from_numpy(plain)).min() > 0.999
