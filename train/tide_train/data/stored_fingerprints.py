"""Fingerprints computed where RDKit is, for a machine that trains without it.

One safetensors file: the bits of every drug, with names, SMILES and settings in its header. A pack
carries one; for a table of profiles ``tide drug-features`` writes one.

Shapes: R drugs of the file, N drugs asked for, F bits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_tide.chem.feature_settings import FingerprintSettings
from napari_tide.errors import FeatureTableFormatError, FeatureTableMissingError, TrainValueError

MOLECULES = "molecules.safetensors"
"""The file's name in a pack."""

SUFFIX = ".safetensors"
_KEY = "napari_tide"
_BITS = "packed_bits"

Bits = npt.NDArray[np.uint8]


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = 1
    settings: FingerprintSettings
    names: tuple[str, ...]
    smiles: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StoredFingerprints:
    """Circular fingerprints of some drugs.

    Parameters
    ----------
    settings
        How they were computed.
    names, smiles
        One per drug, as the data spell them; only drugs whose structure could be read.
    values_RF
        Zeros and ones.
    """

    settings: FingerprintSettings
    names: tuple[str, ...]
    smiles: tuple[str, ...]
    values_RF: Bits

    @classmethod
    def of_metadata(
        cls, metadata: pd.DataFrame, settings: FingerprintSettings | None = None
    ) -> Self:
        """Describe every compound of profiles or tiles; this needs RDKit.

        Raises
        ------
        TrainValueError
            RDKit is not installed.
        """
        from napari_tide.chem.molecular_features import features_like
        from napari_tide.chem.rdkit_presence import has_rdkit

        if not has_rdkit():
            message = "fingerprints are computed with RDKit, which is not here; pip install rdkit"
            raise TrainValueError(message)
        columns = ["Metadata_Compound", "Metadata_SMILES"]
        pairs = metadata[columns].astype(object).fillna("")
        pairs = pairs[pairs["Metadata_SMILES"] != ""].drop_duplicates().sort_values(columns)
        names = tuple(map(str, pairs["Metadata_Compound"]))
        smiles = tuple(map(str, pairs["Metadata_SMILES"]))
        chosen = settings or FingerprintSettings()
        found = features_like(smiles, chosen)
        rows = found.rows_N.tolist()
        bits = found.values_NF.astype(np.uint8).reshape(len(rows), chosen.n_bits)
        return cls(chosen, tuple(names[i] for i in rows), tuple(smiles[i] for i in rows), bits)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Raises
        ------
        FeatureTableMissingError, FeatureTableFormatError
            It is not there, or is no such file.
        """
        if not path.is_file():
            message = f"{path} is not there; write it with tide drug-features DATA --out {path}"
            raise FeatureTableMissingError(message)
        try:
            with safe_open(path, framework="np") as file:
                header = _Header.model_validate_json((file.metadata() or {}).get(_KEY, ""))
                packed = np.asarray(file.get_tensor(_BITS))
        except (OSError, SafetensorError, ValueError) as error:
            said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise _damaged(path, said) from error
        n_bits = header.settings.n_bits
        expected = (len(header.names), -(-n_bits // 8))
        if packed.shape != expected or packed.dtype != np.uint8:
            said = f"its bits are {packed.dtype} {packed.shape}, expected uint8 {expected}"
            raise _damaged(path, said)
        if len(header.smiles) != len(header.names):
            raise _damaged(path, f"{len(header.smiles)} SMILES for {len(header.names)} names")
        bits = np.unpackbits(packed, axis=1, count=n_bits)
        return cls(header.settings, header.names, header.smiles, bits)

    def write(self, path: Path) -> None:
        """Write a file; the same drugs give the same bytes."""
        header = _Header(settings=self.settings, names=self.names, smiles=self.smiles)
        # one key, since safetensors writes several in no fixed order
        content = save(
            {_BITS: np.packbits(self.values_RF, axis=1)},
            metadata={_KEY: json.dumps(header.model_dump(mode="json"))},
        )
        path.write_bytes(content)  # save_file would make a file that nobody else may read

    def find(self, smiles: tuple[str, ...], names: tuple[str, ...]) -> npt.NDArray[np.int64]:
        """Find drugs by SMILES as written, then by name; -1 where there is none."""
        by_smiles = {text: row for row, text in reversed(list(enumerate(self.smiles)))}
        by_name = {name: row for row, name in reversed(list(enumerate(self.names)))}
        rows = [
            by_smiles[text] if text in by_smiles else by_name.get(name, -1)
            for text, name in zip(smiles, names, strict=True)
        ]
        return np.array(rows, dtype=np.int64)

    def folded(self, n_bits: int) -> Self:
        """Give the fingerprints in fewer bits, exactly as if they had been computed so.

        A feature's place is its hash modulo the length, so a length can be halved or divided by
        any whole number, and by nothing else.

        Raises
        ------
        TrainValueError
            The length asked for does not divide this one.
        """
        have = self.settings.n_bits
        if n_bits == have:
            return self
        if n_bits > have or have % n_bits or n_bits < 8:
            message = (
                f"the fingerprints stored have {have} bits and {n_bits} were asked for, which only "
                f"RDKit can give; --set drugs.n_bits={have} or a divisor of it, or install rdkit"
            )
            raise TrainValueError(message)
        values = self.values_RF.reshape(len(self.names), have // n_bits, n_bits).max(axis=1)
        settings = self.settings.model_copy(update={"n_bits": n_bits})
        return type(self)(settings, self.names, self.smiles, values)


def _damaged(path: Path, said: str) -> FeatureTableFormatError:
    message = (
        f"{path} holds no fingerprints ({said}); write it again with tide drug-features DATA, or "
        "pack the screen again"
    )
    return FeatureTableFormatError(message)
