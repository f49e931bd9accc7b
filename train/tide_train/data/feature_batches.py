"""Batches of features, for a loop that need not care what it trains on."""

# B row, F feature, N row of the table

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch

from tide_train.data.loop_clock import TimedBatches
from tide_train.data.pack_loader import PackLoader
from tide_train.data.send import send
from tide_train.data.tile_pack import TilePack
from tide_train.data.tile_shards import Rows
from tide_train.data.training_data import TrainingTable


@dataclass(frozen=True, slots=True, eq=False)
class FeatureBatch:
    """Rows of a table and their features, on the device."""

    rows: Rows
    features_BF: torch.Tensor

    @property
    def inputs(self) -> torch.Tensor:
        """What an encoder takes."""
        return self.features_BF


class FeatureBatches(TimedBatches):
    """Batches of a table of features, which lies on the device as a whole.

    The same loop as over a `PackLoader`, for data that need no reading ahead.
    """

    def __init__(
        self,
        table: TrainingTable,
        batches: Iterable[Rows],
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self._features_NF = torch.from_numpy(table.features).to(device)
        self._batches = batches

    def __iter__(self) -> Iterator[FeatureBatch]:
        """Give the batches."""
        began = time.perf_counter()
        for rows in self._batches:
            chosen = send(rows, self._features_NF.device)
            batch = FeatureBatch(rows, self._features_NF[chosen])
            ready = time.perf_counter()
            self.clock.waited(ready - began)
            yield batch
            began = time.perf_counter()
            self.clock.worked(began - ready)


def load_batches(
    data: TilePack | TrainingTable,
    batches: Iterable[Rows],
    *,
    device: torch.device | str = "cpu",
    threads: int | None = None,
) -> PackLoader | FeatureBatches:
    """Load batches of either kind of data; ``batch.inputs`` is what an encoder takes."""
    if isinstance(data, TrainingTable):
        return FeatureBatches(data, batches, device=device)
    return PackLoader(data, batches, device=device, threads=threads)
