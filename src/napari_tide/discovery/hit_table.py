"""The hit list as a table, and as a file that no spreadsheet runs as a formula."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa

from napari_tide.discovery.whole_file import write_whole
from napari_tide.errors import HitListFormatError, HitListMissingError, OutputWriteError

COLUMNS = (
    "rank", "compound", "smiles", "dose_um", "gene", "score", "direction", "p_value", "q_value",
    "p_drug", "n_replicates", "plates", "wells", "known_target", "flags", "student", "date",
)  # fmt: skip
WHOLE_NUMBERS = ("rank", "n_replicates")
NUMBERS = ("dose_um", "score", "p_value", "q_value", "p_drug")
TEXTS = tuple(name for name in COLUMNS if name not in (*WHOLE_NUMBERS, *NUMBERS))

_DIGITS = "%.6g"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUOTE = "'"
_SUFFIXES = (".csv", ".parquet")


def escape_text(text: str) -> str:
    """Put an apostrophe before text a spreadsheet would run as a formula.

    Text that begins with apostrophes and then such a sign gets one more, so that nothing is lost.
    """
    return _QUOTE + text if text.lstrip(_QUOTE).startswith(_FORMULA_STARTS) else text


def unescape_text(text: str) -> str:
    """Take the apostrophe of `escape_text` away again."""
    is_escaped = text.startswith(_QUOTE) and text.lstrip(_QUOTE).startswith(_FORMULA_STARTS)
    return text[1:] if is_escaped else text


def write_hits(hits: pd.DataFrame, path: Path) -> None:
    """Write a hit list as CSV (escaped) or Parquet (as it is), whole or not at all.

    Raises
    ------
    OutputWriteError
        The name ends in neither, or the file cannot be written.
    """
    ordered = hits[list(COLUMNS)]
    if path.suffix == ".parquet":
        stream = io.BytesIO()
        ordered.to_parquet(stream, index=False)
        write_whole(path, stream.getvalue())
    elif path.suffix == ".csv":
        escaped = ordered.assign(**{name: ordered[name].map(escape_text) for name in TEXTS})
        # csv puts quotes around a lone carriage return only where lines end in one
        has_return = any(escaped[name].str.contains("\r", regex=False).any() for name in TEXTS)
        line_end = "\r\n" if has_return else "\n"
        text = escaped.to_csv(index=False, float_format=_DIGITS, lineterminator=line_end)
        write_whole(path, text.encode())
    else:
        message = f"{path} ends in neither {' nor '.join(_SUFFIXES)}; name it like hits.csv"
        raise OutputWriteError(message)


def read_hits(path: Path) -> pd.DataFrame:
    """Read a hit list back, text as it was before it was escaped.

    Raises
    ------
    HitListMissingError, HitListFormatError
        It is not there, or is no hit list.
    """
    if not path.is_file():
        message = f"{path} is not there; make a hit list with tide hits"
        raise HitListMissingError(message)
    try:
        if path.suffix == ".parquet":
            return _checked(pd.read_parquet(path), path)
        # strings as they stand: a gene may be called NA
        raw = pd.read_csv(path, dtype=str, keep_default_na=False)
        table = _checked(raw, path)
        texts = {name: table[name].map(unescape_text).astype(object) for name in TEXTS}
        numbers = {
            name: pd.to_numeric(table[name].where(table[name] != "", None)) for name in NUMBERS
        }
        whole = {name: pd.to_numeric(table[name]).astype("int64") for name in WHOLE_NUMBERS}
    except (OSError, ValueError, pa.ArrowException) as error:
        message = f"{path} cannot be read as a hit list ({error}); make it again with tide hits"
        raise HitListFormatError(message) from error
    return pd.DataFrame({**texts, **numbers, **whole})[list(COLUMNS)]


def _checked(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        message = (
            f"{path} has no column {', '.join(missing[:4])}; expected a hit list as tide hits "
            "writes it"
        )
        raise HitListFormatError(message)
    return table[list(COLUMNS)]
