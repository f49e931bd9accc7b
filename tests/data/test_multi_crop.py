import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.transforms.v2 import functional as transforms

from tide_train.data.multi_crop import (
    Boxes,
    CropConfig,
    crop_all_at_once,
    crop_one_by_one,
    draw_boxes,
    multi_crop,
)
from tide_train.data.sample_random import SampleRandom

SHAPE = torch.Size((6, 3, 50, 64))


def drawn(seed=0):
    return SampleRandom(seed, 0)


def images(shape=SHAPE):
    return torch.rand(shape, generator=torch.Generator().manual_seed(9))


@pytest.fixture(params=[crop_all_at_once, crop_one_by_one], ids=["at once", "one by one"])
def crop(request):
    return request.param


@pytest.mark.parametrize("side", [7, 24, 50, 96])
@pytest.mark.parametrize("scale", [(0.02, 0.2), (0.4, 1.0)])
def test_crops_are_those_of_a_slow_loop_with_torchvision(crop, side, scale):
    boxes = draw_boxes(SHAPE, 5, scale=scale, aspect=(0.5, 2.0), random=drawn(1))
    found = crop(images(), boxes, side)
    assert found.shape == (5, 6, 3, side, side)
    assert found.is_contiguous()
    for view in range(5):
        for image in range(6):
            values = (boxes.tops_BV, boxes.lefts_BV, boxes.heights_BV, boxes.widths_BV)
            box = [int(value[image, view]) for value in values]
            expected = transforms.resized_crop(images()[image], *box, [side, side], antialias=True)
            torch.testing.assert_close(found[view, image], expected, atol=1e-5, rtol=0)


def test_a_crop_that_grows_is_plain_bilinear(crop):
    """The second library's formula without antialiasing, which only matters when shrinking."""
    ones = torch.ones(6, 1)
    boxes = Boxes(ones * 3, ones * 5, ones * 20, ones * 30)
    found = crop(images(), boxes, 40)[0]
    cut = images()[:, :, 3:23, 5:35]
    expected = functional.interpolate(cut, size=(40, 40), mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_what_lies_outside_the_box_never_blends_in(crop):
    poisoned = torch.full((1, 1, 20, 20), torch.inf)
    poisoned[:, :, 4:10, 6:15] = 0.5
    clean = torch.where(poisoned.isinf(), 1e6, poisoned)
    box = Boxes(*(torch.tensor([[value]]) for value in (4.0, 6.0, 6.0, 9.0)))
    for side in (3, 6, 20):
        torch.testing.assert_close(crop(clean, box, side), torch.full((1, 1, 1, side, side), 0.5))


def test_the_whole_image_at_its_size_is_itself(crop):
    box = Boxes(*(torch.full((6, 1), value) for value in (0.0, 0.0, 50.0, 64.0)))
    square = images(torch.Size((6, 3, 50, 50)))
    whole = Boxes(box.tops_BV, box.lefts_BV, box.heights_BV, box.heights_BV)
    torch.testing.assert_close(crop(square, whole, 50)[0], square)


def test_boxes_lie_in_the_image_and_have_the_area_and_aspect_asked_for():
    boxes = draw_boxes(
        torch.Size((4000, 1, 224, 224)),
        2,
        scale=(0.05, 0.4),
        aspect=(3 / 4, 4 / 3),
        random=drawn(),
    )
    top, left, height, width = (
        values.numpy()
        for values in (boxes.tops_BV, boxes.lefts_BV, boxes.heights_BV, boxes.widths_BV)
    )
    assert min(top.min(), left.min()) == 0
    assert (top + height).max() == (left + width).max() == 224
    area = height * width / 224**2
    assert 0.048 < area.min() < 0.055
    assert 0.395 < area.max() < 0.405
    assert area.mean() == pytest.approx(0.225, abs=0.005)
    aspect = np.log(width / height)
    assert np.abs(aspect).max() < np.log(4 / 3) + 0.03
    assert aspect.mean() == pytest.approx(0, abs=0.01)
    for start, length in ((top, height), (left, width)):
        place = start / (224 - length)
        assert place.mean() == pytest.approx(0.5, abs=0.02)


def test_views_have_their_sizes_and_follow_the_seed():
    config = CropConfig(global_px=32, local_px=16, n_local=3)
    first, again, other = (multi_crop(images(), config, drawn(seed)) for seed in (4, 4, 5))
    assert [tuple(view.shape) for view in first] == [(6, 3, 32, 32)] * 2 + [(6, 3, 16, 16)] * 3
    assert all(torch.equal(one, same) for one, same in zip(first, again, strict=True))
    assert not torch.equal(first[2], other[2])
    assert not torch.equal(first[0], first[1])
    assert len(multi_crop(images(), CropConfig(global_px=32, n_local=0), drawn())) == 2


def test_sizes_left_open_follow_the_tile_as_96_follows_224():
    square = images(torch.Size((2, 3, 112, 112)))
    found = multi_crop(square, CropConfig(), drawn(), patch_px=16)
    assert [view.shape[-1] for view in found] == [112, 112, 48, 48, 48, 48]


def test_half_precision_stays_half():
    config = CropConfig(global_px=16)
    found = multi_crop(images().to(torch.bfloat16), config, drawn())
    exact = multi_crop(images(), config, drawn())
    assert found[0].dtype == torch.bfloat16
    torch.testing.assert_close(found[0].float(), exact[0], atol=0.02, rtol=0)


def test_half_precision_is_finer_than_the_bytes_that_are_stored():
    boxes = draw_boxes(SHAPE, 3, scale=(0.1, 1.0), aspect=(0.5, 2.0), random=drawn(4))
    exact = crop_all_at_once(images().double(), boxes, 24)
    half = crop_all_at_once(images().half(), boxes, 24).double()
    assert float((half - exact).abs().max()) < 0.5 / 255
