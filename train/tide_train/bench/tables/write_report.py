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

from napari_tide.simulate.screen_files import save_text
from tide_train.bench.tables.codebook_case import (
    CodebookCase,
    codebook_case,
    strongest_pathways,
)
from tide_train.bench.tables.collect import by_world, collect_scores
from tide_train.bench.tables.figures import draw_figures
from tide_train.bench.tables.learned_codebook import LearnedCodebook
from tide_train.bench.tables.pairing_table import pairing_table
from tide_train.bench.tables.plan import PIXEL_ARMS
from tide_train.bench.tables.report import HEADLINE, all_tables, chosen_rows
from tide_train.bench.tables.report_table import Table
from tide_train.bench.tables.worlds import Size

MARKDOWN, FACTS, SCORES = "tables.md", "tables.json", "scores.parquet"


@dataclass(frozen=True, slots=True)
class Report:
    """What was written."""

    markdown: Path
    figures: tuple[Path, ...]
    n_cells: int


def write_report(out: Path, *, command: str, size: Size = "mini") -> Report:
    """Write tables and figures of all finished cells of one size under a folder.

    Raises
    ------
    TrainValueError
        None is finished, or matplotlib is not there.
    """
    scores = collect_scores(out, size=size)
    tables = [*pairing_table(out / "worlds", scores, size=size), *all_tables(scores)]
    figures = draw_figures(scores, out / "figures", _case(out, scores))
    scores.to_parquet(out / SCORES)
    cells = scores.drop_duplicates(["run"])
    head = _head(cells, command)
    pictures = [f"![{path.stem}](figures/{path.name})\n" for path in figures]
    text = "\n".join([*head, *(table.to_markdown() for table in tables), *pictures])
    save_text(text.rstrip("\n") + "\n", out / MARKDOWN)
    save_text(json.dumps(_facts(tables, scores, cells, command), indent=1), out / FACTS)
    return Report(out / MARKDOWN, tuple(figures), len(cells))


def _case(out: Path, scores: pd.DataFrame) -> CodebookCase | None:
    """Give TIDE's codebook in the first world of the main table, where its run kept it."""
    rows = chosen_rows(scores)
    rows = rows[rows["arm"] == "tide"].sort_values(["world_seed", "seed"])
    if rows.empty:
        return None
    first = rows.iloc[0]
    codebook = LearnedCodebook.read(out / first["run"])
    truth = out / "worlds" / first["world"] / "truth" / "pathways.csv"
    if codebook is None or not truth.is_file():
        return None
    return codebook_case(codebook, strongest_pathways(truth))


def _head(cells: pd.DataFrame, command: str) -> list[str]:
    worlds = sorted(int(seed) for seed in cells["world_seed"].unique())
    devices = sorted(set(cells["device"]) - {"cpu"})
    scoring = ""
    if cells["cell_s"].notna().all():
        scoring = f", {cells['cell_s'].sum() / 3600:.1f} with scoring"
    said = (
        f"{len(cells)} trainings, {cells['train_s'].sum() / 3600:.1f} hours of training"
        f"{' on ' + ', '.join(devices) if devices else ', a core each'}"
        f"{scoring}; written on {platform.machine()} with "
        f"{os.cpu_count()} cores, {datetime.now(UTC).date()}. Worlds "
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
    rows = rows[rows["arm"].isin(PIXEL_ARMS) & rows["score"].isin(HEADLINE)]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (arm, score), here in rows.groupby(["arm", "score"]):
        values = by_world(here)
        found.setdefault(str(arm), {})[str(score)] = {
            str(world): round(float(value), 5) for world, value in values.items()
        }
    return found
