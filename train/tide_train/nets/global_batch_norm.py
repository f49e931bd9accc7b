"""Batch normalisation over the rows of all processes, on any device.

PyTorch's own `SyncBatchNorm` needs a GPU; training with several CPU processes, and the tests that
hold several processes equal to one, need the same thing there. Parameters and buffers are those of
`torch.nn.BatchNorm1d`, and in one process so are the numbers.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.distributed.nn import functional as collective

from tide_train.parallel import world_size


class GlobalBatchNorm(nn.BatchNorm1d):
    """`BatchNorm1d` whose statistics come from the global batch; it accepts no rows at all."""

    def forward(self, rows_BD: torch.Tensor) -> torch.Tensor:
        """Normalise each feature."""
        if not self.training:
            return super().forward(rows_BD)
        # in 16 bits the difference of two large means would be noise
        rows_BD = rows_BD.to(torch.promote_types(rows_BD.dtype, torch.float32))
        ones_B1 = rows_BD.new_ones(len(rows_BD), 1)
        sums = torch.cat([(rows_BD).sum(0), (rows_BD**2).sum(0), ones_B1.sum(0)])
        if world_size() > 1:
            sums = collective.all_reduce(sums)  # type: ignore[no-untyped-call]
        width = rows_BD.shape[1]
        count = sums[-1].clamp_min(1)
        mean_D = sums[:width] / count
        variance_D = (sums[width:-1] / count - mean_D**2).clamp_min(0)
        self._remember(mean_D.detach(), variance_D.detach(), sums[-1].detach())
        scaled_BD = (rows_BD - mean_D) * torch.rsqrt(variance_D + self.eps)
        return scaled_BD * self.weight + self.bias

    @torch.no_grad()
    def _remember(
        self, mean_D: torch.Tensor, variance_D: torch.Tensor, count: torch.Tensor
    ) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        # a variance of one row says nothing; the device decides, so that the host need not wait
        is_enough = count >= 2
        self.num_batches_tracked.add_(is_enough)
        momentum = is_enough * (0.1 if self.momentum is None else self.momentum)
        self.running_mean.lerp_(mean_D, momentum)
        self.running_var.lerp_(variance_D * count / (count - 1).clamp_min(1), momentum)
