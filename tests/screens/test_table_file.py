import gzip

import pandas as pd
import pytest

from napari_tide.errors import ScreenFormatError, ScreenMissingError
from napari_tide.screens.table_file import read_table_file

ROWS = [("well", "dose"), ("A01", "10 µM"), ("A02", "NA")]


def text_of(separator):
    return "\r\n".join(separator.join(row) for row in ROWS) + "\r\n"


@pytest.mark.parametrize("separator", [",", "\t", ";"], ids=["comma", "tab", "semicolon"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_tables_are_read_as_people_export_them(tmp_path, separator, encoding, packed):
    content = text_of(separator).encode(encoding)
    path = tmp_path / "map.txt"
    path.write_bytes(gzip.compress(content) if packed else content)
    table = read_table_file(path)
    assert list(table.columns) == ["well", "dose"]
    assert table["dose"].tolist() == ["10 µM", ""]


def test_parquet_gives_the_same_text_as_csv(tmp_path):
    table = pd.DataFrame(
        {"plate": [1.0, 2.0, None], "dose": [0.25, 10.0, None], "kind": ["a", None, "b"]}
    ).astype({"kind": "category"})
    table.to_parquet(tmp_path / "x.parquet")
    table.to_csv(tmp_path / "x.csv", index=False)
    text = read_table_file(tmp_path / "x.parquet")
    assert text["plate"].tolist() == ["1", "2", ""]
    assert text["dose"].tolist() == ["0.25", "10", ""]
    assert read_table_file(tmp_path / "x.csv")["kind"].tolist() == text["kind"].tolist()


def test_a_parquet_files_index_and_lists_are_read_as_text(tmp_path):
    table = pd.DataFrame(
        {"targets": [["A", "B"], None]}, index=pd.Index(["A01", "A02"], name="well")
    )
    table.to_parquet(tmp_path / "x.parquet")
    text = read_table_file(tmp_path / "x.parquet")
    assert text.to_numpy().tolist() == [["A01", "A|B"], ["A02", ""]]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.csv", b"", "is not a table"),
        ("x.csv", b"well,dose\n", "has no rows"),
        ("x.csv", b"well,dose\nA1,2\nA2,3,4\n", "is not a table"),
        ("x.csv", b"well,dose\nA1,2,3\nA2,3,4\n", "is not a table"),
        ("x.csv", b'well,dose\nA1,"2\n', "is not a table"),
        ("x.xlsx", b"PK\x03\x04rest", "Excel workbook"),
        ("x.csv", b"well\0\0\1,dose\nA1,2\n", "is not text"),
        ("x.csv.gz", gzip.compress(b"well,dose\nA1,2\n" * 99)[:40], "incomplete .gz"),
        ("x.parquet", b"not parquet", "cannot be read as Parquet"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(tmp_path, name, content, why):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ScreenFormatError, match=why):
        read_table_file(path)


def test_an_absent_table_is_named(tmp_path):
    with pytest.raises(ScreenMissingError, match=r"absent\.csv is not there"):
        read_table_file(tmp_path / "absent.csv")
