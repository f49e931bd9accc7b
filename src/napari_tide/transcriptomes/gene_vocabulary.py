"""One vocabulary for genes: their symbols, and which of them were measured.

Files say ``pr_gene_symbol`` or ``gene_symbol``; ``pr_is_lm``, ``pr_is_lmark``, ``is_lm``, or since
2020 ``feature_space``.
"""

from __future__ import annotations

import pandas as pd

from napari_tide.transcriptomes.metadata_values import as_text, tidied

_SYMBOL_SOURCES = ("symbol", "pr_gene_symbol", "gene_symbol")
_FLAG_SOURCES = ("is_landmark", "pr_is_lm", "pr_is_lmark", "is_lm")
_TRUE = ("1", "true", "t", "yes", "y")


def describe_genes(raw: pd.DataFrame) -> pd.DataFrame:
    """Put ``symbol`` and, where the file says it, ``is_landmark`` before a file's own columns.

    A gene without a symbol is called by its id.
    """
    ids = pd.Series(raw.index.astype(str), index=raw.index)
    symbol = pd.Series("", index=raw.index)
    for name in _SYMBOL_SOURCES:
        if name in raw.columns:
            # a column that repeats the id says nothing: another may know the symbol
            silent = (symbol == "") | (symbol == ids)
            symbol = symbol.mask(silent, as_text(raw[name]))
    standard = {"symbol": symbol.where(symbol != "", ids)}
    flag = _landmark_flag(raw)
    if flag is not None:
        standard["is_landmark"] = flag
    others = {name: tidied(raw[name]) for name in raw.columns if name not in standard}
    return pd.concat(
        [pd.DataFrame(standard, index=raw.index), pd.DataFrame(others, index=raw.index)], axis=1
    )


def _landmark_flag(raw: pd.DataFrame) -> pd.Series | None:
    for name in _FLAG_SOURCES:
        if name in raw.columns:
            return as_text(raw[name]).str.lower().isin(_TRUE)
    if "feature_space" in raw.columns:
        return as_text(raw["feature_space"]).str.lower() == "landmark"
    return None
