"""Sums over all processes, with gradients, so that many processes train as one would.

Every loss is scaled so that the average of the processes' gradients, which is what data-parallel
training applies, is the gradient of the loss over the global batch. In one process these functions
are the plain ones.

Shapes: B rows of this process, N rows of all, D width.
"""

from __future__ import annotations

import torch
from torch import distributed
from torch.distributed.nn import functional as collective


def world_size() -> int:
    """Count the processes that train together."""
    is_many = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if is_many else 1


def global_mean(values_B: torch.Tensor, is_counted_B: torch.Tensor | None = None) -> torch.Tensor:
    """Average over the rows of all processes that count; zero where none does.

    Parameters
    ----------
    values_B
        A loss per row of this process.
    is_counted_B
        Which rows take part; all by default.
    """
    weights_B = (
        torch.ones_like(values_B) if is_counted_B is None else is_counted_B.to(values_B.dtype)
    )
    count = weights_B.sum().detach().clone()
    total = torch.where(weights_B > 0, values_B, torch.zeros_like(values_B)).sum()
    n_processes = world_size()
    if n_processes > 1:
        distributed.all_reduce(count)
    return total * n_processes / count.clamp_min(1)


def gather_rows(rows_BD: torch.Tensor) -> torch.Tensor:
    """Put the rows of all processes together, in order of rank; their numbers may differ."""
    n_processes = world_size()
    if n_processes == 1:
        return rows_BD
    sizes = torch.zeros(n_processes, dtype=torch.int64, device=rows_BD.device)
    sizes[distributed.get_rank()] = len(rows_BD)
    distributed.all_reduce(sizes)
    counts = [int(size) for size in sizes]
    padding = rows_BD.new_zeros(max(counts) - len(rows_BD), *rows_BD.shape[1:])
    gathered = collective.all_gather(torch.cat([rows_BD, padding]))  # type: ignore[no-untyped-call]
    return torch.cat([part[:count] for part, count in zip(gathered, counts, strict=True)])


def gather_labels(labels_B: torch.Tensor) -> torch.Tensor:
    """Put labels of all processes together, in order of rank; no gradient."""
    return gather_rows(labels_B[:, None].to(torch.float64))[:, 0].round().to(labels_B.dtype)


def average_over_processes(values: dict[str, torch.Tensor]) -> dict[str, float]:
    """Give each value's mean over processes, for the log."""
    names = sorted(values)
    stacked = torch.stack([values[name].detach().float() for name in names])
    if world_size() > 1:
        distributed.all_reduce(stacked)
        stacked /= world_size()
    return dict(zip(names, stacked.tolist(), strict=True))
