"""What training reads, whether tiles or features: rows with metadata, read in any order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from napari_tide.errors import TrainValueError
from napari_tide.profiles.clean import clean_features
from napari_tide.profiles.profiles import METADATA_COLUMNS, Level, Profiles
from napari_tide.profiles.store import read_profiles
from tide_train.data.tile_pack import CONFIG, JOURNAL, TilePack, open_pack
from tide_train.data.tile_shards import Rows

Values = npt.NDArray[Any]  # uint8, uint16 or float32, as the data store them

_TABLES = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz")
_COLUMNS_OF_SCREENS = ("path_", "FileName_", "PathName_", "URL_")
_NUMBERS = ("Metadata_Dose_uM", "Metadata_Tile_Row", "Metadata_Tile_Col")


class TrainingData(Protocol):
    """Rows to train on: `TilePack` or `TrainingTable`; a method need not care which."""

    @property
    def metadata(self) -> pd.DataFrame:
        """One row per sample, in the columns of profiles."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Stains of tiles, or the names of features: what an encoder calls its channels."""

    @property
    def data_hash(self) -> str:
        """SHA-256 of everything that training could see."""

    def __len__(self) -> int:
        """Count the rows."""

    def read(self, rows: Rows) -> Values:
        """Read rows in any order, also repeatedly."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTable:
    """Features in memory, with their metadata.

    Parameters
    ----------
    metadata
        One row per profile; the standard columns are all there, empty where nothing is known.
    features
        Profiles x features, 32-bit.
    feature_names
        One name per feature.
    level
        What one row stands for.
    data_hash
        SHA-256 of metadata, names and features.
    notes
        What was dropped or filled when the table was cleaned, a sentence each.
    student
        The id of the student that made the profiles; empty for tables of other tools.
    """

    metadata: pd.DataFrame
    features: npt.NDArray[np.float32]
    feature_names: tuple[str, ...]
    level: Level
    data_hash: str
    notes: tuple[str, ...] = ()
    student: str = ""

    @classmethod
    def from_profiles(cls, profiles: Profiles) -> TrainingTable:
        """Take profiles of any tool; useless features are dropped, gaps filled with the median.

        Raises
        ------
        ProfileValueError
            No feature can be used.
        """
        cleaned, notes = clean_features(profiles)
        metadata = _standard_columns(cleaned)
        features = np.ascontiguousarray(cleaned.features, np.float32)
        names = cleaned.feature_names
        text = metadata.to_csv(index=False, lineterminator="\n") + "\n".join(names)
        digest = hashlib.sha256(text.encode())
        digest.update(features.data.cast("B"))
        return cls(
            metadata,
            features,
            names,
            cleaned.level,
            digest.hexdigest(),
            tuple(notes),
            cleaned.student,
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """The features' names, which an encoder of features calls its channels."""
        return self.feature_names

    def __len__(self) -> int:
        """Count the profiles."""
        return len(self.features)

    def read(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Give rows (profile, feature) in any order, also repeatedly."""
        return self.features[rows]


def open_training_data(path: Path) -> TilePack | TrainingTable:
    """Open a pack, or a table of profiles.

    Raises
    ------
    TrainValueError
        It is a screen, which must be packed first.
    PackFormatError, PackMissingError, ProfileFormatError, ProfileMissingError, ProfileValueError
        It is damaged, not there, or cannot be trained with.
    """
    source = Path(path)
    if source.is_dir() and not _is_pack(source):
        _refuse_screen(source)
    if source.is_dir() or not source.name.endswith(_TABLES):
        if source.is_file():
            _refuse_screen(source)
        return open_pack(source)
    if _lists_planes(source):
        _refuse_screen(source)
    return TrainingTable.from_profiles(read_profiles(source))


def is_trainable(path: Path) -> bool:
    """Tell a pack or a table of profiles from a screen, by what lies there."""
    if path.is_dir():
        return _is_pack(path)
    return path.name.endswith(_TABLES) and path.is_file() and not _lists_planes(path)


def _is_pack(folder: Path) -> bool:
    return (folder / CONFIG).exists() or (folder / JOURNAL).exists()


def _refuse_screen(source: Path) -> None:
    message = (
        f"{source} is no pack and no table of profiles; if it is a screen, pack it first: "
        f"tide pack {source} --out {source.stem}.pack"
    )
    raise TrainValueError(message)


def _lists_planes(path: Path) -> bool:
    """Tell whether a table is that of a screen; one that cannot be read is left to its reader."""
    if not path.is_file():
        return False
    try:
        if path.suffix == ".parquet":
            names = [str(name) for name in pq.read_schema(path).names]
        else:
            separator = "\t" if ".tsv" in path.name else ","
            names = [str(name) for name in pd.read_csv(path, sep=separator, nrows=0).columns]
    except (OSError, ValueError, EOFError, pa.ArrowInvalid):
        return False
    return any(name.startswith(_COLUMNS_OF_SCREENS) for name in names)


def _standard_columns(profiles: Profiles) -> pd.DataFrame:
    table = profiles.metadata.reset_index(drop=True).copy()
    for name in METADATA_COLUMNS:
        if name in _NUMBERS:
            empty = np.nan if name == "Metadata_Dose_uM" else -1
            given = table.get(name, pd.Series(empty, index=table.index))
            table[name] = pd.to_numeric(given, errors="coerce").astype(float).fillna(empty)
        elif name != "Metadata_Site" or name not in table:
            table[name] = profiles.column(name).to_numpy()
    return table
