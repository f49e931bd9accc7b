import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_tide.discovery.hit_table import (
    COLUMNS,
    escape_text,
    read_hits,
    unescape_text,
    write_hits,
)
from napari_tide.errors import HitListFormatError, HitListMissingError, OutputWriteError


def hits(**texts):
    row = dict.fromkeys(COLUMNS, "") | {
        "rank": 1, "compound": "imatinib", "smiles": "CCO", "dose_um": 2.5, "gene": "ABL1",
        "score": -0.123456789, "direction": "anti-match", "p_value": 0.0001, "q_value": 0.03,
        "p_drug": np.nan, "n_replicates": 8,
    }  # fmt: skip
    return pd.DataFrame([row | texts])[list(COLUMNS)]


def test_the_columns_are_those_users_were_promised():
    assert ", ".join(COLUMNS) == (
        "rank, compound, smiles, dose_um, gene, score, direction, p_value, q_value, p_drug, "
        "n_replicates, plates, wells, known_target, flags, student, date"
    )


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+x",
        "-x",
        "@x",
        "\tx",
        "\rx",
        "'=x",
        "''@x",
        "'plain",
        "NA",
        "a,b",
        'a"b',
        "a\nb",
        '=HYPERLINK("http://x","y")',
        '-1+1, "a"\nb',
        "",
    ],
)
def test_any_name_comes_back_as_it_was(tmp_path, ending, name):
    path = tmp_path / f"hits{ending}"
    write_hits(hits(compound=name), path)
    back = read_hits(path)
    assert back["compound"].tolist() == [name]
    assert back["score"][0] == pytest.approx(-0.123457, rel=1e-5)
    assert back["rank"].dtype == np.int64
    assert np.isnan(back["p_drug"][0])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_a_csv_file_starts_as_a_formula(tmp_path, start):
    path = tmp_path / "hits.csv"
    texts = {"compound": f'{start}cmd, "a"\nb', "flags": f"{start}x", "smiles": f"{start}C"}
    write_hits(hits(**texts), path)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name: row[name] for name in texts} == {n: f"'{text}" for n, text in texts.items()}
    assert None not in row  # no text was cut into cells of its own
    assert row["score"] == "-0.123457"  # a number is no formula


@given(st.text())
def test_escaping_loses_nothing_and_leaves_no_formula(text):
    escaped = escape_text(text)
    assert unescape_text(escaped) == text
    assert not escaped.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_nothing_is_left_where_the_file_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputWriteError, match="choose another --out"):
        write_hits(hits(), tmp_path / "file" / "hits.csv")
    with pytest.raises(OutputWriteError, match="ends in neither"):
        write_hits(hits(), tmp_path / "hits.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_no_hit_list_is_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("rank,name\n1,x\n")
    with pytest.raises(HitListFormatError, match="no column compound, smiles, dose_um, gene"):
        read_hits(path)
    (tmp_path / "hits.parquet").write_text("no parquet")
    with pytest.raises(HitListFormatError, match=r"hits.parquet cannot be read as a hit list"):
        read_hits(tmp_path / "hits.parquet")
    with pytest.raises(HitListMissingError, match="tide hits"):
        read_hits(tmp_path / "nowhere.csv")
