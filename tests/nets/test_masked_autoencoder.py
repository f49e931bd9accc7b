import numpy as np
import pytest
import torch

from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.encoders.vit import ViTEncoder
from tide_train.losses.mae_loss import mae_loss, to_images, to_patches
from tide_train.nets.masked_autoencoder import MaskedAutoencoder


@pytest.fixture(scope="module")
def official(oracles):
    return {
        key: torch.from_numpy(value) for key, value in np.load(oracles / "ssl" / "mae.npz").items()
    }


@pytest.fixture(scope="module")
def autoencoder(oracles):
    weights = torch.load(oracles / "ssl" / "mae.pt", weights_only=True)
    config = EncoderConfig(channels=("r", "g", "b"), width=48, depth=2, heads=3, image_px=64)
    network = MaskedAutoencoder(
        ViTEncoder(config), decoder_width=32, decoder_depth=1, decoder_heads=4
    )
    renamed = {
        name if name.startswith(("decoder", "mask")) else f"encoder.trunk.{name}": value
        for name, value in weights.items()
    }
    network.load_state_dict(renamed)
    return network.eval()


@pytest.mark.parametrize("normalises", [False, True])
def test_mask_prediction_and_loss_are_the_official_ones(autoencoder, official, normalises):
    with torch.inference_mode():
        found = autoencoder(official["x"], noise_BT=official["noise"])
        patches = to_patches(official["x"], 16)
        loss = mae_loss(
            found.predicted_BTP, patches, found.is_hidden_BT, normalises_patches=normalises
        )
    np.testing.assert_array_equal(found.is_hidden_BT.float(), official["mask"])
    np.testing.assert_allclose(patches, official["patchified"], atol=1e-6)
    name = f"norm{int(normalises)}"
    np.testing.assert_allclose(found.predicted_BTP, official[f"pred_{name}"], atol=1e-5)
    assert float(loss) == pytest.approx(float(official[f"loss_{name}"]), rel=1e-5)


@pytest.mark.parametrize("size", [(64, 64), (32, 96)])
def test_patches_go_back_to_where_they_came_from(size):
    images = torch.randn(2, 5, *size)
    patches = to_patches(images, 16)
    torch.testing.assert_close(to_images(patches, 16, (size[0] // 16, size[1] // 16)), images)
    torch.testing.assert_close(
        patches[1, 1].reshape(16, 16, 5).permute(2, 0, 1), images[1, :, :16, 16:32]
    )


def test_hidden_patches_cannot_be_seen_by_the_encoder(autoencoder, official):
    images, noise = official["x"].clone(), official["noise"]
    hidden = official["mask"].bool()
    patches = to_patches(images, 16)
    patches[hidden] = 100.0
    with torch.inference_mode():
        before = autoencoder(images, noise_BT=noise).predicted_BTP
        after = autoencoder(to_images(patches, 16, (4, 4)), noise_BT=noise).predicted_BTP
    torch.testing.assert_close(before, after)
