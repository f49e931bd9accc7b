"""``tide evaluate``: the tasks an embedding is judged by, with chance beside every result."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from napari_tide.discovery.evaluation_report import EvaluationReport
    from napari_tide.profiles.profiles import Profiles
    from napari_tide.students.bundle_config import Drug

evaluate = typer.Typer(help="Judge profiles by recognition and discovery.", no_args_is_help=True)


class ApartBy(StrEnum):
    """What the two sides of a split must not share."""

    well = "well"
    plate = "plate"


class AgainstWhom(StrEnum):
    """Whom replicates are found among."""

    controls = "controls"
    others = "others"


ProfilesFile = Annotated[
    Path, typer.Argument(help="Profiles of any level (Parquet, or a CellProfiler table).")
]
Out = Annotated[Path | None, typer.Option(help="Folder for the result as .json and .md.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results in --out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seed = Annotated[int, typer.Option(min=0, help="Of draws; the same gives the same result.")]
LabelBy = Annotated[
    str, typer.Option("--label", help="Column to recognise; the compound or gene unless given.")
]
Apart = Annotated[ApartBy, typer.Option(help="What both sides of a split may not share.")]
SplitColumn = Annotated[
    str, typer.Option("--split", help="Column with a split of your own; refused where it leaks.")
]
Truth = Annotated[
    Path | None,
    typer.Option(help="Targets or affinities; the profiles' own column of targets unless given."),
]


@evaluate.command("one-shot")
def one_shot(
    profiles: ProfilesFile,
    *,
    label: LabelBy = "intervention",
    apart: Apart = ApartBy.well,
    runs: Annotated[int, typer.Option(min=1, help="Draws of supports.")] = 50,
    seed: Seed = 0,
    student: Annotated[
        Path | None, typer.Option(help="A student whose training drugs are left out.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help="A file with the only names to recognise, one a line.")
    ] = None,
    split: SplitColumn = "",
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Recognise interventions from one example each: prototypes, and a tuned head."""
    from napari_tide.discovery.evaluate_profiles import report_one_shot

    seen = None if student is None else _training_drugs(student)
    wanted = None if classes is None else _lines(classes)
    _evaluate(
        profiles,
        lambda table: report_one_shot(
            table,
            by=label,
            apart=apart.value,
            n_runs=runs,
            seed=seed,
            seen=seen,
            classes=wanted,
            split=split,
            progress=_counter("runs", runs),
        ),
        task="one-shot",
        out=out,
        overwrite=overwrite,
        as_json=as_json,
    )


@evaluate.command("drug-gene")
def drug_gene(
    profiles: ProfilesFile,
    *,
    truth: Truth = None,
    affinity_column: Annotated[
        str, typer.Option(help="Column of affinities in nM, where its name does not tell.")
    ] = "",
    seeds: Annotated[int, typer.Option(min=1, help="Draws of other genes.")] = 100,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Tell whether compounds look like knock-outs of their targets, dose by dose."""
    from napari_tide.discovery.evaluate_profiles import report_drug_gene

    _evaluate(
        profiles,
        lambda table: report_drug_gene(
            table, truth=truth, affinity_column=affinity_column, n_seeds=seeds
        ),
        task="drug-gene",
        out=out,
        overwrite=overwrite,
        as_json=as_json,
    )


@evaluate.command()
def knn(
    profiles: ProfilesFile,
    *,
    label: LabelBy = "intervention",
    apart: Apart = ApartBy.well,
    folds: Annotated[int, typer.Option(min=2, help="Parts the wells or plates go to.")] = 5,
    seed: Seed = 0,
    split: SplitColumn = "",
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Recognise interventions by the 20 nearest profiles of other wells or plates."""
    from napari_tide.discovery.evaluate_profiles import report_knn

    _evaluate(
        profiles,
        lambda table: report_knn(
            table, by=label, apart=apart.value, n_folds=folds, seed=seed, split=split
        ),
        task="knn",
        out=out,
        overwrite=overwrite,
        as_json=as_json,
    )


@evaluate.command()
def replicates(
    profiles: ProfilesFile,
    *,
    label: Annotated[
        str, typer.Option(help="Column of replicates; compound or gene, dose, cell line if none.")
    ] = "",
    against: Annotated[
        AgainstWhom, typer.Option(help="Found among negative controls, or other treatments.")
    ] = AgainstWhom.controls,
    different: Annotated[
        list[str] | None, typer.Option(help="Column replicates must differ in; may be repeated.")
    ] = None,
    same: Annotated[
        list[str] | None,
        typer.Option(help="Column, like Metadata_moa: do compounds that agree lie together?"),
    ] = None,
    truth: Truth = None,
    null_size: Annotated[int, typer.Option(min=100, help="Permutations behind p.")] = 10_000,
    seed: Seed = 0,
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Tell whether replicates find each other, and compounds of one mechanism or target."""
    from napari_tide.discovery.evaluate_profiles import report_replicates

    _evaluate(
        profiles,
        lambda table: report_replicates(
            table,
            by=label,
            against=against.value,
            different=different or (),
            same=same or (),
            truth=truth,
            null_size=null_size,
            seed=seed,
        ),
        task="replicates",
        out=out,
        overwrite=overwrite,
        as_json=as_json,
    )


@evaluate.command()
def relations(
    profiles: ProfilesFile,
    *,
    truth: Annotated[
        list[Path], typer.Option(help="Pairs of related genes, two columns; may be repeated.")
    ],
    out: Out = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Tell how many related genes have very similar or opposite knock-outs."""
    from napari_tide.discovery.evaluate_profiles import report_relations

    _evaluate(
        profiles,
        lambda table: report_relations(table, truth),
        task="relations",
        out=out,
        overwrite=overwrite,
        as_json=as_json,
    )


def _evaluate(
    source: Path,
    work: Callable[[Profiles], EvaluationReport],
    *,
    task: str,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    from napari_tide.discovery.evaluation_report import refuse_folder
    from napari_tide.profiles.store import read_profiles

    if out is not None:
        refuse_folder(out, task, overwrite=overwrite)
    found = work(read_profiles(source))
    if out is not None:
        found.write(out)
    print(json.dumps(found.to_json(), allow_nan=False) if as_json else found.to_markdown())


def _training_drugs(student: Path) -> tuple[Drug, ...]:
    from napari_tide.students.bundle import load_bundle

    return load_bundle(student).config.drugs


def _lines(path: Path) -> list[str]:
    from napari_tide.errors import TruthFormatError

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read ({error}); give a text file with one name a line"
        raise TruthFormatError(message) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _counter(what: str, total: int) -> Callable[[int], None]:
    """Count on one line of a terminal; say nothing in a log."""

    def show(done: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == total else ""
            print(f"\r{done} of {total} {what}", end=end, file=sys.stderr, flush=True)

    return show
