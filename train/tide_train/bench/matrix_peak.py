"""How fast a device multiplies matrices at best, measured in the same run as what it is held to."""

from __future__ import annotations

import time

import torch

_SIDE = {"cuda": 8192, "cpu": 1024}
_N_CALLS = 10
_N_ROUNDS = 5


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Give floating-point operations a second in large square products, the best of some rounds."""
    side = _SIDE.get(device.type, 2048)
    first, second = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    torch.mm(first, second)
    best_s = float("inf")
    for _ in range(_N_ROUNDS):
        wait_for(device)
        began = time.perf_counter()
        for _ in range(_N_CALLS):
            torch.mm(first, second)
        wait_for(device)
        best_s = min(best_s, (time.perf_counter() - began) / _N_CALLS)
    return 2.0 * side**3 / best_s


def wait_for(device: torch.device) -> None:
    """Wait until a device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
