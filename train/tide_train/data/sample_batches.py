"""Batches in the order of steps: rows read ahead, with their labels and partners.

Shapes: B samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tide_train.data.batch import Batch, Transcriptomes
from tide_train.data.sample_random import SampleRandom
from tide_train.data.send import send

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class BatchMaker:
    """Adds to pixels or features what is known of their rows.

    Parameters
    ----------
    drugs_N, doses_N, log_doses_N, lines_N
        Of every row of the data.
    is_labelled_N
        Which rows were given a training drug, in the host's memory: what a step is made of must
        not be asked of the device.
    transcriptomes
        What partners are drawn from, or None.
    seed, rank, world_size, device
        Of this process.
    """

    drugs_N: torch.Tensor
    doses_N: torch.Tensor
    log_doses_N: torch.Tensor
    lines_N: torch.Tensor
    is_labelled_N: npt.NDArray[np.bool_]
    transcriptomes: Transcriptomes | None
    seed: int
    rank: int
    world_size: int
    device: torch.device

    def make(self, rows: Rows, samples: torch.Tensor, *, step: int, part: int = 0) -> Batch:
        """Make the batch of one part of a step."""
        order = step * 1024 + part
        where = send(rows, self.device)
        partners = None
        if self.transcriptomes is not None:
            partners = self.transcriptomes.draw(rows, self._random(order, "partners", "cpu"))
        return Batch(
            step=step,
            samples=samples,
            drugs_B=self.drugs_N[where],
            doses_B=self.doses_N[where],
            log_doses_B=self.log_doses_N[where],
            lines_B=self.lines_N[where],
            labelled_L=send(np.flatnonzero(self.is_labelled_N[rows]), self.device),
            partners=partners,
            random=self._random(order, "augment", self.device),
        )

    def _random(self, order: int, stream: str, device: torch.device | str) -> SampleRandom:
        return SampleRandom(
            self.seed,
            order,
            stream=stream,
            rank=self.rank,
            world_size=self.world_size,
            device=device,
        )


def as_unit_interval(samples: npt.NDArray[Any], device: torch.device) -> torch.Tensor:
    """Move samples to a device; integers become shares of their type's highest value."""
    tensor = torch.from_numpy(np.ascontiguousarray(samples)).to(device)
    if tensor.is_floating_point():
        return tensor
    highest = float(np.iinfo(samples.dtype).max)
    return tensor.to(torch.float32) / highest
