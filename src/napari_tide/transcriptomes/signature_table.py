"""Read signatures from a plain table: a row per compound, a column per gene.

Consensus signatures are published so (tab-separated, plain or gzipped, gene ids in the first line).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.errors import ExpressionFormatError
from napari_tide.transcriptomes.expression_table import ExpressionTable, repeated_id
from napari_tide.transcriptomes.gene_vocabulary import describe_genes
from napari_tide.transcriptomes.metadata_file import join_metadata, read_text_table
from napari_tide.transcriptomes.metadata_values import as_number, as_text, decode
from napari_tide.transcriptomes.sample_vocabulary import describe_samples


def read_signature_table(path: Path, *, gene_metadata: Path | None = None) -> ExpressionTable:
    """Read a table whose first column names compounds and whose other columns are genes.

    Parameters
    ----------
    path
        The table; its values are signatures, so the level is 5.
    gene_metadata
        A table that gives the genes' symbols; without it a gene is called by its id.

    Raises
    ------
    ExpressionMissingError
        The table is not there.
    ExpressionFormatError
        The table cannot be read, or a value is no number.
    """
    table = read_text_table(path)
    first, *gene_ids = table.column_names
    ids = pd.Index(decode(table[first].to_pylist()), name="id")
    repeated = repeated_id(ids)
    if repeated is not None:
        message = f"{path} has {repeated!r} more than once in column {first}; make the ids unique"
        raise ExpressionFormatError(message)
    values = np.empty((len(ids), len(gene_ids)), dtype=np.float32)
    for gene, name in enumerate(gene_ids):
        values[:, gene] = _numbers(decode(table[name].to_pylist()), path, name)
    genes = pd.DataFrame(index=pd.Index(gene_ids, name="id"))
    if gene_metadata is not None:
        genes, _ = join_metadata(genes, gene_metadata, what="gene")
    samples, _ = describe_samples(pd.DataFrame({"compound": ids}, index=ids))
    return ExpressionTable(values, samples, describe_genes(genes), "5")


def _numbers(texts: list[str], path: Path, gene: str) -> pd.Series:
    column = pd.Series(texts, dtype=object)
    numbers = as_number(column)
    strange = numbers.isna() & (as_text(column) != "")
    if strange.any():
        message = f"{path} has {column[strange].iloc[0]!r} for gene {gene}; expected a number"
        raise ExpressionFormatError(message)
    return numbers
