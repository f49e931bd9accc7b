"""Scores of many cells as one table, and what they say over worlds.

A world is one draw of the mechanism and the unit that intervals are made over; training seeds are
averaged within a world first, since they do not tell how other worlds would have come out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.cell_scores import SCORES, read_cell_scores
from tide_train.bench.tables.worlds import Size


@dataclass(frozen=True, slots=True)
class OverWorlds:
    """A mean over worlds with its 95 % interval (Student's t); no interval for one world."""

    mean: float
    low: float
    high: float
    n_worlds: int

    @property
    def is_above_zero(self) -> bool:
        """Whether the whole interval is."""
        return self.low > 0


def collect_scores(out: Path, *, size: Size = "mini") -> pd.DataFrame:
    """Read finished cells: ``world_seed, setting, arm, seed, read_out, score, value, world, run``.

    Parameters
    ----------
    size
        Only cells of worlds of this size.

    Raises
    ------
    TrainValueError
        None is there.
    RunFormatError
        One was cut short.
    """
    parts = []
    for path in sorted((out / "runs").glob(f"*/*/*/{SCORES}")):
        cell = read_cell_scores(path.parent)
        if cell.get("size", "mini") != size:
            continue
        for read_out, scores in cell["scores"].items():
            parts.append(
                pd.DataFrame(
                    {
                        "world_seed": cell["world_seed"],
                        "setting": cell["setting"],
                        "arm": cell["arm"],
                        "seed": cell["seed"],
                        "read_out": read_out,
                        "score": list(scores),
                        "value": list(scores.values()),
                        "train_s": cell["train_s"],
                        "cell_s": cell.get("cell_s", float("nan")),
                        "device": cell.get("device", "cpu"),
                        "world": cell.get("world", ""),
                        "run": path.parent.relative_to(out).as_posix(),
                    }
                )
            )
    if not parts:
        message = f"{out} holds no finished cell; train some first: tide bench tables --out {out}"
        raise TrainValueError(message)
    return pd.concat(parts, ignore_index=True)


def by_world(rows: pd.DataFrame) -> pd.Series:
    """Average seeds within each world."""
    return rows.groupby("world_seed")["value"].mean()


def over_worlds(values: Sequence[float] | pd.Series) -> OverWorlds:
    """Give mean and t interval of one value a world."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return OverWorlds(float("nan"), float("nan"), float("nan"), 0)
    mean = float(known.mean())
    if len(known) < 2:
        return OverWorlds(mean, float("nan"), float("nan"), len(known))
    half = float(stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return OverWorlds(mean, mean - half, mean + half, len(known))


def gain_over(rows: pd.DataFrame, arm: str, baseline: str) -> OverWorlds:
    """Compare two arms on the worlds both were trained in.

    Parameters
    ----------
    rows
        Of one score and setting, each arm under its own read-out.
    """
    mine = by_world(rows[rows["arm"] == arm])
    theirs = by_world(rows[rows["arm"] == baseline])
    shared = mine.index.intersection(theirs.index)
    return over_worlds(mine.loc[shared] - theirs.loc[shared])
