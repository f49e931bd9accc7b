"""Outlines of cells and nuclei as tables of radius by direction.

Directions are binned by the *diamond angle* y / (|x| + |y|), which orders directions as the true
angle does and costs no arctangent per pixel. Shapes: M cells, A directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

N_DIRECTIONS = 512

_NUCLEAR_ORDERS = (2, 3, 4, 5, 6)
_CELL_ORDERS = (1, 2, 3)
_LEAST_RIM_PX = 4.0


@dataclass(frozen=True, slots=True)
class Outlines:
    """Radii in pixels from a cell's centre, M by A each.

    ``core`` encloses the nucleus (or both nuclei), ``span`` is the cytoplasm from there to the
    cell's edge, ``nucleus`` is one nucleus from its own centre.
    """

    core: Tensor
    span: Tensor
    nucleus: Tensor


def direction_bin(dx: Tensor, dy: Tensor) -> Tensor:
    """Give the bin of the direction to (dx, dy)."""
    slope = dy / (dx.abs() + dy.abs() + 1e-6)
    turn = torch.where(dx < 0, 3.0 - slope, 1.0 + slope)
    return (turn * (N_DIRECTIONS / 4)).long().clamp_(0, N_DIRECTIONS - 1)


def trace_outlines(cells: Mapping[str, Tensor]) -> Outlines:
    """Trace every cell's outlines from its quantities (see `cells`)."""
    like = cells["x"]
    cos_A, sin_A = (torch.as_tensor(t).to(like) for t in _direction_vectors())
    nucleus_MA = _nuclei(cells, cos_A, sin_A)
    gap_MA = (cells["gap_x"][:, None] * cos_A + cells["gap_y"][:, None] * sin_A).abs()
    reach_M1 = cells["reach"][:, None]
    core_MA = torch.minimum(nucleus_MA + gap_MA, reach_M1 - _LEAST_RIM_PX)
    edge_MA = _edges(cells, cos_A, sin_A)
    edge_MA = torch.minimum(edge_MA, reach_M1)
    span_MA = (edge_MA - core_MA).clamp_min(_LEAST_RIM_PX)
    return Outlines(core_MA, span_MA, nucleus_MA)


def _nuclei(cells: Mapping[str, Tensor], cos_A: Tensor, sin_A: Tensor) -> Tensor:
    ellipse = _ellipse(cells["nucleus_axis"], cells["nucleus_aspect"], cos_A, sin_A)
    lobes = cells["nucleus_lobes"] @ _waves(_NUCLEAR_ORDERS, cells["x"])
    notch = cells["notch"][:, None] * torch.exp(
        4.0 * (_facing(cells["notch_angle"], cos_A, sin_A) - 1.0)
    )
    return cells["nucleus_radius"][:, None] * ellipse * (1.0 + lobes - notch).clamp(0.4, 1.8)


def _edges(cells: Mapping[str, Tensor], cos_A: Tensor, sin_A: Tensor) -> Tensor:
    """Ellipses with a few smooth lobes and five pointed corners, straight to concave between."""
    ellipse = _ellipse(cells["axis"], cells["cell_aspect"], cos_A, sin_A)
    shape = 1.0 + cells["cell_lobes"] @ _waves(_CELL_ORDERS, cells["x"])
    for corner in range(cells["corner_angle"].shape[1]):
        away = 1.0 - _facing(cells["corner_angle"][:, corner], cos_A, sin_A)
        point = torch.exp(-4.2 * (torch.sqrt(away + 0.004) - 0.0632))
        shape = shape + cells["corner_length"][:, corner, None] * (point - 0.13)
    return cells["cell_radius"][:, None] * ellipse * shape.clamp_min(0.45)


def _ellipse(axis_M: Tensor, aspect_M: Tensor, cos_A: Tensor, sin_A: Tensor) -> Tensor:
    """Radius of an ellipse with the area of the unit circle."""
    along_MA = _facing(axis_M, cos_A, sin_A)
    squared_MA = along_MA**2
    return 1.0 / torch.sqrt(squared_MA / aspect_M[:, None] + (1.0 - squared_MA) * aspect_M[:, None])


def _facing(angle_M: Tensor, cos_A: Tensor, sin_A: Tensor) -> Tensor:
    """Cosine of the angle between each cell's direction and each bin's."""
    return angle_M.cos()[:, None] * cos_A + angle_M.sin()[:, None] * sin_A


def _waves(orders: tuple[int, ...], like: Tensor) -> Tensor:
    return torch.as_tensor(_wave_table(orders)).to(like)


@lru_cache(maxsize=1)
def _direction_vectors() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    turn = (np.arange(N_DIRECTIONS) + 0.5) * 4 / N_DIRECTIONS
    y = np.where(turn < 2, turn - 1, 3 - turn)
    x = np.where(turn < 2, 1 - np.abs(y), np.abs(y) - 1)
    length = np.sqrt(x * x + y * y)
    return x / length, y / length


@lru_cache(maxsize=8)
def _wave_table(orders: tuple[int, ...]) -> NDArray[np.float64]:
    """Cosines and sines of each order by direction, finer waves weaker."""
    cos_A, sin_A = _direction_vectors()
    angle_A = np.arctan2(sin_A, cos_A)
    rows = [wave(m * angle_A) / np.sqrt(m) for m in orders for wave in (np.cos, np.sin)]
    return np.stack(rows)
