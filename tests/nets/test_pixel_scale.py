import pytest
import torch

from napari_tide.students.encoders.build import build_encoder
from napari_tide.students.encoders.encoder_config import EncoderConfig
from tide_train.nets.pixel_scale import fold_pixel_scale


@pytest.mark.parametrize("kind", ["vit", "channel_vit", "fused_vit"])
def test_folding_gives_for_pixels_what_it_gave_for_standardised_ones(kind):
    torch.manual_seed(0)
    config = EncoderConfig(
        kind=kind, channels=("DNA", "ER"), width=24, depth=1, heads=2, image_px=16, patch_px=8
    )
    encoder = build_encoder(config).eval()
    images = torch.rand(3, 2, 16, 16)
    mean, std = torch.tensor([0.2, 0.1]), torch.tensor([0.05, 0.2])
    if kind != "vit":  # one projection for all channels takes one mean
        mean, std = mean.mean().expand(2), std.mean().expand(2)
    with torch.inference_mode():
        expected = encoder((images - mean[:, None, None]) / std[:, None, None]).pooled_BD
    fold_pixel_scale(encoder, mean, std)
    with torch.inference_mode():
        torch.testing.assert_close(encoder(images).pooled_BD, expected, rtol=1e-3, atol=1e-4)


def test_an_encoder_that_standardises_by_itself_stays_as_it_is():
    config = EncoderConfig(
        kind="channel_vit",
        channels=("DNA",),
        width=24,
        depth=1,
        heads=2,
        image_px=16,
        patch_px=8,
        standardises_input=True,
    )
    encoder = build_encoder(config)
    before = encoder.projection.weight.clone()
    fold_pixel_scale(encoder, torch.tensor([0.2]), torch.tensor([0.05]))
    assert torch.equal(before, encoder.projection.weight)
