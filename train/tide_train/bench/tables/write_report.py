"""Write what the finished cells say: Markdown, JSON and figures beside the runs."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from tide_train.bench.tables.collect import collect_scores
from tide_train.bench.tables.figures import draw_figures
from tide_train.bench.tables.pairing_table import pairing_table
from tide_train.bench.tables.report import STANDARD, Table, all_tables

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
    figures = draw_figures(scores, out / "figures")
    scores.to_parquet(out / SCORES)
    cells = scores.drop_duplicates(["run"])
    head = _head(cells, command)
    pictures = [f"![{path.stem}](figures/{path.name})\n" for path in figures]
    text = "\n".join([*head, *(table.to_markdown() for table in tables), *pictures])
    (out / MARKDOWN).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    (out / FACTS).write_text(json.dumps(_facts(tables, cells, command)), encoding="utf-8")
    return Report(out / MARKDOWN, tuple(figures), len(cells))


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


def _facts(tables: list[Table], cells: pd.DataFrame, command: str) -> dict[str, object]:
    return {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "n_cells": len(cells),
        "train_s": float(np.round(cells["train_s"].sum(), 1)),
        "tables": {table.name: table.facts() for table in tables},
    }
