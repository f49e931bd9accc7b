"""The batches of a run, from any step on."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from tide_train.data.batch import Batch
from tide_train.data.batch_order import BatchOrder
from tide_train.data.feature_batches import load_batches
from tide_train.data.sample_batches import BatchMaker

if TYPE_CHECKING:
    from tide_train.prepare import Prepared


class BatchStream:
    """Training rows in batches, the same whatever the number of processes."""

    def __init__(
        self,
        prepared: Prepared,
        batches: BatchMaker,
        *,
        first_step: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.prepared, self.batches, self.first_step = prepared, batches, first_step
        config, training = prepared.config, prepared.split.training
        is_paired = None
        if config.data.paired_share is not None and prepared.transcriptomes is not None:
            is_paired = training[prepared.transcriptomes.pairing.is_paired[training]]
        self.order = BatchOrder(
            training,
            config.batch_size // config.accumulation,
            seed=config.seed,
            rank=rank,
            world_size=world_size,
            paired_rows=is_paired,
            paired_share=config.data.paired_share if is_paired is not None else None,
        )

    def batches_from_here(self) -> Generator[Batch, None, None]:
        """Give batches without end."""
        n_parts = self.prepared.config.accumulation
        number = self.first_step * n_parts
        loader = load_batches(
            self.prepared.data,
            self.order.batches(number),
            device=self.batches.device,
            threads=self.prepared.config.threads or None,
        )
        with loader:
            for loaded in loader:
                step, part = divmod(number, n_parts)
                yield self.batches.make(loaded.rows, loaded.inputs, step=step, part=part)
                number += 1
