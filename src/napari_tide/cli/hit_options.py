"""The options of ``tide hits``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class HitFormat(StrEnum):
    """The kind of file."""

    csv = "csv"
    parquet = "parquet"


class HitNull(StrEnum):
    """Where chance is taken from."""

    controls = "controls"
    labels = "labels"


class HitDoses(StrEnum):
    """How a compound's doses are combined."""

    max = "max"
    mean = "mean"


Tables = Annotated[list[Path], typer.Argument(help="Profile tables of one student.")]
Out = Annotated[Path, typer.Option(help="Hit list (.csv or .parquet).")]
Compound = Annotated[str, typer.Option(help="Rank the genes it acts like.")]
Gene = Annotated[str, typer.Option(help="Rank compounds that act like its knock-out.")]
Similar = Annotated[str, typer.Option(help="Rank compounds that act like this one.")]
Smiles = Annotated[str, typer.Option(help="Rank what lies where this structure would.")]
Wells = Annotated[str, typer.Option(help="Rank what is like these: A01,A02 or P1:A01.")]
Signature = Annotated[
    Path | None, typer.Option(help="Rank what is like an expression signature (GCT, table).")
]
Sample = Annotated[str, typer.Option(help="Which of the file's signatures.")]
StudentFolder = Annotated[
    Path | None, typer.Option(help="Bundle folder: for p_drug, SMILES and signatures.")
]
Embeddings = Annotated[
    list[Path] | None,
    typer.Option(help="Profiles before alignment, which the student's head reads."),
]
Truth = Annotated[
    Path | None, typer.Option(help="Known targets: compound and gene, or compound and targets.")
]
ImageScreen = Annotated[Path | None, typer.Option(help="Images for the report.")]
Page = Annotated[Path | None, typer.Option("--report", help="A page to look at (.html).")]
Format = Annotated[HitFormat | None, typer.Option("--format", help="As --out says, if not given.")]
Absolute = Annotated[bool, typer.Option("--absolute", help="Rank by size: opposite effects too.")]
Opposite = Annotated[bool, typer.Option("--opposite", help="Rank the most opposite first.")]
PerDose = Annotated[bool, typer.Option("--per-dose", help="A row for every dose.")]
Doses = Annotated[HitDoses, typer.Option(help="Else: the dose that stands out most, or the mean.")]
Null = Annotated[
    HitNull | None, typer.Option(help="Chance from controls, or from shuffled labels.")
]
MinScore = Annotated[float | None, typer.Option(help="Leave smaller scores out.")]
Top = Annotated[int | None, typer.Option(help="Rows kept a question.")]
Draws = Annotated[int, typer.Option(help="Draws behind a small p.")]
Seed = Annotated[int, typer.Option(help="Makes the draws repeatable.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace --out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
