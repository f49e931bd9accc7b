"""Random numbers for one training step that do not depend on how many processes share it.

Every number is drawn for the global batch and each process keeps its own rows, so two processes
augment exactly as one would. Numbers follow from (seed, step) alone: a resumed run draws what the
interrupted one would have drawn.
"""

from __future__ import annotations

import numpy as np
import torch

_STREAMS = {"augment": 0, "partners": 1, "masks": 2, "validation": 3}


class SampleRandom:
    """The random numbers of one step, for the rows of one process."""

    def __init__(
        self,
        seed: int,
        step: int,
        *,
        stream: str = "augment",
        rank: int = 0,
        world_size: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        entropy = np.random.SeedSequence([seed, step, _STREAMS[stream]])
        self._rank, self._world_size = rank, world_size
        self.device = torch.device(device)
        self._generator = torch.Generator(device=self.device)
        self._generator.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))

    def uniform(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Draw numbers in [0, 1), a row per sample of this process.

        Parameters
        ----------
        shape
            The first number counts samples of this process.
        """
        n_rows = shape[0]
        drawn = torch.rand(
            (n_rows * self._world_size, *shape[1:]), generator=self._generator, device=self.device
        )
        return drawn[self._rank * n_rows : (self._rank + 1) * n_rows]

    def normal(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Draw standard normal numbers, a row per sample of this process."""
        n_rows = shape[0]
        drawn = torch.randn(
            (n_rows * self._world_size, *shape[1:]), generator=self._generator, device=self.device
        )
        return drawn[self._rank * n_rows : (self._rank + 1) * n_rows]
