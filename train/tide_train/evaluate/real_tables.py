"""Does training help on real profiles? Public tables, compounds that training never saw.

python -m tide_train.evaluate.real_tables --real ../shared/real --out docs/results_real.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_tide.discovery.label_retrieval import RetrievalScore, same_label_retrieval
from tide_train.evaluate.held_out_scores import BEFORE, Cases, held_out_scores
from tide_train.evaluate.jump_tables import (
    TargetCompounds,
    read_moa_plates,
    read_target_compounds,
)
from tide_train.evaluate.moa_case import moa_cases
from tide_train.evaluate.query_retrieval import SCORES, estimate, gain
from tide_train.evaluate.target_case import target_cases

COMMAND = (
    "python -m tide_train.evaluate.real_tables --real ../shared/real --out docs/results_real.json"
)
N_FOLDS = 5
SEEDS = (100, 101)


Facts = Mapping[str, Any]  # as JSON holds them: numbers, names and tables of them


@dataclass(frozen=True, slots=True)
class RealBenchmark:
    """A data set with the methods compared on it, and what each was set to."""

    name: str
    arms: tuple[str, ...]
    settings: tuple[str, ...] = ()


BENCHMARKS = (
    RealBenchmark(
        "JUMP-MOA",
        ("labels", "cl_d", "dino", "tide", "tide_rna_teacher"),
        ("n_steps=80",),
    ),
    RealBenchmark(
        "JUMP-Target-1",
        (
            "labels",
            "cl_d",
            "dino",
            "cl_r",
            "cl_r_permuted",
            "tide",
            "tide_rna_teacher",
            "tide_rna_teacher_permuted",
            "tide_rna_teacher_shuffled",
        ),
    ),
)


def summary(scores: pd.DataFrame) -> list[dict[str, object]]:
    """Average scores over queries: a row per task, part, alignment and arm.

    Gains are over the features as they are, under the same alignment, on the same queries.
    """
    rows = []
    whole = scores.assign(part="all")
    parts = [whole, scores] if len(set(scores["part"])) > 1 else [whole]
    for frame in parts:
        for (task, part, alignment), here in frame.groupby(["task", "part", "alignment"]):
            before = here[here["arm"] == BEFORE]
            for arm, mine in here.groupby("arm", sort=False):
                row: dict[str, object] = {
                    "task": task,
                    "part": part,
                    "alignment": alignment,
                    "arm": arm,
                    "chance_ap": float(mine["chance_ap"].mean()),
                }
                for column in SCORES:
                    row[column] = asdict(estimate(mine, column))
                    if arm != BEFORE:
                        row[f"{column}_gain"] = asdict(gain(mine, before, column))
                rows.append(row)
    return rows


def reference_figures(compounds: TargetCompounds) -> dict[str, dict[str, object]]:
    """Score all pairs at once, as others have: images as they are, and L1000 beside them."""
    images = compounds.profiles.features
    mechanisms = list(compounds.mechanisms)
    found = {
        "images, same target, 306 compounds": same_label_retrieval(images, compounds.targets),
        "images, same mechanism, 306 compounds": same_label_retrieval(images, mechanisms),
    }
    names = compounds.profiles.column("Metadata_Compound").tolist()
    rows = [names.index(name) for name in compounds.expression.samples["compound"]]
    targets = [compounds.targets[row] for row in rows]
    for what, values in (("images", images[rows]), ("L1000", compounds.expression.values_NG)):
        found[f"{what}, same target, {len(rows)} compounds with L1000"] = same_label_retrieval(
            values, targets
        )
    return {name: _facts(score) for name, score in found.items()}


def _facts(score: RetrievalScore) -> dict[str, object]:
    return asdict(score)


def markdown(report: Facts) -> str:
    """Write every table of the report."""
    lines = [
        "# Real tables: every alignment",
        "",
        "Read with [results.md](results.md#real-tables).",
        "",
    ]
    lines += [f"{report['machine']}, {report['date']}, `{report['command']}`", ""]
    lines += _reference_lines(report["reference"])
    for name, benchmark in report["benchmarks"].items():
        rows = pd.DataFrame(benchmark["rows"])
        for (task, alignment), here in rows[rows["part"] == "all"].groupby(
            ["task", "alignment"], sort=False
        ):
            lines += _table(f"{name}, {task}, {alignment}", here)
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(name: str, rows: pd.DataFrame) -> list[str]:
    chance, n_queries = rows["chance_ap"].iloc[0], rows["ap"].iloc[0]["n_queries"]
    head = f"{name} ({n_queries} queries, AP by chance {chance:.3f})"
    lines = [
        f"**{head}**",
        "",
        "| | AP | gain in AP | AUC | gain in AUC | SD of AP between seeds |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict(orient="records"):
        is_before = row["arm"] == BEFORE
        cells = [
            f"{row['arm']} (before)" if is_before else str(row["arm"]),
            _cell(row["ap"]),
            "" if is_before else _cell(row["ap_gain"], signed=True),
            _cell(row["auc"]),
            "" if is_before else _cell(row["auc_gain"], signed=True),
            f"{row['ap']['seeds_sd']:.3f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def _cell(value: Facts, *, signed: bool = False) -> str:
    form = "+.3f" if signed else ".3f"
    low, high = (format(value[name], form) for name in ("low", "high"))
    return f"{format(value['value'], form)} [{low}, {high}]"


def _reference_lines(figures: Facts) -> list[str]:
    lines = ["| all pairs at once | AUC | AP | AP by chance | queries |", "|---|---|---|---|---|"]
    for name, facts in figures.items():
        cells = [
            name,
            *(
                f"{facts[score]:.3f} [{facts[f'{score}_interval']['low']:.3f}, "
                f"{facts[f'{score}_interval']['high']:.3f}]"
                for score in ("auc", "ap")
            ),
            f"{facts['chance_ap']:.3f}",
            str(facts["n_queries"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def measure(
    real: Path,
    *,
    names: Sequence[str] = (),
    seeds: Sequence[int] = SEEDS,
    n_folds: int = N_FOLDS,
    arms: Sequence[str] = (),
    settings: Sequence[str] = (),
    announce: Callable[[str], None] | None = None,
) -> dict[str, dict[str, object]]:
    """Run the benchmarks, or some of them, and give their tables.

    Raises
    ------
    TideError
        A table is absent, or a setting does not exist.
    """
    found: dict[str, dict[str, object]] = {}
    for benchmark in BENCHMARKS:
        if names and benchmark.name not in names:
            continue
        chosen = [arm for arm in benchmark.arms if not arms or arm in arms]
        used = (*benchmark.settings, *settings)
        scores = held_out_scores(
            _cases(benchmark.name, real, n_folds),
            chosen,
            seeds=seeds,
            settings=used,
            announce=announce,
        )
        found[benchmark.name] = {
            "seeds": list(seeds),
            "folds": n_folds,
            "settings": list(used),
            "rows": summary(scores),
        }
    return found


def _cases(name: str, real: Path, n_folds: int) -> Cases:
    if name == "JUMP-MOA":
        plates = read_moa_plates(real)
        return lambda seed: moa_cases(plates, n_folds=n_folds, seed=seed)
    compounds = read_target_compounds(real)
    return lambda seed: target_cases(compounds, n_folds=n_folds, seed=seed)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tide_train.evaluate.real_tables")
    parser.add_argument("--real", type=Path, required=True, help="folder of the real tables")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write; Markdown beside it")
    parser.add_argument("--only", action="append", default=[], help="one benchmark by name")
    parser.add_argument("--arm", action="append", default=[], help="one method; all by default")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--folds", type=int, default=N_FOLDS)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    given = parser.parse_args(arguments)
    benchmarks = measure(
        given.real,
        names=given.only,
        seeds=[int(seed) for seed in given.seeds.split(",")],
        n_folds=given.folds,
        arms=given.arm,
        settings=given.settings,
        announce=partial(print, flush=True),
    )
    report = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "reference": reference_figures(read_target_compounds(given.real)),
        "benchmarks": benchmarks,
    }
    given.out.write_text(json.dumps(_rounded(report)) + "\n")
    given.out.with_suffix(".md").write_text(markdown(report))


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return round(float(value), 5) if np.isfinite(value) else None
    return value


if __name__ == "__main__":
    main()
