import pytest
import torch

from tide_train.data.augment import AugmentConfig, augment, blur_all
from tide_train.data.multi_crop import CropConfig
from tide_train.data.sample_random import SampleRandom
from tide_train.data.views import FeatureNoise, Views


def views():
    return Views(AugmentConfig(blur_share=0.5), CropConfig(n_local=1), FeatureNoise(), patch_px=8)


@pytest.mark.parametrize("form", ["one", "many"])
def test_views_are_the_same_whatever_precision_the_encoder_has(form):
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    plain = getattr(views(), form)(images, SampleRandom(0, 0))
    with torch.autocast("cpu", torch.bfloat16):
        half = getattr(views(), form)(images, SampleRandom(0, 0))
    torch.testing.assert_close(half, plain, rtol=0, atol=0)


def test_blurring_every_plane_leaves_those_of_no_width_as_they_are():
    """A GPU blurs all planes, most of them by nothing, so as not to count the others."""
    planes = torch.rand(6, 16, 16, generator=torch.Generator().manual_seed(1))
    widths = torch.tensor([0.0, 1.2, 0.0, 0.4, 0.0, 1.5])
    found = blur_all(planes, widths, 5)
    torch.testing.assert_close(found[::2], planes[::2], rtol=0, atol=0)
    torch.testing.assert_close(found[1::2], blur_all(planes[1::2], widths[1::2], 5))
    assert (found[1::2] - planes[1::2]).abs().amax((1, 2)).min() > 0.01


def test_augmentations_off_leave_images_as_they_are():
    images = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(augment(images, AugmentConfig.off(), SampleRandom(0, 0)), images)
