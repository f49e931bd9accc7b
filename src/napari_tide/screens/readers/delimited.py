"""Delimited text as people have it: gzipped or not, any of the usual encodings and separators."""

from __future__ import annotations

import gzip
import io
import warnings
import zlib
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError

_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = (",", "\t", ";")


def read_delimited(path: Path) -> pd.DataFrame:
    """Read a table in which every value is text, just as it stands; absent ones are empty.

    Raises
    ------
    ScreenFormatError
        The file is not text, is cut short, is empty, or its rows do not fit its header.
    """
    text = _decoded(_content(path), path)
    header = text.lstrip("\n").split("\n", 1)[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO(text),
                sep=max(_SEPARATORS, key=header.count),
                dtype=object,
                keep_default_na=False,
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        reason = str(error).strip().splitlines()[0]
        message = f"{path} is not a table of comma-separated values ({reason}); export it again"
        raise ScreenFormatError(message) from error
    table.columns = [str(name).strip() for name in table.columns]
    return table.fillna("")


def first_line(path: Path) -> str:
    """Give the header line of a text file, or nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            packed = file.peek(2)[:2] == _GZIP_MAGIC
            with gzip.open(file) if packed else file as plain:
                line = plain.readline(1 << 20)
    except (OSError, EOFError, zlib.error):
        return ""
    if line[:2] in _UTF16_MARKS:
        return (line + b"\0").decode("utf-16", "replace").strip()
    return line.decode("utf-8-sig", "replace").strip()


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == _GZIP_MAGIC else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"{path} is a damaged or incomplete .gz file ({error}); copy it again"
        raise ScreenFormatError(message) from error
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror or error}); check the file"
        raise ScreenFormatError(message) from error


def _decoded(content: bytes, path: Path) -> str:
    if content[:2] in _UTF16_MARKS:
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text:
        message = f"{path} is not text; expected a table of comma-separated values"
        raise ScreenFormatError(message)
    return text.replace("\r\n", "\n").replace("\r", "\n")
