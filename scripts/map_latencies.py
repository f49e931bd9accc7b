"""What a user of the maps waits for; `measure_latency.py` prints it.

Points are random; the picture is painted at the size of one map on a full-HD screen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from napari_tide.viewmodels.lasso import inside_polygon, lassoed
from napari_tide.viewmodels.map_colouring import KindColouring
from napari_tide.viewmodels.map_raster import PointPainting, View
from napari_tide.viewmodels.point_finder import PointFinder
from napari_tide.viewmodels.point_links import PointLinks

N_LASSO, N_PAN = 100_000, 500_000
WIDTH_PX, HEIGHT_PX = 620, 320
REPEATS = 15


Row = tuple[str, float, list[float]]


def measure() -> list[Row]:
    """Give what was done, the budget, and the milliseconds of each repeat."""
    rng = np.random.default_rng(0)
    return [_lasso(rng), _pan(rng), _hover(rng), _hide(rng)]


def _lasso(rng: np.random.Generator) -> Row:
    places = rng.normal(size=(N_LASSO, 2)).astype(np.float32)
    angles = np.linspace(0, 2 * np.pi, 200)
    corners = np.stack([1.2 * np.cos(angles), 1.1 * np.sin(angles)], axis=1)
    groups = np.arange(N_LASSO)
    links, visible = PointLinks(groups, groups), np.ones(N_LASSO, dtype=bool)

    def select() -> None:
        inside = inside_polygon(places, corners)
        selected = lassoed(~visible, inside, visible_N=visible, mode="replace")
        links.rows_of(selected)

    return f"lasso of 200 corners on {N_LASSO:,} points, to rows", 100, _times(select)


def _pan(rng: np.random.Generator) -> Row:
    places = rng.normal(size=(N_PAN, 2)).astype(np.float32)
    rgba = np.full((N_PAN, 4), 255, dtype=np.uint8)
    painting = PointPainting(places, rgba, radius_px=1)
    steps = iter(np.linspace(0, 1, REPEATS + 1))

    def pan() -> None:
        shift = next(steps)
        painting.paint(View(-3 + shift, -3, 3 + shift, 3, WIDTH_PX, HEIGHT_PX))

    return f"pan {N_PAN:,} points, a frame", 33, _times(pan)


def _hover(rng: np.random.Generator) -> Row:
    finder = PointFinder(rng.normal(size=(N_PAN, 2)), np.ones(N_PAN, dtype=bool))
    places = rng.normal(size=(REPEATS + 1, 2)).tolist()

    def hover() -> None:
        x, y = places.pop()
        finder.nearest((x, y), unit_per_px=(0.01, 0.02))

    return f"point under the pointer of {N_PAN:,}", 33, _times(hover)


def _hide(rng: np.random.Generator) -> Row:
    values = [f"kind {number}" for number in rng.integers(0, 20, N_LASSO)]

    def hide() -> None:
        KindColouring.of(values).colours(values, hidden={"kind 3"})

    return f"hide a kind of {N_LASSO:,} points", 100, _times(hide)


def _times(action: Callable[[], None]) -> list[float]:
    """Give milliseconds of some repeats; the first, which also prepares, is left out."""
    action()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - start))
    return times
