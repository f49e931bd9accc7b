"""One step's samples, with the transcriptomes that stand beside some of them.

Shapes: B samples, P paired samples, C channels, H x W pixels, G genes, E width of a cell encoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from tide_train.data.pairing import Pairing
from tide_train.data.sample_random import SampleRandom
from tide_train.data.send import send

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """Transcriptomes of the paired samples of a batch.

    Parameters
    ----------
    samples_P
        Positions in the batch.
    rna_PG, doses_PE, cells_PE
        Perturbed expression, the encoding of its dose, and that of its cell line.
    log_doses_P
        Logarithm of the RNA dose in µM; NaN where unknown.
    rows_P
        Which transcriptomes these are.
    """

    samples_P: torch.Tensor
    rna_PG: torch.Tensor
    doses_PE: torch.Tensor
    log_doses_P: torch.Tensor
    cells_PE: torch.Tensor
    rows_P: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a method turns into losses.

    Parameters
    ----------
    step
        Which step this is, from zero.
    samples
        Pixels in [0, 1], B x C x H x W, or features B x F; not augmented.
    drugs_B
        Position in the codebook, -1 where no training drug was given.
    doses_B, log_doses_B
        Image doses in [0, 1], and as logarithms of µM (NaN where unknown).
    lines_B
        Cell lines as numbers.
    labelled_L
        Positions of the samples that were given a training drug.
    partners
        None where the data has no pair at all; otherwise possibly of no rows.
    random
        Random numbers of this step.
    """

    step: int
    samples: torch.Tensor
    drugs_B: torch.Tensor
    doses_B: torch.Tensor
    log_doses_B: torch.Tensor
    lines_B: torch.Tensor
    labelled_L: torch.Tensor
    partners: Partners | None
    random: SampleRandom

    @property
    def is_labelled(self) -> torch.Tensor:
        """Which samples were given a training drug."""
        return self.drugs_B >= 0


@dataclass(frozen=True, slots=True, eq=False)
class Transcriptomes:
    """What the teacher may see beside an image.

    Parameters
    ----------
    pairing
        Which transcriptomes may stand beside which sample.
    rna_NG
        Expression as the teacher gets it.
    doses_NE, log_doses_N
        RNA doses as the scFM encodes them (one column in [0, 1] without one), and as logarithms
        of µM.
    lines_N
        Each transcriptome's cell line, a row of `cells_LE`.
    cells_LE
        The scFM's encoding of each line's untreated expression.
    """

    pairing: Pairing
    rna_NG: torch.Tensor
    doses_NE: torch.Tensor
    log_doses_N: torch.Tensor
    lines_N: torch.Tensor
    cells_LE: torch.Tensor

    def draw(self, rows: Rows, random: SampleRandom) -> Partners:
        """Draw a partner for every paired sample of a batch."""
        groups = self.pairing.group_of_image[rows]
        drawn = random.uniform((len(rows),)).cpu().numpy()
        paired = np.flatnonzero(groups >= 0)
        chosen = np.array(
            [_pick(self.pairing.rna_of_group[groups[i]], drawn[i]) for i in paired], np.int64
        )
        device = self.rna_NG.device
        rows_P = send(chosen, device)
        return Partners(
            samples_P=send(paired, device),
            rna_PG=self.rna_NG[rows_P],
            doses_PE=self.doses_NE[rows_P],
            log_doses_P=self.log_doses_N[rows_P],
            cells_PE=self.cells_LE[self.lines_N[rows_P]],
            rows_P=rows_P,
        )

    def to(self, device: torch.device) -> Transcriptomes:
        """Move the tables to a device; they are small."""
        return Transcriptomes(
            self.pairing,
            self.rna_NG.to(device),
            self.doses_NE.to(device),
            self.log_doses_N.to(device),
            self.lines_N.to(device),
            self.cells_LE.to(device),
        )


def _pick(rows: Rows, share: float) -> int:
    return int(rows[min(int(share * len(rows)), len(rows) - 1)])
