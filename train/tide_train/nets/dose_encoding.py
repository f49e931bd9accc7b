"""Doses as numbers between zero and one, and a modulation of image embeddings by dose.

Image and RNA doses are encoded separately; they are never matched by equality.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_tide.errors import TrainValueError


@dataclass(frozen=True, slots=True)
class DoseScale:
    """The range of log10 µM that becomes zero to one."""

    lowest: float
    highest: float

    @classmethod
    def of(cls, doses_um: npt.NDArray[np.floating]) -> DoseScale:
        """Span the positive doses of a data set.

        Raises
        ------
        TrainValueError
            No dose is known.
        """
        positive = doses_um[np.isfinite(doses_um) & (doses_um > 0)]
        if not len(positive):
            message = "no dose is known; give doses in the plate map, or train without dose"
            raise TrainValueError(message)
        logarithms = np.log10(positive)
        return cls(float(logarithms.min()), float(logarithms.max()))

    def scale(self, doses_um: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Scale doses; unknown ones and zero take the middle, others stay within [0, 1]."""
        is_known = np.isfinite(doses_um) & (doses_um > 0)
        logarithms = np.log10(np.where(is_known, doses_um, 1.0))
        span = self.highest - self.lowest
        scaled = (logarithms - self.lowest) / span if span > 0 else np.full(len(doses_um), 0.5)
        return np.where(is_known, np.clip(scaled, 0, 1), 0.5).astype(np.float32)


class DoseFilm(nn.Module):
    """Feature-wise modulation (1 + gamma) * z + beta by dose; the identity until it has learned."""

    def __init__(self, width: int, *, hidden: int = 64) -> None:
        super().__init__()
        self.first = nn.Linear(1, hidden)
        self.second = nn.Linear(hidden, 2 * width)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, embeddings_BD: torch.Tensor, doses_B: torch.Tensor) -> torch.Tensor:
        """Modulate image embeddings by their scaled doses."""
        modulation = self.second(torch.relu(self.first(doses_B[:, None])))
        gamma_BD, beta_BD = modulation.chunk(2, dim=1)
        return (1 + gamma_BD) * embeddings_BD + beta_BD
