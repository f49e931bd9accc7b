"""Profiles on disk: Parquet, one column per feature, written in row groups and whole or not at all.

The tables open as they are in pycytominer, copairs and pandas. What the table says about all rows
(format version, level, student) travels in the file's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from napari_tide.errors import OutputWriteError, ProfileFormatError, ProfileMissingError
from napari_tide.profiles.foreign_tables import from_foreign_table
from napari_tide.profiles.metadata_columns import metadata_from_arrow, metadata_to_arrow
from napari_tide.profiles.profiles import LEVELS, Level, Profiles, concatenate

FORMAT_VERSION = 1
ROWS_PER_GROUP = 16_384
_KEY = b"napari_tide_profiles"
_TEXT_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile table on disk, read a row group at a time."""

    path: Path
    level: Level
    student: str
    feature_names: tuple[str, ...]
    n_rows: int

    @classmethod
    def open(cls, path: Path) -> ProfileFile:
        """Look at a Parquet table's schema; no row is read.

        Raises
        ------
        ProfileMissingError, ProfileFormatError
            It is not there, or not a profile table.
        """
        if not path.is_file():
            message = f"{path} is not there; make profiles with tide profile"
            raise ProfileMissingError(message)
        try:
            file = pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            message = f"{path} cannot be read as Parquet ({error}); make it again"
            raise ProfileFormatError(message) from error
        with file:
            header = _header(file.schema_arrow, path)
            names = tuple(
                field.name
                for field in file.schema_arrow
                if not field.name.startswith("Metadata_") and _is_number(field.type)
            )
            if not names:
                message = f"{path} has no feature columns; expected tide_0000 or other numbers"
                raise ProfileFormatError(message)
            return cls(path, header[0], header[1], names, file.metadata.num_rows)

    def iterate(self, *, rows: int = ROWS_PER_GROUP) -> Iterator[Profiles]:
        """Read the table in order, at most `rows` at a time."""
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=rows):
                    yield self._to_profiles(batch)
        except (OSError, pa.ArrowInvalid) as error:
            message = f"{self.path} is damaged ({error}); make it again"
            raise ProfileFormatError(message) from error

    def read(self) -> Profiles:
        """Read the whole table."""
        parts = list(self.iterate(rows=max(self.n_rows, 1)))
        if not parts:
            message = f"{self.path} has no rows; make it again"
            raise ProfileFormatError(message)
        return concatenate(parts)

    def _to_profiles(self, batch: pa.RecordBatch) -> Profiles:
        first = batch.schema.field(self.feature_names[0]).type
        dtype = np.float32 if pa.types.is_float32(first) else np.float64
        features = np.empty((len(self.feature_names), batch.num_rows), dtype=dtype)
        for i, name in enumerate(self.feature_names):
            features[i] = batch.column(name).to_numpy(zero_copy_only=False)
        kept = [name for name in batch.schema.names if name not in set(self.feature_names)]
        metadata = metadata_from_arrow(batch.select(kept))
        return Profiles(metadata, features.T, self.feature_names, self.level, self.student)


class ProfileWriter:
    """Writes profiles a row group at a time; the file appears only when all are written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        """Start writing."""
        return self

    def write(self, profiles: Profiles) -> None:
        """Append profiles; all parts need the same columns."""
        table = to_arrow(profiles)
        try:
            if self._writer is None:
                self._partial.parent.mkdir(parents=True, exist_ok=True)
                self._writer = pq.ParquetWriter(
                    self._partial, table.schema, compression="zstd", use_dictionary=_text_of(table)
                )
            self._writer.write_table(table.cast(self._writer.schema), ROWS_PER_GROUP)
        except (OSError, pa.ArrowInvalid) as error:
            message = f"cannot write {self._path} ({error}); choose another --out"
            raise OutputWriteError(message) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the file in place, or leave nothing behind."""
        try:
            if self._writer is not None:
                self._writer.close()  # writes what was held back, so a full disk may show here
            if kind is None and self._writer is not None:
                self._partial.replace(self._path)
        except OSError as failure:
            if kind is None:
                message = f"cannot write {self._path} ({failure}); choose another --out"
                raise OutputWriteError(message) from failure
        finally:
            self._partial.unlink(missing_ok=True)


def write_profiles(profiles: Profiles, path: Path) -> None:
    """Write a whole table."""
    with ProfileWriter(path) as writer:
        writer.write(profiles)


def read_profiles(path: Path) -> Profiles:
    """Read profiles of any tool that follows the Cytomining convention (Parquet, CSV, TSV).

    Raises
    ------
    ProfileMissingError, ProfileFormatError
        It is not there, or not a profile table.
    """
    if not path.name.endswith(_TEXT_SUFFIXES):
        profiles = ProfileFile.open(path).read()
        return profiles if is_own_table(path) else from_foreign_table(_as_table(profiles), path)
    if not path.is_file():
        message = f"{path} is not there; give a profile table"
        raise ProfileMissingError(message)
    separator = "\t" if ".tsv" in path.name else ","
    try:
        table = pd.read_csv(path, sep=separator, low_memory=False)
    except (OSError, ValueError, EOFError) as error:
        message = f"{path} cannot be read as a table ({error}); export it again"
        raise ProfileFormatError(message) from error
    return from_foreign_table(table, path)


def is_own_table(path: Path) -> bool:
    """Tell whether a table was written here, so that it can be read in parts."""
    if not path.is_file() or path.name.endswith(_TEXT_SUFFIXES):
        return False
    try:
        return _KEY in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowInvalid):
        return False


def to_arrow(profiles: Profiles) -> pa.Table:
    """Give the table as it stands in the file."""
    metadata = metadata_to_arrow(profiles.metadata)
    columns = [metadata.column(name) for name in metadata.column_names]
    columns += [pa.array(values) for values in np.asarray(profiles.features).T]
    header = {
        "format_version": FORMAT_VERSION,
        "level": profiles.level,
        "student": profiles.student,
    }
    table = pa.table(columns, names=[*metadata.column_names, *profiles.feature_names])
    return table.replace_schema_metadata({_KEY: json.dumps(header).encode()})


def _as_table(profiles: Profiles) -> pd.DataFrame:
    features = pd.DataFrame(profiles.features, columns=list(profiles.feature_names))
    return pd.concat([profiles.metadata, features], axis=1)


def _header(schema: pa.Schema, path: Path) -> tuple[Level, str]:
    text = (schema.metadata or {}).get(_KEY)
    if text is None:
        return "well", ""
    header = json.loads(text)
    if header.get("format_version", 0) > FORMAT_VERSION:
        message = (
            f"{path} has format_version {header['format_version']}, this napari-tide reads "
            f"{FORMAT_VERSION}; update napari-tide"
        )
        raise ProfileFormatError(message)
    level = header.get("level")
    if level not in LEVELS:
        message = f"{path} has the unknown level {level!r}; make it again"
        raise ProfileFormatError(message)
    return level, str(header.get("student", ""))


def _text_of(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if not _is_number(field.type)]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
