"""``tide hits``: what acts like what, ranked, with p and q values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from napari_tide.cli import hit_options as options
from napari_tide.cli.hit_progress import hit_progress
from napari_tide.cli.hit_question import HitQuestion, prepare
from napari_tide.cli.output import refuse_output, report
from napari_tide.errors import OutputWriteError

if TYPE_CHECKING:
    from napari_tide.discovery.hit_list import HitSettings
    from napari_tide.discovery.permutation import Tail

Q_SHOWN = 0.05


_PAIRS_SHOWN = 100  # a gene, where nothing is asked and every pair is ranked


def hits(
    profiles: options.Tables,
    *,
    out: options.Out,
    compound: options.Compound = "",
    gene: options.Gene = "",
    similar: options.Similar = "",
    smiles: options.Smiles = "",
    wells: options.Wells = "",
    signature: options.Signature = None,
    sample: options.Sample = "",
    student: options.StudentFolder = None,
    embeddings: options.Embeddings = None,
    truth: options.Truth = None,
    screen: options.ImageScreen = None,
    report_to: options.Page = None,
    kind: options.Format = None,
    absolute: options.Absolute = False,
    opposite: options.Opposite = False,
    per_dose: options.PerDose = False,
    doses: options.Doses = options.HitDoses.max,
    null: options.Null = None,
    min_score: options.MinScore = None,
    top: options.Top = None,
    draws: options.Draws = 9_999,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
) -> None:
    """Rank compounds or genes by how alike they act; without a question, every pair."""
    asked = {
        "compound": compound,
        "gene": gene,
        "similar": similar,
        "smiles": smiles,
        "wells": wells,
        "signature": str(signature or ""),
    }
    question = HitQuestion(
        asked,
        sample=sample,
        profiles=tuple(profiles),
        embeddings=tuple(embeddings or ()),
        student=student,
        truth=truth,
        screen=screen,
    )
    out = _checked_out(out, kind, report_to, overwrite=overwrite)
    from napari_tide.discovery.hit_list import HitSettings

    settings = HitSettings(
        tail=_tail(is_absolute=absolute, is_opposite=opposite),
        doses="each" if per_dose else doses.value,
        null=null.value if null else None,
        min_score=min_score,
        top=_top(question) if top is None else top,
        n_draws=draws,
        seed=seed,
    )
    _run(question, settings, out=out, page=report_to, as_json=as_json)


def _run(
    question: HitQuestion,
    settings: HitSettings,
    *,
    out: Path,
    page: Path | None,
    as_json: bool,
) -> None:
    from napari_tide.discovery.hit_list import find_hits
    from napari_tide.discovery.hit_provenance import (
        HitInputs,
        describe_hits,
        provenance_path,
        write_provenance,
    )
    from napari_tide.discovery.hit_table import write_hits
    from napari_tide.discovery.hit_trends import trends_of

    ready = prepare(question, is_per_dose=settings.doses == "each")
    with hit_progress(is_shown=not as_json) as progress:
        found = find_hits(
            ready.searches,
            settings,
            targets=ready.targets,
            probabilities=ready.probabilities,
            progress=progress,
        )
    trends = trends_of(found, seed=settings.seed)
    inputs = HitInputs(question.files(), " ".join(["tide", *sys.argv[1:]]))
    described = describe_hits(
        found, ready.query, settings, inputs=inputs, warnings=ready.warnings, trends=trends
    )
    write_hits(found.table, out)
    write_provenance(described, provenance_path(out))
    if page is not None:
        from napari_tide.discovery.hit_report import write_report

        write_report(found, described, page, trends=trends, screen=ready.screen)
    facts: dict[str, object] = {
        "out": str(out),
        "provenance": str(provenance_path(out)),
        "report": str(page) if page is not None else "",
        "hits": len(found.table),
        "tested": found.n_tested,
        "below_q_0.05": int((found.table["q_value"] <= Q_SHOWN).sum()),
        "null": found.null,
        "null_reason": found.null_reason,
        "known_targets": int((found.table["known_target"] == "yes").sum()),
        "warnings": list(ready.warnings),
    }
    report(facts, _in_words(facts, str(ready.query)), as_json=as_json)


def _in_words(facts: dict[str, object], question: str) -> str:
    notes = facts["warnings"]
    assert isinstance(notes, list)
    said = (
        f"{facts['hits']} hits ({question}), {facts['below_q_0.05']} with q up to {Q_SHOWN}; null: "
        f"{facts['null_reason']}"
    )
    places = [str(facts["out"]), *([str(facts["report"])] if facts["report"] else [])]
    return "\n".join([*notes, said, *places])


def _tail(*, is_absolute: bool, is_opposite: bool) -> Tail:
    if is_absolute and is_opposite:
        message = "--absolute ranks opposite effects already; give it or --opposite"
        raise typer.BadParameter(message)
    return "both" if is_absolute else "anti-match" if is_opposite else "match"


def _with_format(out: Path, kind: options.HitFormat | None) -> Path:
    """Let --format name the ending where --out has none, and refuse one that says otherwise."""
    if kind is None:
        return out
    if out.suffix == "":
        return out.with_name(f"{out.name}.{kind.value}")
    if out.suffix != f".{kind.value}":
        message = f"--out {out} does not end in .{kind.value}, as --format says; rename it"
        raise OutputWriteError(message)
    return out


def _top(question: HitQuestion) -> int | None:
    return _PAIRS_SHOWN if question.query().kind == "pairs" else None


def _checked_out(
    given: Path, kind: options.HitFormat | None, page: Path | None, *, overwrite: bool
) -> Path:
    """Refuse what cannot be written before any work is done, and give the list's full name."""
    out = _with_format(given, kind)
    refuse_output(out, (".csv", ".parquet"), overwrite=overwrite)
    refuse_output(out.with_suffix(".json"), (".json",), overwrite=overwrite)
    if page is not None:
        refuse_output(page, (".html",), overwrite=overwrite)
    return out
