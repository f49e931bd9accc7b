"""Which rows each step trains on: an endless order that any step can be looked up in.

The order depends on the seed and the global batch size alone. Each of several processes takes a
contiguous part of the same global batch, so a run's batches do not depend on how many there are,
and a resumed run needs no replay.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from napari_tide.errors import TrainValueError

Rows = npt.NDArray[np.int64]

_KEPT_EPOCHS = 2


class BatchOrder:
    """Rows of every step.

    Each epoch is a permutation of the rows, drawn from seed and epoch. With `paired_share` a batch
    takes that share from `paired_rows` and the rest from the other rows; each side then goes
    through permutations of its own, and the paired rows are spread evenly over the batch, so that
    every process gets its part of them.

    Parameters
    ----------
    rows
        How many rows there are, or which rows to use.
    global_batch_size
        Rows a step, over all processes.
    seed
        Of the permutations.
    rank, world_size
        Which process this is, of how many.
    drop_last
        Leave out an epoch's last rows where they do not fill a batch. A batch that is not full is
        split as evenly as it goes.
    paired_rows
        Rows with a partner (a transcriptome).
    paired_share
        Their share of each batch, such as 0.2; by default as it comes.
    """

    def __init__(
        self,
        rows: int | npt.NDArray[np.integer],
        global_batch_size: int,
        *,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = True,
        paired_rows: npt.NDArray[np.integer] | None = None,
        paired_share: float | None = None,
    ) -> None:
        all_rows = np.arange(rows) if isinstance(rows, int) else np.asarray(rows)
        self._rows: Rows = all_rows.astype(np.int64)
        self.global_batch_size, self.seed = global_batch_size, seed
        self.rank, self.world_size, self.drop_last = rank, world_size, drop_last
        self._require_possible()
        self._sides = [self._rows]
        self._counts = [global_batch_size]
        if paired_share is not None:
            self._split(paired_rows, paired_share)
        self._kept: dict[tuple[int, int], Rows] = {}

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every row is used once; with `paired_share`, as many as without."""
        n_rows = len(self._rows)
        if self.drop_last or len(self._sides) > 1:
            return n_rows // self.global_batch_size
        return -(-n_rows // self.global_batch_size)

    def epoch_of(self, step: int) -> int:
        """Give the epoch a step belongs to."""
        return step // self.steps_per_epoch

    def batch(self, step: int) -> Rows:
        """Give this process's rows of a step."""
        whole = self.global_batch(step)
        limits = [len(whole) * part // self.world_size for part in (self.rank, self.rank + 1)]
        return whole[limits[0] : limits[1]]

    def global_batch(self, step: int) -> Rows:
        """Give the rows of a step over all processes."""
        if len(self._sides) == 1:
            epoch, within = divmod(step, self.steps_per_epoch)
            first = within * self.global_batch_size
            return self._permutation(0, epoch)[first : first + self.global_batch_size]
        others, paired = (self._stream(side, step) for side in (0, 1))
        n_paired, n_rows = len(paired), self.global_batch_size
        places = np.arange(n_paired) * n_rows // max(n_paired, 1)
        is_paired = np.zeros(n_rows, bool)
        is_paired[places] = True
        mixed = np.empty(n_rows, np.int64)
        mixed[is_paired], mixed[~is_paired] = paired, others
        return mixed

    def batches(self, first_step: int = 0) -> Iterator[Rows]:
        """Give this process's rows of every step from one on, without end."""
        step = first_step
        while True:
            yield self.batch(step)
            step += 1

    def _stream(self, side: int, step: int) -> Rows:
        """Read on through permutation after permutation of one side."""
        n_wanted, n_rows = self._counts[side], len(self._sides[side])
        if not n_wanted:
            return np.zeros(0, np.int64)
        first = step * n_wanted
        epochs = range(first // n_rows, (first + n_wanted - 1) // n_rows + 1)
        read = np.concatenate([self._permutation(side, epoch) for epoch in epochs])
        begin = first - epochs.start * n_rows
        return read[begin : begin + n_wanted]

    def _permutation(self, side: int, epoch: int) -> Rows:
        if (side, epoch) not in self._kept:
            while len(self._kept) >= _KEPT_EPOCHS * len(self._sides):
                self._kept.pop(next(iter(self._kept)))
            random = np.random.default_rng([self.seed, side, epoch])
            self._kept[side, epoch] = random.permutation(self._sides[side])
        return self._kept[side, epoch]

    def _split(self, paired_rows: npt.NDArray[np.integer] | None, share: float) -> None:
        paired = np.asarray([] if paired_rows is None else paired_rows, np.int64)
        is_paired = np.isin(self._rows, paired)
        sides = [self._rows[~is_paired], self._rows[is_paired]]
        if not 0 <= share <= 1:
            message = f"a paired share of {share} is none; expected 0 to 1"
            raise TrainValueError(message)
        n_paired = round(share * self.global_batch_size)
        counts = [self.global_batch_size - n_paired, n_paired]
        for what, side, count in zip(("unpaired", "paired"), sides, counts, strict=True):
            if count and not len(side):
                message = (
                    f"{count} of {self.global_batch_size} rows of a batch should be {what}, but "
                    f"there are none; set the paired share to {int(what == 'unpaired')}, or leave "
                    "it out"
                )
                raise TrainValueError(message)
        self._sides, self._counts = sides, counts

    def _require_possible(self) -> None:
        size, n_rows = self.global_batch_size, len(self._rows)
        if size < 1 or n_rows < 1 or (self.drop_last and size > n_rows):
            message = (
                f"batches of {size} cannot be made of {n_rows} rows; "
                f"lower the batch size to {max(n_rows, 1)} or less"
            )
            raise TrainValueError(message)
        if self.world_size < 1 or not 0 <= self.rank < self.world_size or size % self.world_size:
            message = (
                f"batches of {size} rows cannot be shared by {self.world_size} processes (this is "
                f"number {self.rank}); choose a batch size that is a multiple of their number"
            )
            raise TrainValueError(message)
