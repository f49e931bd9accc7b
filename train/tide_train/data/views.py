"""The views a method trains on: augmented tiles, crops of them, or disturbed features.

Images are augmented alike for every method; only DINO also crops. A table of features has no
pixels to turn, so its views add noise and hide some features.

Shapes: B samples, C channels, H x W pixels, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field

from napari_tide.students.encoders.feature_encoder import FeatureEncoder
from tide_train.data.augment import AugmentConfig, augment
from tide_train.data.multi_crop import CropConfig, multi_crop
from tide_train.data.sample_random import SampleRandom


class FeatureNoise(BaseModel):
    """How features are disturbed, in standard deviations and shares."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    noise: float = Field(
        default=0.2, ge=0, title="Noise", description="Noise, in a feature's own spread"
    )
    dropout: float = Field(
        default=0.1, ge=0, lt=1, title="Hidden features", description="Share of features hidden"
    )
    local_dropout: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        title="Hidden in small views",
        description="Share hidden in DINO's small views",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """Makes the views of a batch.

    Parameters
    ----------
    augmentation, crops, feature_noise
        How strong.
    patch_px
        Sides of crops are multiples of it.
    table_encoder
        For a table of features, the encoder that knows their means and spreads; None for images.
    """

    augmentation: AugmentConfig
    crops: CropConfig
    feature_noise: FeatureNoise
    patch_px: int = 16
    table_encoder: FeatureEncoder | None = None

    def one(self, samples: torch.Tensor, random: SampleRandom) -> torch.Tensor:
        """Give one view of every sample."""
        with _in_full_precision(samples):
            if self.table_encoder is not None:
                return self._disturbed(samples, self.feature_noise.dropout, random)
            return augment(samples, self.augmentation, random)

    def many(self, samples: torch.Tensor, random: SampleRandom) -> list[torch.Tensor]:
        """Give DINO's views: two large, then the small ones."""
        with _in_full_precision(samples):
            if self.table_encoder is not None:
                shares = [self.feature_noise.dropout] * 2
                shares += [self.feature_noise.local_dropout] * self.crops.n_local
                return [self._disturbed(samples, share, random) for share in shares]
            crops = multi_crop(samples, self.crops, random, patch_px=self.patch_px)
            return [augment(crop, self.augmentation, random) for crop in crops]

    def _disturbed(
        self, rows_BF: torch.Tensor, dropout: float, random: SampleRandom
    ) -> torch.Tensor:
        assert self.table_encoder is not None
        mean_F, scale_F = self.table_encoder.mean, self.table_encoder.scale
        shape = tuple(rows_BF.shape)
        noise_BF = random.normal(shape).to(rows_BF.device)
        noisy_BF = rows_BF + self.feature_noise.noise * scale_F * noise_BF
        is_hidden_BF = random.uniform(shape).to(rows_BF.device) < dropout
        return torch.where(is_hidden_BF, mean_F, noisy_BF)


def _in_full_precision(samples: torch.Tensor) -> torch.autocast:
    """Keep pixels out of the encoder's half precision, which is coarser than the bytes stored."""
    return torch.autocast(samples.device.type, enabled=False)
