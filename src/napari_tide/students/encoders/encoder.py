"""What every encoder gives: one embedding per input, and one token per patch.

Shapes: B inputs, C channels, H x W pixels, T = h * w patches, D embedding width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from napari_tide.errors import StudentValueError


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder says about a batch.

    Parameters
    ----------
    pooled_BD
        One embedding per input: the mean of its patch tokens.
    patches_BTD
        One token per patch, row by row over `grid_hw`; channel-wise encoders average over channels.
    grid_hw
        How many patches fit the input's height and width.
    """

    pooled_BD: torch.Tensor
    patches_BTD: torch.Tensor
    grid_hw: tuple[int, int]


class Encoder(nn.Module, ABC):
    """An encoder of named channels (or, for profiles, of named feature columns)."""

    def __init__(self, channels: Sequence[str], width: int) -> None:
        super().__init__()
        if len(set(channels)) != len(channels) or not channels:
            message = f"channels must be named once each and not be empty; got {list(channels)}"
            raise StudentValueError(message)
        self.channels = tuple(channels)
        self.width = width

    @abstractmethod
    def forward(self, images_BCHW: torch.Tensor, channels: Sequence[str] | None = None) -> Encoded:
        """Encode a batch whose channels are named by `channels` (by default the trained ones)."""

    def positions(self, channels: Sequence[str] | None, n_given: int) -> list[int]:
        """Give the trained position of each given channel, by name.

        Raises
        ------
        StudentValueError
            A channel was never trained on, or the count does not fit the input.
        """
        names = list(self.channels if channels is None else channels)
        if len(names) != n_given:
            message = f"{n_given} channels given, but {len(names)} named: {names}"
            raise StudentValueError(message)
        unknown = [name for name in names if name not in self.channels]
        if unknown or len(set(names)) != len(names):
            message = (
                f"channels {unknown or names} do not fit this encoder, which was trained on "
                f"{list(self.channels)}; name each of them once"
            )
            raise StudentValueError(message)
        return [self.channels.index(name) for name in names]


def reorder_all(
    images_BCHW: torch.Tensor, encoder: Encoder, channels: Sequence[str] | None
) -> torch.Tensor:
    """Bring a batch to the trained channel order; every trained channel must be there.

    Raises
    ------
    StudentValueError
        A trained channel is missing.
    """
    if channels is None and images_BCHW.shape[1] == len(encoder.channels):
        return images_BCHW  # names of hundreds of features are not compared at every step
    positions = encoder.positions(channels, images_BCHW.shape[1])
    missing = [name for i, name in enumerate(encoder.channels) if i not in positions]
    if missing:
        message = (
            f"this encoder needs all of {list(encoder.channels)}; {', '.join(missing)} is missing. "
            "A channel-agnostic encoder (channel_vit, fused_vit) accepts a subset"
        )
        raise StudentValueError(message)
    if positions == sorted(positions):
        return images_BCHW
    order = [positions.index(i) for i in range(len(positions))]
    return images_BCHW[:, order]
