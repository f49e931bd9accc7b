"""Molecular features somebody else computed (GIN, MolFormer, …): a table with a row per drug.

Drugs are found by InChIKey, then SMILES, then name, as far as the table has such columns; first as
written, then by what two spellings share (the neutral parent, the name without case). Without RDKit
only SMILES as written and names are compared.

Shapes: N drugs asked for, R rows of the table, F columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from napari_tide.chem.inchikeys import inchikey_or_blank
from napari_tide.chem.rdkit_presence import has_rdkit
from napari_tide.chem.smiles import clean_smiles, standard_or_blank
from napari_tide.errors import FeatureTableFormatError, FeatureTableMissingError

# what tables call a drug's keys, folded: lower case without Metadata_, spaces and underscores
_KEYS: Mapping[str, tuple[str, ...]] = {
    "inchikey": ("inchikey", "standardinchikey"),
    "smiles": ("smiles", "canonicalsmiles"),
    "name": ("name", "compound", "compoundname", "drug", "drugname", "pertiname"),
}

_ROW_NUMBERS = ("Unnamed: ", "__index_level_")  # what pandas writes unasked; no feature


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """A table of molecular features.

    Parameters
    ----------
    path
        Where it was read from.
    keys
        Per key (``inchikey``, ``smiles``, ``name``) each row's text.
    columns, values_RF
        The features.
    """

    path: Path
    keys: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]
    values_RF: npt.NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> FeatureTable:
        """Read a Parquet, CSV or TSV table; every numeric column but the keys is a feature.

        Raises
        ------
        FeatureTableMissingError, FeatureTableFormatError
            It is not there, or has no key, no feature or no row.
        """
        table = _read(path)
        folded = {str(name): _fold(str(name)) for name in table.columns}
        keys = {
            key: next((name for name in folded if folded[name] in spellings), None)
            for key, spellings in _KEYS.items()
        }
        named = {key: name for key, name in keys.items() if name is not None}
        if not named:
            message = (
                f"{path} has no column that names drugs; expected one of name, smiles, inchikey "
                f"beside its features, found {[str(name) for name in table.columns[:4]]}"
            )
            raise FeatureTableFormatError(message)
        row_numbers = [name for name in table.columns if str(name).startswith(_ROW_NUMBERS)]
        numbers = table.drop(columns=[*named.values(), *row_numbers]).select_dtypes("number")
        if numbers.shape[1] == 0 or len(table) == 0:
            message = f"{path} has {len(table)} rows and {numbers.shape[1]} columns of numbers; "
            message += "expected a row per drug and a column per feature"
            raise FeatureTableFormatError(message)
        texts = {key: tuple(_texts(table[name])) for key, name in named.items()}
        # a copy: with copy-on-write (pandas 3) the array of a frame cannot be written to
        values = numbers.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        limit = float(np.finfo(np.float32).max)
        values[np.abs(values) > limit] = np.inf
        columns = tuple(map(str, numbers.columns))
        return cls(path, texts, columns, values.astype(np.float32))

    def columns_named(self, columns: Sequence[str]) -> FeatureTable:
        """Keep some features, in the order asked for.

        Raises
        ------
        FeatureTableFormatError
            The table lacks one.
        """
        position = {name: i for i, name in enumerate(self.columns)}
        lacking = [name for name in columns if name not in position]
        if lacking:
            message = f"{self.path} lacks {len(lacking)} of {len(columns)} columns the student was "
            message += f"trained on, the first is {lacking[0]!r}; give the table of that encoder"
            raise FeatureTableFormatError(message)
        kept = self.values_RF[:, [position[name] for name in columns]]
        return FeatureTable(self.path, self.keys, tuple(columns), kept)

    def rows_of(
        self, smiles: Sequence[str], names: Sequence[str] | None = None
    ) -> npt.NDArray[np.int64]:
        """Find each drug's row; -1 where the table has none.

        Raises
        ------
        FeatureTableFormatError
            A key asked for stands in several rows whose features differ.
        """
        rows_N = np.full(len(smiles), -1, dtype=np.int64)
        for ours, key, computed in _ways(smiles, names):
            if key not in self.keys or (rows_N >= 0).all():
                continue
            found = self._rows_by(key, computed)
            for i in np.flatnonzero(rows_N < 0):
                rows_N[i] = self._one(found.get(ours(int(i)), []), key)
        return rows_N

    def _rows_by(self, key: str, computed: Callable[[str], str]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, text in enumerate(self.keys[key]):
            if (value := computed(text)) != "":
                found.setdefault(value, []).append(row)
        return found

    def _one(self, rows: list[int], key: str) -> int:
        if not rows:
            return -1
        values = self.values_RF[rows]
        if not all(np.array_equal(values[0], other, equal_nan=True) for other in values[1:]):
            message = (
                f"{self.path} has {len(rows)} rows for {self.keys[key][rows[0]]!r} that differ; "
                "keep one row per drug"
            )
            raise FeatureTableFormatError(message)
        return rows[0]


def _ways(
    smiles: Sequence[str], names: Sequence[str] | None
) -> Iterator[tuple[Callable[[int], str], str, Callable[[str], str]]]:
    """Give the ways to find a drug, the strictest first: our key, theirs, and what both become."""
    reads_structures = has_rdkit()
    if reads_structures:
        yield lambda i: inchikey_or_blank(smiles[i]), "inchikey", str.strip
    yield lambda i: clean_smiles(smiles[i]), "smiles", clean_smiles
    if names is not None:
        yield lambda i: names[i].strip(), "name", str.strip
    if reads_structures:
        yield (
            lambda i: inchikey_or_blank(standard_or_blank(smiles[i])),
            "inchikey",
            str.strip,
        )
        yield lambda i: standard_or_blank(smiles[i]), "smiles", standard_or_blank
    if names is not None:
        yield lambda i: names[i].strip().casefold(), "name", _casefold


def _casefold(text: str) -> str:
    return text.strip().casefold()


def _fold(name: str) -> str:
    plain = name.strip().lower().removeprefix("metadata_")
    return plain.replace("_", "").replace(" ", "")


def _texts(values: pd.Series) -> Iterator[str]:
    return ("" if missing else str(value) for value, missing in zip(values, values.isna()))  # noqa: B905


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        message = f"{path} is not there; expected a table of molecular features, CSV or Parquet"
        raise FeatureTableMissingError(message)
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            return table.reset_index() if table.index.name is not None else table
        separator = "\t" if ".tsv" in path.name else ","
        return pd.read_csv(path, sep=separator, low_memory=False)
    except (OSError, ValueError, EOFError, pa.ArrowException) as error:
        message = f"{path} cannot be read as a table ({error}); export it again"
        raise FeatureTableFormatError(message) from error
