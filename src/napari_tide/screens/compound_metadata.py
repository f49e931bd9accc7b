"""Metadata of samples, compounds, genes or plates, joined by a name both tables have.

A join is many wells to one row, never by position. The keys are tried in order of trust, and each
fills only the wells that no earlier one found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from napari_tide.chem.inchikeys import inchikey_or_blank
from napari_tide.chem.smiles import clean_smiles, standard_or_blank
from napari_tide.errors import ScreenFormatError
from napari_tide.screens.annotation_table import AnnotationTable
from napari_tide.screens.fill_columns import fill_columns, is_given
from napari_tide.screens.perturbation_words import names_negative_control
from napari_tide.screens.table_file import as_text
from napari_tide.screens.wording import some

JOIN_KEYS = (
    "broad_sample", "jcp2022", "sirna", "compound", "inchikey", "smiles", "gene", "plate",
)  # fmt: skip
_LISTS = ("moa", "targets")  # several rows of one key may each say a part
_MUST_AGREE = ("compound", "smiles", "gene", "dose_um", "cell_line", "control", "perturbation_type")
_AMBIGUOUS = "\0ambiguous"
_KEY = "\0key"


def join_metadata(sites: pd.DataFrame, table: AnnotationTable) -> tuple[pd.DataFrame, list[str]]:
    """Fill gaps of a table of sites from a metadata table.

    Where several rows of the table have one key, their mechanisms and targets are taken together;
    if they disagree on what a well holds (compound, dose, gene, ...), the join is refused.

    Returns
    -------
    sites
        The same rows in the same order, with the table's columns.
    warnings
        How many names of the screen the table does not have.

    Raises
    ------
    ScreenFormatError
        No column is shared, or a key stands for several different rows.
    """
    keys = [key for key in JOIN_KEYS if table.has(key) and _has_key(sites, key)]
    if not keys:
        message = (
            f"{table.path} shares no column with the screen to join by: it has "
            f"{some(table.rows.columns)}; expected one of {', '.join(JOIN_KEYS)}, or plate and well"
        )
        raise ScreenFormatError(message)
    found = pd.Series(data=False, index=sites.index)
    first = ""
    for key in keys:
        for ours, theirs in _ways(sites, table.rows, key):
            wanted = ours.where(~found, "")
            sites, matched = _join_by(sites, table, key, wanted, theirs)
            first = first or (key if matched.any() else "")
            found |= matched
    first = first or keys[0]
    return sites, _not_found(table.path, _column(sites, first), first, found)


def _has_key(sites: pd.DataFrame, key: str) -> bool:
    names = (key, "smiles") if key == "inchikey" else (key,)
    return any((_column(sites, name) != "").any() for name in names)


def _ways(
    sites: pd.DataFrame, rows: pd.DataFrame, key: str
) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Give the ways in which a key may be the same in both tables, the strictest first.

    Names are compared as written before case is ignored: RxRx3 has aztreonam and Aztreonam, which
    are two isomers. An InChIKey is the one given, that of the SMILES, or that of its parent.
    """
    ours, theirs = _column(sites, key), rows[key]
    if key == "smiles":
        yield _computed(ours, clean_smiles), _computed(theirs, clean_smiles)
        return
    yield ours, theirs
    if key == "inchikey":
        smiles = _column(sites, "smiles")
        yield _computed(smiles, inchikey_or_blank), theirs
        yield _computed(_computed(smiles, standard_or_blank), inchikey_or_blank), theirs
    else:
        yield _computed(ours, str.casefold), _computed(theirs, str.casefold)


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    blank = pd.Series("", index=table.index, dtype=object)
    return as_text(table[name]) if name in table else blank


def _computed(values: pd.Series, function: Callable[[str], str]) -> pd.Series:
    return values.map({value: function(value) for value in values.unique()})


def _join_by(
    sites: pd.DataFrame, table: AnnotationTable, key: str, wanted: pd.Series, theirs: pd.Series
) -> tuple[pd.DataFrame, pd.Series]:
    """Fill the wells whose key the table has; an empty key skips a well."""
    matched = (wanted != "") & wanted.isin(theirs)
    if not matched.any():
        return sites, matched
    needed = theirs.isin(wanted[matched])
    one_row = _one_row_per_key(table.rows[needed], theirs[needed])
    values = one_row.reindex(wanted).set_axis(sites.index)
    _refuse_ambiguous(sites, values, key, table.path)
    return fill_columns(sites, values.drop(columns="plate", errors="ignore"))[0], matched


def _one_row_per_key(rows: pd.DataFrame, keys: pd.Series) -> pd.DataFrame:
    rows = rows.assign(**{_KEY: keys}).drop_duplicates().set_index(_KEY)
    repeated = rows.index.duplicated(keep=False)
    if not repeated.any():
        return rows
    merged = {
        key: {name: _merged(name, group[name]) for name in rows.columns}
        for key, group in rows[repeated].groupby(level=0, sort=False)
    }
    together = pd.DataFrame.from_dict(merged, orient="index", columns=list(rows.columns))
    return pd.concat([rows[~repeated].astype(object), together.astype(object)])


def _merged(name: str, values: pd.Series) -> object:
    distinct = list(values[is_given(values)].unique())
    if len(distinct) <= 1:
        return distinct[0] if distinct else None
    if name in _MUST_AGREE:
        return _AMBIGUOUS
    parts = (part for text in distinct for part in str(text).split("|"))
    return "|".join(dict.fromkeys(parts))


def _refuse_ambiguous(sites: pd.DataFrame, values: pd.DataFrame, key: str, path: Path) -> None:
    for name in _MUST_AGREE:
        if name not in values:
            continue
        ambiguous = values[name].eq(_AMBIGUOUS)
        open_ = ambiguous & ~is_given(sites[name]) if name in sites else ambiguous
        if open_.any():
            example = _column(sites, key)[open_].iloc[0]
            message = (
                f"{path} gives several {name} values for {key} {example!r}; a metadata table needs "
                "one row per name (a table of wells goes in as --platemap, or with a well column)"
            )
            raise ScreenFormatError(message)
        values.loc[ambiguous, name] = None
    if "dose_um" in values:
        values["dose_um"] = values["dose_um"].astype(float)


def _not_found(path: Path, names: pd.Series, key: str, found: pd.Series) -> list[str]:
    """Say how many of the screen's names the table lacks, leaving out DMSO and its like."""
    known = set(names[found].str.casefold())
    lacking = {
        name.casefold(): name
        for name in names[~found].unique()
        if name and name.casefold() not in known and not names_negative_control(name)
    }
    if not lacking:
        return []
    n_names = len(known - {""}) + len(lacking)
    return [
        f"{path.name} lacks {len(lacking)} of {n_names} {key} values ({some(lacking.values())})"
    ]
