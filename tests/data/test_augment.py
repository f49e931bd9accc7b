import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from tide_train.data.augment import (
    AugmentConfig,
    augment,
    blur_at_random,
    blur_by_products,
    turn_at_random,
)
from tide_train.data.sample_random import SampleRandom


def drawn(seed=0):
    return SampleRandom(seed, 0)


def images(n=4, n_channels=3, side=32):
    return torch.rand(n, n_channels, side, side, generator=torch.Generator().manual_seed(9))


def test_everything_off_leaves_images_as_they_are():
    torch.testing.assert_close(augment(images(), AugmentConfig.off(), drawn()), images())


def test_turns_give_all_eight_orientations_and_nothing_else():
    one = torch.arange(9.0).reshape(1, 1, 3, 3).expand(400, -1, -1, -1)
    seen = {tuple(turned.ravel().tolist()) for turned in turn_at_random(one, drawn())}
    square = one[0, 0]
    expected = set()
    for k in range(4):
        for flipped in (square, square.flip(0)):
            expected.add(tuple(torch.rot90(flipped, k).ravel().tolist()))
    assert seen == expected


def test_channels_change_independently_and_all_channels_turn_together():
    config = AugmentConfig(blur_share=0, turns=False)
    flat = torch.full((50, 3, 8, 8), 0.5)
    changed = augment(flat, config, drawn())[:, :, 0, 0]
    assert (changed.std(dim=1) > 0).all()
    assert changed.min() >= 0.5 * 0.8
    assert changed.max() <= 0.5 * 1.2 + 0.05 + 1e-6
    same = images(20, 1).expand(-1, 3, -1, -1)
    turned = turn_at_random(same, drawn())
    torch.testing.assert_close(turned[:, 0], turned[:, 2])


def test_contrast_keeps_the_mean_of_a_channel():
    config = AugmentConfig.off().model_copy(update={"contrast": (0.8, 1.3)})
    middle = images() * 0.4 + 0.3
    changed = augment(middle, config, drawn())
    torch.testing.assert_close(changed.mean((2, 3)), middle.mean((2, 3)))
    ratio = changed.std((2, 3)) / middle.std((2, 3))
    assert ((ratio >= 0.8 - 1e-4) & (ratio <= 1.3 + 1e-4)).all()
    assert ratio.std() > 0


def test_blur_is_a_gaussian_of_the_drawn_width():
    plane = images(1, 1, 40)
    found = blur_at_random(plane, (1.2, 1.2), 1.0, drawn())[0, 0].numpy()
    slow = gaussian_filter(plane[0, 0].numpy().astype(np.float64), 1.2, mode="mirror", radius=4)
    np.testing.assert_allclose(found, slow, atol=1e-5)
    torch.testing.assert_close(blur_at_random(plane, (1.2, 1.2), 0.0, drawn()), plane)


@pytest.mark.parametrize(("kind", "within"), [(torch.float64, 1e-12), (torch.float16, 2e-3)])
def test_blur_by_products_is_the_same_gaussian_for_each_plane(kind, within):
    planes = torch.rand(3, 12, 20, dtype=torch.float64)
    sigmas = (0.4, 1.0, 1.5)
    steps = torch.arange(-5.0, 6.0, dtype=torch.float64)
    taps = torch.stack([torch.exp(-0.5 * (steps / sigma) ** 2) for sigma in sigmas])
    taps /= taps.sum(1, keepdim=True)
    found = blur_by_products(planes.to(kind), taps.to(kind)).double().numpy()
    for plane, sigma, blurred in zip(planes.numpy(), sigmas, found, strict=True):
        slow = gaussian_filter(plane, sigma, mode="mirror", radius=5)
        np.testing.assert_allclose(blurred, slow, atol=within)  # a byte's step is 0.004


def test_the_same_seed_gives_the_same_images_and_another_others():
    config = AugmentConfig()
    first, again = (augment(images(), config, drawn(3)) for _ in range(2))
    torch.testing.assert_close(first, again)
    assert not torch.allclose(first, augment(images(), config, drawn(4)))
