"""``tide project``: two-dimensional maps of profiles, of molecules, of a student's codebook."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_tide.cli.output import refuse_output, report
from napari_tide.errors import MoleculeValueError, OutputWriteError, ProfileValueError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_N_BITS = 2048


class MapSpace(StrEnum):
    """What lies near what."""

    profiles = "profiles"
    fingerprint = "fingerprint"
    codebook = "codebook"


def project(
    profiles: Annotated[
        Path | None, typer.Argument(help="Profiles; not needed for a codebook.", show_default=False)
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Table with umap_x and umap_y (.parquet or .csv).")],
    space: Annotated[
        MapSpace, typer.Option(help="Rows by profile, molecules by FCFP4, drugs by prototype.")
    ] = MapSpace.profiles,
    student: Annotated[
        Path | None, typer.Option(help="For a codebook: the student's bundle folder.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Lay profiles, molecules or drugs out in the plane by UMAP, always with the same seed."""
    refuse_output(out, (".parquet", ".csv"), overwrite=overwrite)
    notes: list[str] = []
    if space is MapSpace.codebook:
        table, rows = _codebook(student)
    else:
        if profiles is None:
            message = f"a map of {space.value} needs a profile table: tide project PROFILES --out …"
            raise ProfileValueError(message)
        table, rows, notes = _from_profiles(profiles, space)
    from napari_tide.profiles.project import project as lay_out

    points = lay_out(rows, space=space.value)
    table = table.assign(umap_x=points[:, 0], umap_y=points[:, 1])
    _write(table, out)
    facts: dict[str, object] = {
        "out": str(out),
        "space": space.value,
        "points": len(table),
        "notes": notes,
    }
    said = "\n".join([*notes, f"{len(table)} points by {space.value}: {out}"])
    report(facts, said, as_json=as_json)


def _from_profiles(path: Path, space: MapSpace) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    from napari_tide.profiles.store import read_profiles

    profiles = read_profiles(path)
    if space is MapSpace.profiles:
        return profiles.metadata, profiles.features, []
    smiles = profiles.column("Metadata_SMILES")
    names = profiles.column("Metadata_Compound")
    molecules = profiles.metadata.assign(Metadata_SMILES=smiles, Metadata_Compound=names)
    molecules = molecules.loc[smiles != "", ["Metadata_SMILES", "Metadata_Compound"]]
    counts = molecules["Metadata_SMILES"].value_counts()
    distinct = molecules.drop_duplicates("Metadata_SMILES").reset_index(drop=True)
    distinct["Metadata_Count"] = distinct["Metadata_SMILES"].map(counts)
    return _fingerprints(distinct, path)


def _fingerprints(
    molecules: pd.DataFrame, path: Path
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    import numpy as np

    from napari_tide.chem.fingerprints import circular_fingerprint

    bits, is_readable, unread = [], [], []
    for smiles in molecules["Metadata_SMILES"]:
        try:
            bits.append(circular_fingerprint(smiles, "fcfp4", n_bits=_N_BITS))
            is_readable.append(True)
        except MoleculeValueError:
            is_readable.append(False)
            unread.append(smiles)
    if not bits:
        message = (
            f"{path} has no SMILES that RDKit can read; join them with --metadata when profiling"
        )
        raise ProfileValueError(message)
    notes = []
    if unread:
        notes.append(f"{len(unread)} SMILES left out, RDKit cannot read them: {unread[0]!r}, …")
    return molecules[is_readable].reset_index(drop=True), np.stack(bits), notes


def _codebook(student: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    if student is None:
        message = "a map of a codebook needs its student: tide project --space codebook --student …"
        raise ProfileValueError(message)
    import pandas as pd
    import torch

    from napari_tide.students.bundle import load_bundle

    bundle = load_bundle(student)
    drugs = bundle.config.drugs
    table = pd.DataFrame(
        {
            "Metadata_Compound": [drug.name for drug in drugs],
            "Metadata_SMILES": [drug.smiles for drug in drugs],
        }
    )
    with torch.inference_mode():
        return table, bundle.student.codebook().float().numpy()


def _write(table: pd.DataFrame, out: Path) -> None:
    partial = out.with_name(out.name + ".partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".csv":
            table.to_csv(partial, index=False)
        else:
            table.to_parquet(partial, index=False)
        partial.replace(out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"cannot write {out} ({error}); choose another --out"
        raise OutputWriteError(message) from error
