"""What a method reads: rows of pixels or of features, with the metadata of profiles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.profiles.profiles import Profiles

Rows = npt.NDArray[np.int64]


class TrainingData(Protocol):
    """Packed tiles or a table of profiles; a method does not care which."""

    @property
    def metadata(self) -> pd.DataFrame:
        """One row per sample, columns ``Metadata_...``."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Stains of the tiles, or names of the features."""

    @property
    def data_hash(self) -> str:
        """What the content hashes to."""

    def __len__(self) -> int:
        """Count the samples."""

    def read(self, rows: Rows) -> npt.NDArray[np.generic]:
        """Read samples in the order asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class ProfileData:
    """A table of profiles as training data; everything stays in memory."""

    profiles: Profiles
    data_hash: str

    @classmethod
    def of(cls, profiles: Profiles) -> ProfileData:
        """Take profiles as they are."""
        digest = hashlib.sha256()
        digest.update("\n".join(profiles.feature_names).encode())
        digest.update(np.ascontiguousarray(profiles.features, dtype=np.float32).tobytes())
        digest.update(pd.util.hash_pandas_object(profiles.metadata.astype(str)).to_numpy().tobytes())
        return cls(profiles, digest.hexdigest())

    @property
    def metadata(self) -> pd.DataFrame:
        """One row per profile."""
        return self.profiles.metadata

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the features."""
        return self.profiles.feature_names

    def __len__(self) -> int:
        """Count the profiles."""
        return len(self.profiles)

    def read(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Give features of some rows."""
        return self.profiles.features[rows].astype(np.float32, copy=False)
