"""A value that warms up in a straight line and then falls along a cosine."""

from __future__ import annotations

import math


def cosine_schedule(
    step: int, *, start: float, end: float, n_steps: int, n_warmup: int = 0, warmup_from: float = 0
) -> float:
    """Give the value at a step; the last warm-up step has reached `start`."""
    if step < n_warmup:
        share = step / (n_warmup - 1) if n_warmup > 1 else 1.0
        return warmup_from + (start - warmup_from) * share
    done = (step - n_warmup) / max(n_steps - n_warmup, 1)
    return end + 0.5 * (start - end) * (1 + math.cos(math.pi * min(done, 1.0)))
