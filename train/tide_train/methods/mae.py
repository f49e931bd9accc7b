"""MAE: hide three quarters of the patches and predict their pixels (He et al. 2022)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from napari_tide.errors import TrainValueError
from napari_tide.students.encoders.vit import ViTEncoder
from tide_train.data.batch import Batch
from tide_train.losses.mae_loss import mae_loss, to_patches
from tide_train.methods.method import Losses, Method, MethodConfig, MethodInputs
from tide_train.nets.masked_autoencoder import MaskedAutoencoder
from tide_train.seeding import seeded


class MaeConfig(MethodConfig):
    """Settings of the published masked autoencoder."""

    kind: Literal["mae"] = "mae"
    hidden_share: float = Field(
        default=0.75, gt=0, lt=1, title="Hidden patches", description="Share of patches hidden"
    )
    decoder_width: int = Field(
        default=512,
        ge=16,
        title="Decoder width",
        description="Of the part that fills in what is hidden",
    )
    decoder_depth: int = Field(default=8, ge=1, title="Decoder depth", description="Its layers")
    decoder_heads: int = Field(
        default=16, ge=1, title="Decoder heads", description="Its attention heads"
    )
    normalises_patches: bool = Field(
        default=True, title="Standardise patches", description="Predict standardised patches"
    )


class Mae(Method):
    """The encoder sees a quarter of the patches; a decoder, dropped afterwards, fills the rest."""

    def __init__(self, config: MaeConfig, inputs: MethodInputs) -> None:
        super().__init__(inputs)
        self.config = config
        encoder = inputs.student.encoder
        if not isinstance(encoder, ViTEncoder):
            message = (
                "mae hides patches of a plain ViT; train it with --set encoder.kind=vit, or choose "
                "dino for another encoder"
            )
            raise TrainValueError(message)
        with seeded(inputs.seed, "mae decoder"):
            self.autoencoder = MaskedAutoencoder(
                encoder,
                decoder_width=config.decoder_width,
                decoder_depth=config.decoder_depth,
                decoder_heads=config.decoder_heads,
            )

    def forward(self, batch: Batch) -> Losses:
        """Give the error over hidden patches."""
        view = self.views.one(batch.samples, batch.random)
        patch_px = self.autoencoder.encoder.patch_px
        n_patches = (view.shape[2] // patch_px) * (view.shape[3] // patch_px)
        noise_BT = batch.random.uniform((len(view), n_patches)).to(view.device)
        found = self.autoencoder(view, hidden_share=self.config.hidden_share, noise_BT=noise_BT)
        loss = mae_loss(
            found.predicted_BTP.float(),
            to_patches(view, patch_px),
            found.is_hidden_BT,
            normalises_patches=self.config.normalises_patches,
        )
        return {"loss": loss}
