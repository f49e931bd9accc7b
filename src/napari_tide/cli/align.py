"""``tide align``: take batches to a common scale by their own negative controls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_tide.cli.output import refuse_output, report


def align(
    profiles: Annotated[Path, typer.Argument(help="Profiles (Parquet, or a CellProfiler table).")],
    *,
    out: Annotated[Path, typer.Option(help="Aligned profiles (.parquet).")],
    method: Annotated[str, typer.Option(help="center-scale, pca-cs or tvn.")] = "pca-cs",
    coral: Annotated[
        bool, typer.Option("--coral", help="With tvn: match each batch's covariance too.")
    ] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Drop or fill missing, infinite, constant features.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Align profiles by each batch's negative controls (Metadata_Control == negcon)."""
    from napari_tide.profiles.align.align_table import align_profiles, align_table
    from napari_tide.profiles.align.alignment import known_method
    from napari_tide.profiles.clean import clean_features
    from napari_tide.profiles.store import is_own_table, read_profiles, write_profiles

    refuse_output(out, (".parquet",), overwrite=overwrite)
    chosen = known_method(method)
    notes: list[str] = []
    if is_own_table(profiles) and not clean:
        align_table(profiles, out, method=chosen, per_batch_coral=coral)
    else:
        table = read_profiles(profiles)
        if clean:
            table, notes = clean_features(table)
        write_profiles(align_profiles(table, chosen, per_batch_coral=coral), out)
    facts: dict[str, object] = {"out": str(out), "method": chosen, "notes": notes}
    report(facts, "\n".join([*notes, f"aligned by {chosen}: {out}"]), as_json=as_json)
