"""The model card of an adapter: what it was trained on and how well it finds drugs it never saw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from tide_train.adapter_data import AdapterData
from tide_train.events import Event
from tide_train.run_config import RunConfig

_QUESTIONS = {
    "within": "drugs that trained, images of other wells",
    "disjoint": "drugs that did not train (they chose the checkpoint)",
    "held_out": "compounds held out by name (they chose nothing)",
    "in_table": "the last of these, among profiles as they stand in the table",
}
_WHAT = """\
An adapter trained by Semi-Clipped: give it an L1000 signature and it says where images of cells
treated so would lie.
"""
_HOW = """\
How well a signature (mean of its replicates) finds its own drug among all drugs imaged in its cell
line, before and after training.
"""
_LIMITS = """\
Signatures are over the genes listed in `config.json`, by symbol: {form}. The adapter leads to the
features of the profile table it was trained on, as differences from the negative controls:
profiles of another student, or aligned in another way, are another space. Only the direction of
what it gives means something. It knows the drugs and cell lines it was trained on; figures for
unseen drugs are from the same lines and laboratory.
"""
_FORMS = {
    "none": "in the units of the L1000 files it was trained on",
    "center-scale": "differences from untreated cells of the plate, in their standard deviations",
}


def adapter_card(
    config: RunConfig,
    data: AdapterData,
    *,
    before: Mapping[str, float],
    after: Mapping[str, float],
    curves: Sequence[Event],
    n_steps: int,
    environment: Mapping[str, object],
) -> str:
    """Write the README of an adapter's folder.

    Parameters
    ----------
    config, data
        Of the run.
    before, after
        Retrieval by the untrained adapter, and by the delivered one.
    curves
        The run's points so far.
    n_steps
        How long it trained.
    environment
        What it trained on.
    """
    method = data.method
    facts = {
        "Recipe": config.name,
        "Corrections of signatures (PEA)": ", ".join(method.corrections),
        "Alignment of images": "centred by batch, then TVN; undone in the last layer",
        "Training drugs": data.n_drugs,
        "Training images": len(data.rows.training),
        "Training signatures": len(data.rows.trained_signatures),
        "Genes": len(data.genes),
        "Student": data.student or "none: profiles of another tool",
        "Steps, batch size, seed": f"{n_steps}, {config.batch_size}, {config.seed}",
        "Data hash": data.data_hash,
    }
    ran_on = {name: _text(environment.get(name, "")) for name in sorted(environment)}
    sections = [
        "# From expression signatures to image profiles\n",
        _WHAT,
        "## Training\n",
        _table(("", ""), facts.items()),
        "## Retrieval\n",
        _HOW,
        _retrieval(before, after),
        "## Pairing\n",
        _frame(data.pairing.table.reset_index()),
        "## Curves\n",
        _curves(curves),
        "## Environment\n",
        _table(("", ""), ran_on.items()),
        "## Limits\n",
        _LIMITS.format(form=_FORMS[data.deployed]),
    ]
    return "\n".join(sections)


def _retrieval(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    rows = []
    for name, what in _QUESTIONS.items():
        if f"{name}_top1" not in after:
            continue
        number = {key: after[f"{name}_{key}"] for key in ("n_signatures", "n_drugs")}
        cells = [
            " / ".join(f"{found[f'{name}_{key}']:.3f}" for found in (before, after))
            + (f" ({after[f'{name}_chance_{key}']:.3f})")
            for key in ("top1", "top5", "reciprocal_rank")
        ]
        cells.append(" / ".join(f"{found[f'{name}_rank_share']:.3f}" for found in (before, after)))
        rows.append((what, f"{number['n_signatures']:.0f}", f"{number['n_drugs']:.0f}", *cells))
    columns = ["which", "signatures", "among drugs"]
    columns += [
        "top 1: before / after (chance)",
        "top 5",
        "mean reciprocal rank",
        "drugs before the right one, share (chance .5)",
    ]
    return _table(columns, rows)


def _curves(curves: Sequence[Event]) -> str:
    points = [
        (
            f"{point['step']}",
            f"{_number(point, 'disjoint_reciprocal_rank'):.3f}",
            f"{_number(point, 'within_reciprocal_rank'):.3f}",
        )
        for point in curves
        if point.get("event") == "validation"
    ]
    columns = ("step", "mean reciprocal rank, drugs that did not train", "drugs that trained")
    return _table(columns, points)


def _number(point: Event, name: str) -> float:
    value = point.get(name)
    return float(value) if isinstance(value, int | float) else float("nan")


def _frame(frame: pd.DataFrame) -> str:
    return _table([str(name) for name in frame.columns], frame.itertuples(index=False))


def _table(columns: Sequence[str], rows: object) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    assert hasattr(rows, "__iter__")
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
