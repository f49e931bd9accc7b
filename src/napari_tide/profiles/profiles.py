"""Profiles: embeddings with their metadata, in the Cytomining convention."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ProfileValueError

Level = Literal["tile", "site", "well", "treatment", "cell"]
LEVELS: tuple[Level, ...] = get_args(Level)

METADATA_COLUMNS = (
    "Metadata_Plate",
    "Metadata_Well",
    "Metadata_Site",
    "Metadata_Tile_Row",
    "Metadata_Tile_Col",
    "Metadata_Batch",
    "Metadata_Cell_Line",
    "Metadata_Perturbation_Type",
    "Metadata_Compound",
    "Metadata_SMILES",
    "Metadata_Dose_uM",
    "Metadata_Gene",
    "Metadata_Control",
)

Rows = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """A table of embeddings.

    Parameters
    ----------
    metadata
        One row per profile, columns named ``Metadata_...``.
    features
        Profiles x features.
    feature_names
        One name per feature, such as ``tide_0000``.
    level
        What one profile stands for.
    student
        The id of the student that made them; empty for tables of other tools.
    """

    metadata: pd.DataFrame
    features: Rows
    feature_names: tuple[str, ...]
    level: Level = "well"
    student: str = ""

    def __post_init__(self) -> None:
        """Refuse a table whose parts do not fit each other."""
        n_rows, n_features = self.features.shape
        if len(self.metadata) != n_rows or len(self.feature_names) != n_features:
            message = (
                f"{len(self.metadata)} rows of metadata and {len(self.feature_names)} names do not "
                f"fit features of shape {self.features.shape}"
            )
            raise ProfileValueError(message)
        if len(set(self.feature_names)) != n_features:
            message = "feature names repeat; every feature needs a name of its own"
            raise ProfileValueError(message)
        if self.level not in LEVELS:
            message = f"{self.level!r} is no level. Available: {list(LEVELS)}"
            raise ProfileValueError(message)

    def __len__(self) -> int:
        """Count the profiles."""
        return len(self.metadata)

    @property
    def is_control(self) -> npt.NDArray[np.bool_]:
        """Which rows are negative controls."""
        return (self.column("Metadata_Control") == "negcon").to_numpy()

    @property
    def batches(self) -> npt.NDArray[np.object_]:
        """Each row's batch: ``Metadata_Batch``, or the plate where that is empty."""
        plate = self.column("Metadata_Plate")
        if "Metadata_Batch" not in self.metadata.columns:
            return plate.to_numpy(dtype=object)
        batch = self.column("Metadata_Batch")
        return batch.where(batch != "", plate).to_numpy(dtype=object)

    def column(self, name: str) -> pd.Series:
        """Give a metadata column as text, empty where it is missing."""
        if name not in self.metadata.columns:
            return pd.Series("", index=self.metadata.index, dtype=object)
        values = self.metadata[name].astype(object)
        if pd.api.types.infer_dtype(values, skipna=False) == "string":
            return values  # already text without gaps, as most columns are: nothing to convert
        present = values.where(values.notna(), "")
        if pd.api.types.infer_dtype(present) == "string":
            return present
        return present.map(str)

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Profiles:
        """Keep some rows, by position or mask."""
        metadata = self.metadata.iloc[np.flatnonzero(rows) if rows.dtype == bool else rows]
        return replace(self, metadata=metadata.reset_index(drop=True), features=self.features[rows])

    def with_features(self, features: Rows, names: Sequence[str] | None = None) -> Profiles:
        """Give the same rows with other features."""
        given = self.feature_names if names is None else tuple(names)
        return replace(self, features=features, feature_names=given)


def embedding_names(n_features: int) -> tuple[str, ...]:
    """Name the columns of an embedding: ``tide_0000``, ``tide_0001`` and so on."""
    return tuple(f"tide_{i:04d}" for i in range(n_features))


def concatenate(parts: Iterable[Profiles]) -> Profiles:
    """Stack profiles of one level, student and feature set.

    Raises
    ------
    ProfileValueError
        There is nothing to stack, or the parts differ.
    """
    tables = list(parts)
    if not tables:
        message = "there are no profiles to put together"
        raise ProfileValueError(message)
    first = tables[0]
    for other in tables[1:]:
        same = (other.feature_names, other.level, other.student)
        if same != (first.feature_names, first.level, first.student):
            message = (
                f"profiles of {first.student or 'one table'} ({first.level}, "
                f"{len(first.feature_names)} features) and {other.student or 'another'} "
                f"({other.level}, {len(other.feature_names)}) cannot be put together"
            )
            raise ProfileValueError(message)
    return replace(
        first,
        metadata=pd.concat([table.metadata for table in tables], ignore_index=True),
        features=np.concatenate([table.features for table in tables]),
    )
