"""What a training made of the drugs: their prototypes beside the fingerprints it started from.

Shapes: K drugs, D width, F bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from tide_train.prepare import Prepared

FILE = "codebook.npz"


@dataclass(frozen=True, slots=True, eq=False)
class LearnedCodebook:
    """The training drugs of a run."""

    names: tuple[str, ...]
    bits_KF: npt.NDArray[np.float32]
    prototypes_KD: npt.NDArray[np.float32]

    @classmethod
    @torch.no_grad()
    def of(cls, prepared: Prepared) -> Self:
        """Take it from what was trained."""
        prototypes_KD = prepared.method.student.codebook()
        return cls(
            tuple(prepared.drugs.names),
            np.asarray(prepared.drugs.features_KF, np.float32),
            prototypes_KD.float().cpu().numpy(),
        )

    def write(self, folder: Path) -> None:
        """Keep it in a run's folder."""
        np.savez_compressed(
            folder / FILE,
            names=np.array(self.names),
            bits=self.bits_KF.astype(bool),
            prototypes=self.prototypes_KD.astype(np.float16),
        )

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read it from a run's folder; None where there is none."""
        path = folder / FILE
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as kept:
            return cls(
                tuple(kept["names"].tolist()),
                kept["bits"].astype(np.float32),
                kept["prototypes"].astype(np.float32),
            )
