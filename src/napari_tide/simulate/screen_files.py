"""The files of a simulated screen, beside its images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import OutputWriteError
from napari_tide.profiles.profiles import Level, Profiles
from napari_tide.profiles.site_metadata import metadata_of_sites
from napari_tide.profiles.store import write_profiles
from napari_tide.screens.channels import Channel
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import SITE_COLUMNS, path_column
from napari_tide.simulate.facts import Compound

_FLOAT = "%.6g"


def image_name(well: str, site: int, channel: str) -> str:
    """Name the file of one plane."""
    return f"{well}_s{site}_{channel}.tiff"


def image_folder(plate: str) -> PurePosixPath:
    """Name the folder of one plate's images, relative to the screen."""
    return PurePosixPath("images") / plate


def save_screen_table(
    sites: pd.DataFrame,
    out: Path,
    *,
    channels: Sequence[str],
    pixel_size_um: float,
    plate_format: PlateFormat,
) -> None:
    """Write ``screen.parquet``, the table that napari-tide opens."""
    table = sites[list(SITE_COLUMNS)].copy()
    for channel in channels:
        table[path_column(channel)] = [
            str(image_folder(plate) / image_name(well, site, channel))
            for plate, well, site in zip(sites["plate"], sites["well"], sites["site"], strict=True)
        ]
    screen = Screen(
        sites=table,
        channels=tuple(Channel(channel, channel) for channel in channels),
        root=out,
        format="simulated",
        source="tide simulate",
        pixel_size_um=pixel_size_um,
        plate_format=plate_format,
    )
    save_screen(screen, out / "screen.parquet")


def save_load_data(sites: pd.DataFrame, out: Path, *, channels: Sequence[str]) -> None:
    """Write ``load_data.csv`` as CellProfiler reads it, all plates in one."""
    table = pd.DataFrame()
    for channel in channels:
        table[f"FileName_Orig{channel}"] = [
            image_name(well, site, channel)
            for well, site in zip(sites["well"], sites["site"], strict=True)
        ]
        table[f"PathName_Orig{channel}"] = [str(image_folder(plate)) for plate in sites["plate"]]
    table["Metadata_Plate"] = sites["plate"].to_numpy()
    table["Metadata_Well"] = sites["well"].to_numpy()
    table["Metadata_Site"] = sites["site"].to_numpy()
    save_csv(table, out / "load_data.csv")


def save_plate_maps(sites: pd.DataFrame, out: Path, *, compounds: Sequence[Compound]) -> None:
    """Write a plate map a plate, the table of which plate has which, and the compounds' facts."""
    samples = {compound.name: compound.broad_sample for compound in compounds}
    wells = sites.drop_duplicates(["plate", "well"])
    for plate, here in wells.groupby("plate", sort=False):
        plate_map = pd.DataFrame({"well_position": here["well"]})
        plate_map["broad_sample"] = here["compound"].map(samples).fillna("")
        for column in ("compound", "dose_um", "gene", "perturbation_type", "control", "cell_line"):
            plate_map[column] = here[column]
        save_csv(plate_map, out / "platemaps" / f"{plate}.csv")
    plates = list(dict.fromkeys(wells["plate"]))
    barcodes = pd.DataFrame({"Assay_Plate_Barcode": plates, "Plate_Map_Name": plates})
    save_csv(barcodes, out / "barcode_platemap.csv")
    used = {*wells["compound"]}
    described = [compound for compound in compounds if compound.name in used]
    metadata = pd.DataFrame(
        {
            "broad_sample": [compound.broad_sample for compound in described],
            "pert_iname": [compound.name for compound in described],
            "InChIKey": [compound.inchikey for compound in described],
            "target_list": ["|".join(compound.targets) for compound in described],
            "smiles": [compound.smiles for compound in described],
        }
    )
    save_csv(metadata, out / "compound_metadata.csv")


def save_features(
    sites: pd.DataFrame,
    features_SF: npt.NDArray[np.float32],
    out: Path,
    *,
    names: Sequence[str],
) -> None:
    """Write ``features.parquet``: metadata and features in the Cytomining convention."""
    is_well_level = bool((sites["site"] == 1).all())
    metadata = metadata_of_sites(sites).drop(columns=["Metadata_Tile_Row", "Metadata_Tile_Col"])
    level: Level = "well" if is_well_level else "site"
    write_profiles(
        Profiles(metadata, features_SF, tuple(names), level, student="tide simulate"),
        out / "features.parquet",
    )


def save_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table with six significant digits, whole or not at all."""
    save_text(table.to_csv(index=False, float_format=_FLOAT, lineterminator="\n"), path)


def save_text(text: str, path: Path) -> None:
    """Write text, whole or not at all.

    Raises
    ------
    OutputWriteError
        The file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> OutputWriteError:
    """Say that a file cannot be written, and what to do."""
    reason = error.strerror or str(error)
    return OutputWriteError(f"cannot write {path}: {reason}; free some space or choose another OUT")


def table_checksum(table: pd.DataFrame) -> str:
    """Give the SHA-256 of a table's values as text, whatever file format they are kept in."""
    text = table.to_csv(index=False, float_format=_FLOAT, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()
