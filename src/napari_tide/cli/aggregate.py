"""``tide aggregate``: from tiles to sites, wells and treatments."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_tide.cli.output import refuse_output, report


class AggregateLevel(StrEnum):
    """What one row stands for afterwards."""

    site = "site"
    well = "well"
    treatment = "treatment"


class AggregateHow(StrEnum):
    """How rows are put together."""

    mean = "mean"
    median = "median"


def aggregate(
    profiles: Annotated[Path, typer.Argument(help="Profiles (Parquet, or a CellProfiler table).")],
    *,
    out: Annotated[Path, typer.Option(help="Profiles (.parquet), or for scanpy (.h5ad).")],
    level: Annotated[AggregateLevel, typer.Option(help="What a row stands for.")],
    how: Annotated[AggregateHow, typer.Option(help="Mean or median.")] = AggregateHow.mean,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Put the rows of a site, well or treatment together."""
    from napari_tide.profiles.aggregate import aggregate_to_level
    from napari_tide.profiles.anndata_export import write_anndata
    from napari_tide.profiles.store import read_profiles, write_profiles

    refuse_output(out, (".parquet", ".h5ad"), overwrite=overwrite)
    coarser = aggregate_to_level(read_profiles(profiles), level.value, how=how.value)
    write = write_anndata if out.suffix == ".h5ad" else write_profiles
    write(coarser, out)
    facts: dict[str, object] = {"out": str(out), "level": level.value, "rows": len(coarser)}
    report(facts, f"{len(coarser)} {level.value} profiles: {out}", as_json=as_json)
