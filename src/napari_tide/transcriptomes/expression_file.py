"""Open GCT and GCTX files: samples and genes at once, values only for the slice asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import psutil

from napari_tide.errors import (
    ExpressionFormatError,
    ExpressionMissingError,
    ExpressionValueError,
)
from napari_tide.transcriptomes.expression_table import ExpressionTable, landmark_mask
from napari_tide.transcriptomes.gct import read_gct
from napari_tide.transcriptomes.gctx import read_gctx
from napari_tide.transcriptomes.gene_vocabulary import describe_genes
from napari_tide.transcriptomes.level import level_of_metadata, level_of_name, level_of_values
from napari_tide.transcriptomes.metadata_file import join_metadata
from napari_tide.transcriptomes.metadata_values import MISSING_NUMBER
from napari_tide.transcriptomes.raw_expression import ExpressionFormat, RawExpression
from napari_tide.transcriptomes.sample_vocabulary import describe_samples
from napari_tide.transcriptomes.selection import Selection, in_file_order, positions_of

_GZIP = b"\x1f\x8b"
_N_SAMPLES_TO_TELL_LEVEL = 8


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionFile:
    """An opened expression file; its matrix is read only when a slice is asked for.

    Parameters
    ----------
    path
        The file.
    format
        ``"gct"`` or ``"gctx"``.
    level
        ``"3"``, ``"4"``, ``"5"`` or ``""`` where neither name, metadata nor values tell.
    samples, genes
        What is known of them, in the standard vocabulary; the index holds the ids.
    warnings
        What a user should know about the file, one sentence each.
    """

    path: Path
    format: ExpressionFormat
    level: str
    samples: pd.DataFrame
    genes: pd.DataFrame
    warnings: tuple[str, ...]
    _raw: RawExpression

    @property
    def n_samples(self) -> int:
        """How many samples the file holds."""
        return len(self.samples)

    @property
    def n_genes(self) -> int:
        """How many genes the file holds."""
        return len(self.genes)

    def landmarks(self) -> pd.Index:
        """Give the ids of the measured genes, to ask for with ``read(genes=…)``.

        Raises
        ------
        ExpressionValueError
            The file does not say which genes were measured.
        """
        return self.genes.index[landmark_mask(self.genes, None)]

    def read(
        self,
        *,
        samples: Selection | None = None,
        genes: Selection | None = None,
        keep_order: bool = False,
    ) -> ExpressionTable:
        """Read a slice; no more than the slice and a small buffer is held in memory.

        Parameters
        ----------
        samples, genes
            Positions, ids, one true or false per row, a slice, or None for all. Genes may also be
            named by symbol.
        keep_order
            By default rows come in file order, whatever order they are asked in, and what is asked
            twice comes once. With `keep_order` they come as asked, and asking twice is refused.

        Raises
        ------
        ExpressionValueError
            Something is asked for that the file does not hold, or more than memory can hold.
        ExpressionFormatError
            The file is damaged.
        """
        asked_samples = positions_of(samples, self.samples.index, what="sample")
        asked_genes = positions_of(
            genes, self.genes.index, what="gene", symbols=self.genes["symbol"]
        )
        rows, columns = in_file_order(asked_samples), in_file_order(asked_genes)
        self._refuse_too_much(len(rows), len(columns))
        values = self._raw.matrix.read(rows, columns)
        values[values == MISSING_NUMBER] = np.nan
        if keep_order:
            values = values[
                np.ix_(np.searchsorted(rows, asked_samples), np.searchsorted(columns, asked_genes))
            ]
            rows, columns = asked_samples, asked_genes
        return ExpressionTable(
            values, self.samples.iloc[rows], self.genes.iloc[columns], self.level
        )

    def with_sample_metadata(self, path: Path) -> ExpressionFile:
        """Add what a table such as ``siginfo`` or ``instinfo`` says of the samples.

        Raises
        ------
        ExpressionMissingError
            The table is not there.
        ExpressionFormatError
            The table cannot be read, or names none of the file's samples.
        """
        joined, warnings = join_metadata(self._raw.samples, path, what="sample")
        return _described(self.path, replace(self._raw, samples=joined), warnings)

    def with_gene_metadata(self, path: Path) -> ExpressionFile:
        """Add what a table such as ``geneinfo`` says of the genes.

        Raises
        ------
        ExpressionMissingError
            The table is not there.
        ExpressionFormatError
            The table cannot be read, or names none of the file's genes.
        """
        joined, warnings = join_metadata(self._raw.genes, path, what="gene")
        return _described(self.path, replace(self._raw, genes=joined), warnings)

    def _refuse_too_much(self, n_samples: int, n_genes: int) -> None:
        needed = n_samples * n_genes * np.dtype(np.float32).itemsize
        free = psutil.virtual_memory().available
        if needed > free:
            message = (
                f"{n_samples} samples x {n_genes} genes of {self.path} need "
                f"{needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; "
                "read fewer samples, or only the landmark genes"
            )
            raise ExpressionValueError(message)


def open_expression(path: Path) -> ExpressionFile:
    """Open a GCTX file, or a GCT file, plain or gzipped.

    Raises
    ------
    ExpressionMissingError
        The file is not there.
    ExpressionFormatError
        The file is empty, damaged, or not what its name says.
    """
    return _described(path, _read_raw(path), ())


def _read_raw(path: Path) -> RawExpression:
    try:
        with path.open("rb") as file:
            beginning = file.read(8)
        kind = _kind(path, beginning)
        return read_gctx(path) if kind == "gctx" else read_gct(path)
    except FileNotFoundError as error:
        message = f"{path} is not there; expected a GCT or GCTX file"
        raise ExpressionMissingError(message) from error
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror or error}); expected a GCT or GCTX file"
        raise ExpressionFormatError(message) from error


def _kind(path: Path, beginning: bytes) -> ExpressionFormat:
    """Tell the format from the content, and refuse a name that says otherwise."""
    if not beginning:
        message = f"{path} is empty; expected a GCT or GCTX file"
        raise ExpressionFormatError(message)
    is_hdf5 = bool(h5py.is_hdf5(path))
    name = path.name.lower()
    if name.endswith(".gctx") and not is_hdf5:
        found = "text" if _looks_like_text(path) else "not HDF5"
        message = f"{path} is {found}, but a .gctx file is HDF5; if it is GCT, rename it to .gct"
        raise ExpressionFormatError(message)
    if name.endswith((".gct", ".gct.gz")) and is_hdf5:
        message = f"{path} is HDF5, but a .gct file is text; rename it to .gctx"
        raise ExpressionFormatError(message)
    if is_hdf5:
        return "gctx"
    if beginning.startswith((b"#1.", b"\xef\xbb\xbf#1.", _GZIP)) or ".gct" in name:
        return "gct"
    message = f"{path} is neither GCT (text that begins with '#1.3') nor GCTX (HDF5)"
    raise ExpressionFormatError(message)


def _looks_like_text(path: Path) -> bool:
    with path.open("rb") as file:
        some = file.read(4096)
    return b"\0" not in some and not some.startswith(_GZIP)


def _described(path: Path, raw: RawExpression, warnings: tuple[str, ...]) -> ExpressionFile:
    samples, said = describe_samples(raw.samples)
    return ExpressionFile(
        path=path,
        format=raw.format,
        level=_level(path, raw),
        samples=samples,
        genes=describe_genes(raw.genes),
        warnings=(*warnings, *said),
        _raw=raw,
    )


def _level(path: Path, raw: RawExpression) -> str:
    told = raw.level or level_of_name(path.name) or level_of_metadata(raw.samples)
    if told or not len(raw.samples):
        return told
    first = np.arange(min(_N_SAMPLES_TO_TELL_LEVEL, len(raw.samples)))
    values = raw.matrix.read(first, np.arange(len(raw.genes)))
    return level_of_values(values[values != MISSING_NUMBER])
