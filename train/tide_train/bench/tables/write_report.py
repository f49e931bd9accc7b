"""Write what the finished cells say: Markdown, JSON and figures beside the runs."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from tide_train.bench.tables.arms import arm_config, needs_rna
from tide_train.bench.tables.codebook_case import CodebookCase, codebook_case
from tide_train.bench.tables.collect import by_world, collect_scores
from tide_train.bench.tables.figures import draw_figures
from tide_train.bench.tables.pairing_table import pairing_table
from tide_train.bench.tables.plan import MAIN_ARMS
from tide_train.bench.tables.report import HEADLINE, STANDARD, Table, all_tables, chosen_rows
from tide_train.bench.tables.train_arm import train_method
from tide_train.bench.tables.worlds import WorldKey, open_world

_WITH_CODEBOOK = ("labels", "tide", "tide_perm", "tide_plus")
MARKDOWN, FACTS, SCORES = "tables.md", "tables.json", "scores.parquet"


@dataclass(frozen=True, slots=True)
class Report:
    """What was written."""

    markdown: Path
    figures: tuple[Path, ...]
    n_cells: int


def write_report(out: Path, *, command: str) -> Report:
    """Write tables and figures of all finished cells under a folder.

    Raises
    ------
    TrainValueError
        None is finished, or matplotlib is not there.
    """
    scores = collect_scores(out)
    tables = [*pairing_table(out / "worlds", scores), *all_tables(scores)]
    cases = _cases(out, scores)
    tables += _codebook_table(cases)
    figures = draw_figures(scores, out / "figures", cases.get("tide"))
    scores.to_parquet(out / SCORES)
    cells = scores.drop_duplicates(["run"])
    head = _head(cells, command)
    pictures = [f"![{path.stem}](figures/{path.name})\n" for path in figures]
    text = "\n".join([*head, *(table.to_markdown() for table in tables), *pictures])
    (out / MARKDOWN).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    (out / FACTS).write_text(
        json.dumps(_facts(tables, scores, cells, command), indent=1), encoding="utf-8"
    )
    return Report(out / MARKDOWN, tuple(figures), len(cells))


def _cases(out: Path, scores: pd.DataFrame) -> dict[str, CodebookCase]:
    """Train a few methods once more in the first world of the main table, for their codebooks."""
    main = scores[scores["setting"] == STANDARD]
    found = {}
    for arm in _WITH_CODEBOOK:
        rows = main[main["arm"] == arm]
        if rows.empty:
            continue
        world = open_world(WorldKey(int(main["world_seed"].min())), out / "worlds")
        config = arm_config(arm, seed=int(rows["seed"].min()))
        with TemporaryDirectory() as folder:
            trained = train_method(world, config, Path(folder) / "run", with_rna=needs_rna(arm))
        found[arm] = codebook_case(world, out / "worlds", trained)
    return found


def _codebook_table(cases: dict[str, CodebookCase]) -> list[Table]:
    if not cases:
        return []
    before = next(iter(cases.values()))
    rows = [("fingerprint", f"{before.fingerprint_auc:.3f}")]
    rows += [(f"`{arm}`", f"{case.codebook_auc:.3f}") for arm, case in cases.items()]
    title = "Chance that two drugs of one mechanism are more alike than two of others (one world)"
    return [Table("Codebook", title, ("", "AUC"), tuple(rows))]


def _head(cells: pd.DataFrame, command: str) -> list[str]:
    main = cells[cells["setting"] == STANDARD]
    worlds = sorted(int(seed) for seed in main["world_seed"].unique())
    said = (
        f"{len(cells)} trainings, {cells['train_s'].sum() / 3600:.1f} core-hours of training, on "
        f"{platform.machine()} with {os.cpu_count()} cores, {datetime.now(UTC).date()}. Worlds "
        f"{worlds}; intervals are 95 % over worlds (Student's t), training seeds averaged within a "
        "world first. Every number comes from `runs/<world>/<arm>/seed_<n>/scores.json`."
    )
    return ["# Tables on simulated worlds", "", f"`{command}`", "", said, ""]


def _facts(
    tables: list[Table], scores: pd.DataFrame, cells: pd.DataFrame, command: str
) -> dict[str, object]:
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "n_cells": len(cells),
        "train_s": float(np.round(cells["train_s"].sum(), 1)),
        "tables": {table.name: table.facts() for table in tables},
        "by_world": _by_world(scores),
    }


def _by_world(scores: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Give the headline scores of the main table world by world, for others to repeat."""
    rows = chosen_rows(scores)
    rows = rows[rows["arm"].isin(MAIN_ARMS) & rows["score"].isin(HEADLINE)]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (arm, score), here in rows.groupby(["arm", "score"]):
        values = by_world(here)
        found.setdefault(str(arm), {})[str(score)] = {
            str(world): round(float(value), 5) for world, value in values.items()
        }
    return found
