import numpy as np
import pytest
import torch

from napari_tide.errors import StudentValueError
from napari_tide.students.encoders.build import build_encoder
from napari_tide.students.encoders.channel_vit import standardise
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.encoders.vit import project_at_once, project_patches

STAINS = ("DNA", "ER", "RNA", "AGP", "Mito")


def small(kind, **fields):
    size = {"width": 48, "depth": 2, "heads": 3, "image_px": 64, "channels": STAINS}
    torch.manual_seed(0)
    return build_encoder(EncoderConfig(kind=kind, **(size | fields))).eval()


def oracle(oracles, name):
    arrays = dict(np.load(oracles / "ssl" / f"{name}.npz"))
    return arrays, torch.load(oracles / "ssl" / f"{name}.pt", weights_only=True)


@pytest.mark.parametrize("size_px", [64, 32])
def test_vit_matches_the_published_dino_code_at_both_sizes(oracles, size_px):
    arrays, weights = oracle(oracles, "dino")
    encoder = small("vit")
    encoder.trunk.load_state_dict(weights["vit"])
    with torch.inference_mode():
        tokens, grid = encoder.tokens(torch.from_numpy(arrays[f"vit_in_{size_px}"]))
    assert grid == (size_px // 16, size_px // 16)
    np.testing.assert_allclose(tokens[:, 0], arrays[f"vit_out_{size_px}"], atol=1e-5)


def test_channel_vit_matches_the_published_encoder_on_all_and_on_some_channels(oracles):
    arrays, weights = oracle(oracles, "channelvit")
    encoder = small("channel_vit", resamples_positions=True)
    renamed = {
        key.replace("patch_embed.proj", "projection"): value for key, value in weights.items()
    }
    renamed["projection.weight"] = renamed["projection.weight"].squeeze(2)
    renamed["channel_embed"] = renamed.pop("patch_embed.channel_embed").squeeze().T
    encoder.load_state_dict(renamed)
    with torch.inference_mode():
        every, _ = encoder.tokens(torch.from_numpy(arrays["x"]))
        some, _ = encoder.tokens(torch.from_numpy(arrays["x_sub"]), ["DNA", "RNA", "Mito"])
    np.testing.assert_allclose(every[:, 0], arrays["cls"], atol=1e-4)
    np.testing.assert_allclose(some[:, 0], arrays["cls_sub"], atol=1e-4)


def channel_agnostic_mae(weights, channels):
    encoder = small(
        "channel_vit",
        channels=channels,
        block="parallel",
        has_channel_embedding=False,
        standardises_input=True,
        has_final_norm=False,
    )
    prefix = "vit_backbone."
    renamed = {
        key.removeprefix(prefix).replace("patch_embed.proj", "projection"): value
        for key, value in weights.items()
        if key.startswith(prefix) and "fc_norm" not in key  # used by a classifier only
    }
    renamed["pos_embed"] = renamed["pos_embed"][:, :17]  # the same grid is repeated per channel
    encoder.load_state_dict(renamed)
    return encoder


def test_parallel_blocks_match_the_channel_agnostic_mae(oracles):
    arrays, weights = oracle(oracles, "camae")
    pixels = torch.from_numpy(arrays["pixels"]).float() / 255
    np.testing.assert_allclose(standardise(pixels), arrays["standardized"], atol=1e-4)
    encoder = channel_agnostic_mae(weights, tuple("abcdef"))
    with torch.inference_mode():
        tokens, _ = encoder.tokens(pixels)
        five, _ = encoder.tokens(pixels[:, :5], tuple("abcde"))
        pooled = encoder(pixels).pooled_BD
    np.testing.assert_allclose(tokens, arrays["features"], atol=1e-4)
    np.testing.assert_allclose(five, arrays["features_5ch"], atol=1e-4)
    np.testing.assert_allclose(pooled, arrays["openphenom_pooled"], atol=1e-4)


@pytest.mark.parametrize("kind", ["vit", "channel_vit", "fused_vit"])
def test_channel_order_does_not_matter_when_channels_are_named(kind):
    encoder = small(kind)
    images = torch.randn(2, 5, 64, 64)
    order = [3, 0, 4, 2, 1]
    with torch.inference_mode():
        straight = encoder(images)
        shuffled = encoder(images[:, order], [STAINS[i] for i in order])
    torch.testing.assert_close(straight.pooled_BD, shuffled.pooled_BD, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(straight.patches_BTD, shuffled.patches_BTD, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["channel_vit", "fused_vit"])
def test_channel_agnostic_encoders_ignore_channels_that_are_not_given(kind):
    encoder = small(kind)
    images = torch.randn(2, 5, 64, 64)
    changed = images.clone()
    changed[:, 1] += 3
    keep = [0, 2]
    with torch.inference_mode():
        first = encoder(images[:, keep], ["DNA", "RNA"]).pooled_BD
        second = encoder(changed[:, keep], ["DNA", "RNA"]).pooled_BD
        full = encoder(changed).pooled_BD
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, full, atol=1e-3)


@pytest.mark.parametrize("kind", ["vit", "channel_vit", "fused_vit"])
@pytest.mark.parametrize("size", [(64, 64), (32, 96)])
def test_embedding_is_the_mean_of_its_patches_at_any_size(kind, size):
    encoder = small(kind)
    with torch.inference_mode():
        encoded = encoder(torch.randn(2, 5, *size))
    assert encoded.grid_hw == (size[0] // 16, size[1] // 16)
    assert encoded.patches_BTD.shape == (2, size[0] * size[1] // 256, 48)
    torch.testing.assert_close(encoded.pooled_BD, encoded.patches_BTD.mean(1))


def test_a_missing_or_unknown_channel_is_refused_by_name():
    images = torch.randn(1, 4, 64, 64)
    with pytest.raises(StudentValueError, match="Mito is missing"):
        small("vit")(images, STAINS[:4])
    with pytest.raises(StudentValueError, match=r"\['Golgi'\] do not fit"):
        small("channel_vit")(images, ["DNA", "ER", "RNA", "Golgi"])
    with pytest.raises(StudentValueError, match="4 channels given, but 5 named"):
        small("fused_vit")(images)
    with pytest.raises(StudentValueError, match="60 x 64 tile"):
        small("vit")(torch.randn(1, 5, 60, 64))


def test_features_replace_missing_values_by_the_training_mean():
    encoder = small("features", channels=("a", "b", "c"))
    encoder.mean.copy_(torch.tensor([1.0, 2.0, 3.0]))
    given = torch.tensor([[1.0, float("nan"), float("inf")]])
    with torch.inference_mode():
        torch.testing.assert_close(
            encoder(given).pooled_BD, encoder(torch.tensor([[1.0, 2.0, 3.0]])).pooled_BD
        )
        reordered = encoder(torch.tensor([[9.0, 1.0, 2.0]]), ["c", "a", "b"]).pooled_BD
        torch.testing.assert_close(reordered, encoder(torch.tensor([[1.0, 2.0, 9.0]])).pooled_BD)


def test_named_sizes_are_the_published_ones():
    config = EncoderConfig.sized("small", channels=STAINS)
    n_parameters = sum(p.numel() for p in build_encoder(config).parameters())
    # ViT-S/16 without a classifier has 21,665,664 parameters; 2 more channels add 2 x 256 x 384
    assert n_parameters == 21_665_664 + 2 * 256 * 384


def test_patches_projected_at_once_are_those_of_the_convolution():
    images = torch.rand(3, 5, 24, 32, dtype=torch.float64)
    projection = torch.nn.Conv2d(5, 7, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(
        project_at_once(images, projection), project_patches(images, projection)
    )
