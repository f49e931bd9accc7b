"""Which columns of a load_data table name files: images, and illumination functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.channels import stain_name

FILE_COLUMN = re.compile(r"(FileName|URL)_(.+)")
_ILLUMINATION = "Illum"
_ABSENT = ("", "nan", "NaN", "None", "NA")


@dataclass(frozen=True, slots=True)
class FileColumn:
    """One channel's files, a row per site: the folder they were in and the name."""

    folders: pd.Series
    names: pd.Series


@dataclass(frozen=True, slots=True)
class LoadDataFiles:
    """Every file a load_data table names, by the channel's label."""

    images: dict[str, FileColumn]
    illumination: dict[str, FileColumn]

    @classmethod
    def of(cls, table: pd.DataFrame, *, source: str) -> LoadDataFiles:
        """Find the columns of `table`.

        Raises
        ------
        ScreenFormatError
            No column names an image.
        """
        images: dict[str, FileColumn] = {}
        illumination: dict[str, FileColumn] = {}
        for column in table.columns:
            match = FILE_COLUMN.fullmatch(column)
            if match is not None:
                full_label = match.group(2)
                label = full_label.removeprefix(_ILLUMINATION).removeprefix("Orig") or full_label
                into = illumination if full_label.startswith(_ILLUMINATION) else images
                into.setdefault(label, _file_column(table, *match.groups()))
        if not images:
            message = (
                f"{source} has no FileName_ or URL_ column (such as FileName_OrigDNA) and so is no "
                f"load_data table (it has {', '.join(table.columns[:12])}); export it again from "
                "CellProfiler, or give the table that names the images"
            )
            raise ScreenFormatError(message)
        label_of = {stain_name(label): label for label in images}
        named = {label_of.get(stain_name(name), name): it for name, it in illumination.items()}
        return cls(images, {label: it for label, it in named.items() if label in images})

    def has_image(self) -> pd.Series:
        """Tell for each row whether it names an image at all."""
        named = pd.DataFrame({label: it.names.ne("") for label, it in self.images.items()})
        return named.any(axis=1)


def names_by_folder(columns: Iterable[FileColumn]) -> dict[str, Set[str]]:
    """Collect the distinct file names in each old folder."""
    collected: dict[str, set[str]] = {}
    for column in columns:
        named = column.names.ne("")
        for folder, names in column.names[named].groupby(column.folders[named], sort=False):
            collected.setdefault(str(folder), set()).update(names)
    return dict(collected)


def _file_column(table: pd.DataFrame, kind: str, label: str) -> FileColumn:
    nowhere = pd.Series("", index=table.index)
    names = table[f"{kind}_{label}"].str.strip()
    names = names.where(~names.isin(_ABSENT), "")
    if kind == "URL":
        return _split(nowhere, names.map({url: _path_of(url) for url in names.unique()}))
    folders = table.get(f"PathName_{label}", nowhere).str.strip()
    # one spelling, whether a row has its folder in this column or in the name
    slashed = {folder: folder.replace("\\", "/") for folder in folders.unique()}
    return _split(folders.map(slashed), names)


def _split(folders: pd.Series, names: pd.Series) -> FileColumn:
    """Move folders that stand in a name to its folder."""
    slashed = names.str.contains(r"[/\\]")
    if not slashed.any():
        return FileColumn(folders, names)
    parts = names[slashed].str.replace("\\", "/").str.rpartition("/")
    before = folders[slashed].str.rstrip("/\\")
    inner = (before + "/" + parts[0]).where(before != "", parts[0])
    return FileColumn(
        folders.where(~slashed, inner.reindex(names.index)),
        names.where(~slashed, parts[2].reindex(names.index)),
    )


def _path_of(url: str) -> str:
    has_scheme = "://" in url or url.startswith("file:")
    return unquote(urlsplit(url).path) if has_scheme else url
