"""The figures: pairs per drug, dose, coverage by off-target, fingerprint against codebook."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.codebook_case import CodebookCase, draw_case
from tide_train.bench.tables.collect import OverWorlds, by_world, gain_over, over_worlds
from tide_train.bench.tables.report import AP, KNOCK_OUTS, chosen_rows, grid_settings, grid_worlds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAIRS = (1, 3, 6)
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito: told apart by colour-blind readers too."""


def draw_figures(scores: pd.DataFrame, out: Path, case: CodebookCase | None) -> list[Path]:
    """Draw every figure that the finished cells allow, and the codebook's where it is given.

    Raises
    ------
    TrainValueError
        matplotlib is not installed.
    """
    _require_matplotlib()
    rows = chosen_rows(scores)
    found = []
    for name, draw in (
        ("figure_3_pairs", _pairs),
        ("figure_6_doses", _doses),
        ("figure_gains", _gains),
    ):
        figure = draw(rows)
        if figure is not None:
            found.append(_save(figure, out / f"{name}.png"))
    if case is not None:
        found.append(_save(draw_case(case), out / "figure_4_codebook.png"))
    grid = _grid(scores)
    if grid is not None:
        found.append(_save(grid, out / "figure_grid.png"))
    return found


def _pairs(rows: pd.DataFrame) -> Figure | None:
    """Figure 3: what more transcriptomes of each drug bring; none at all is CE alone."""
    if not (rows["arm"] == f"tide_pairs_{PAIRS[0]}").any():
        return None
    worlds = rows.loc[rows["arm"] == f"tide_pairs_{PAIRS[0]}", "world_seed"].unique()
    rows = rows[rows["world_seed"].isin(worlds)]
    figure, axes = _panels(2)
    for panel, score, title in (
        (axes[0], AP, "drug-gene AP"),
        (axes[1], KNOCK_OUTS, "knock-outs top-1"),
    ):
        here = rows[rows["score"] == score]
        for colour, method in zip(COLOURS, ("tide", "tide_plus"), strict=False):
            arms = ["labels", *(f"{method}_pairs_{n}" for n in PAIRS), method]
            _line(panel, [0, *PAIRS, 12], [_of(here, arm) for arm in arms], method, colour)
        panel.set(title=title, xlabel="transcriptomes a drug and line (0: CE alone)")
        panel.legend(frameon=False)
    return figure


def _doses(rows: pd.DataFrame) -> Figure | None:
    """Figure 6: by dose, with and without telling the teacher doses; means, since worlds differ."""
    names = [
        score for score in rows["score"].unique() if score.startswith(f"{AP} ") and "µM" in score
    ]
    doses = sorted(float(name.removeprefix(f"{AP} ").removesuffix(" µM")) for name in names)
    arms = [
        arm
        for arm in ("raw", "labels", "cl_d", "tide", "tide_without_dose", "tide_plus")
        if (rows["arm"] == arm).any()
    ]
    if not doses or not arms:
        return None
    figure, axes = _panels(1)
    for colour, arm in zip(COLOURS, arms, strict=False):
        mine = rows[rows["arm"] == arm]
        values = [
            over_worlds(by_world(mine[mine["score"] == f"{AP} {dose:g} µM"])) for dose in doses
        ]
        _line(axes[0], doses, values, arm, colour, has_band=False)
    axes[0].set(title="drug-gene AP by dose", xlabel="dose, µM", xscale="log")
    axes[0].set_xticks(doses, [f"{dose:g}" for dose in doses])
    axes[0].legend(frameon=False)
    return figure


def _gains(rows: pd.DataFrame) -> Figure | None:
    """Differences from CE within worlds, with intervals: what every method adds."""
    arms = [arm for arm in rows["arm"].unique() if arm != "labels" and "_pairs_" not in arm]
    if "labels" not in set(rows["arm"]) or not arms:
        return None
    figure, axes = _panels(2, height=0.28 * len(arms) + 1.2)
    order = sorted(arms, key=lambda arm: gain_over(rows[rows["score"] == AP], arm, "labels").mean)
    for panel, score, factor, title in (
        (axes[0], AP, 1.0, "drug-gene AP"),
        (axes[1], KNOCK_OUTS, 100.0, "knock-outs top-1, %"),
    ):
        here = rows[rows["score"] == score]
        for place, arm in enumerate(order):
            gain = gain_over(here, arm, "labels")
            low, high = gain.low * factor, gain.high * factor
            colour = COLOURS[1] if gain.high < 0 else COLOURS[2] if gain.low > 0 else "#777777"
            panel.plot([low, high], [place, place], color=colour, linewidth=2)
            panel.plot(gain.mean * factor, place, "o", color=colour)
        panel.axvline(0, color="#444444", linewidth=0.8)
        panel.set(title=title, xlabel="difference from CE", yticks=range(len(order)))
        panel.set_yticklabels(order if panel is axes[0] else [""] * len(order))
    return figure


def _grid(scores: pd.DataFrame) -> Figure | None:
    """Gain in AP over CE, by coverage, a panel for each off-target strength."""
    settings = grid_settings(scores)
    strengths = sorted({key[0] for _, key in settings})
    if len(settings) < 2:
        return None
    worlds = grid_worlds(scores)
    figure, axes = _panels(len(strengths), shares_scale=True)
    for panel, strength in zip(axes, strengths, strict=True):
        here = [(setting, key[1]) for setting, key in settings if key[0] == strength]
        for colour, arm in zip(COLOURS, ("cl_r", "tide", "tide_plus"), strict=False):
            gains = []
            for setting, _ in here:
                rows = chosen_rows(scores, setting)
                rows = rows[rows["world_seed"].isin(worlds)]
                gains.append(gain_over(rows[rows["score"] == AP], arm, "labels"))
            _line(panel, [coverage for _, coverage in here], gains, arm, colour)
        panel.axhline(0, color="#444444", linewidth=0.8)
        panel.set(title=f"off-target {strength:g}", xlabel="drugs with RNA, %")
    axes[0].set_ylabel("drug-gene AP: difference from CE")
    axes[-1].legend(frameon=False)
    return figure


def _of(rows: pd.DataFrame, arm: str) -> OverWorlds:
    return over_worlds(by_world(rows[rows["arm"] == arm]))


def _line(
    panel: Axes,
    places: Sequence[float],
    values: Sequence[OverWorlds],
    name: str,
    colour: str,
    *,
    has_band: bool = True,
) -> None:
    means = [value.mean for value in values]
    panel.plot(places, means, "o-", color=colour, label=name, markersize=4)
    if has_band and all(value.n_worlds > 1 for value in values):
        lows, highs = [value.low for value in values], [value.high for value in values]
        panel.fill_between(places, lows, highs, color=colour, alpha=0.15, linewidth=0)


def _panels(
    n: int, *, height: float = 3.4, shares_scale: bool = False
) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(4.2 * n, height), layout="constrained")
    axes = figure.subplots(1, n, squeeze=False, sharey=shares_scale)[0].tolist()
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.title.set_fontsize(10)
    return figure, axes


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _require_matplotlib() -> None:
    if find_spec("matplotlib") is None:
        message = "figures need matplotlib; install it: pip install 'napari-tide[bench]'"
        raise TrainValueError(message)
