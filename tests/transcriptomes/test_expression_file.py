import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.errors import (
    ExpressionFormatError,
    ExpressionMissingError,
    ExpressionValueError,
)
from napari_tide.transcriptomes import expression_file
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx
from napari_tide.transcriptomes.metadata_values import is_missing_text

N, G = 9, 5
VALUES = np.arange(N * G, dtype=np.float32).reshape(N, G) - 20
SAMPLES = pd.DataFrame({"compound": list("aabbccdde")}, index=[f"s{i}" for i in range(N)])
GENES = pd.DataFrame(
    {"symbol": ["A", "B", "C", "D", "D"], "is_landmark": [1, 0, 1, 0, 0]},
    index=["10", "11", "12", "13", "14"],
)


@pytest.fixture
def path(tmp_path):
    write_gctx(ExpressionTable(VALUES, SAMPLES, GENES, "4"), tmp_path / "t.gctx")
    return tmp_path / "t.gctx"


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        (None, range(N)),
        ([6, 2, 4], [2, 4, 6]),
        ([4, 4, 1], [1, 4]),
        (["s6", "s2"], [2, 6]),
        (slice(7, 1, -3), [4, 7]),
        (range(3), [0, 1, 2]),
        (np.arange(N) % 2 == 0, [0, 2, 4, 6, 8]),
        ([False] * 8 + [True], [8]),
        (pd.array([pd.NA, True, *[False] * 7], dtype="boolean"), [1]),
        (pd.Index(["s8"]), [8]),
        ([], []),
    ],
    ids=str,
)
def test_a_slice_comes_in_file_order(path, wanted, rows):
    table = open_expression(path).read(samples=wanted)
    np.testing.assert_array_equal(table.values, VALUES[list(rows)])
    assert list(table.samples.index) == [f"s{row}" for row in rows]


def test_a_slice_comes_as_asked_where_order_is_kept(path):
    file = open_expression(path)
    table = file.read(samples=["s6", "s2"], genes=["C", "10"], keep_order=True)
    np.testing.assert_array_equal(table.values, VALUES[np.ix_([6, 2], [2, 0])])
    assert list(table.samples.index) == ["s6", "s2"]
    assert list(table.genes["symbol"]) == ["C", "A"]
    with pytest.raises(ExpressionValueError, match="sample 's1' is listed twice"):
        file.read(samples=[1, 1], keep_order=True)


def test_a_mask_made_from_the_samples_selects_them(path):
    file = open_expression(path)
    table = file.read(samples=file.samples["compound"] == "c", genes=file.landmarks())
    np.testing.assert_array_equal(table.values, VALUES[np.ix_([4, 5], [0, 2])])
    assert table.level == "4"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"genes": ["TP53"]}, r"no gene 'TP53' in the file. Available: \['A', 'B'"),
        ({"genes": ["D"]}, r"'D' stands for \['13', '14'\]; ask by gene id"),
        ({"genes": "A"}, r"'A' is one gene; ask for a list"),
        ({"samples": ["s0", "s99"]}, r"no sample 's99' in the file"),
        ({"samples": [0, 9]}, "no sample at position 9; the file has 9"),
        ({"samples": [-1]}, "no sample at position -1"),
        ({"samples": [True, False]}, "a mask of 2 values does not fit 9 samples"),
        ({"samples": np.zeros((2, 2), int)}, "has one dimension, not 2"),
    ],
    ids=str,
)
def test_what_is_not_there_is_one_sentence(path, asked, said):
    with pytest.raises(ExpressionValueError, match=said):
        open_expression(path).read(**asked)


def test_minus_666_is_missing_and_its_neighbours_are_not(tmp_path):
    values = np.array([[-666, -666.001], [-665.99994, 666]], np.float32)
    table = ExpressionTable(values, SAMPLES[:2], GENES[:2], "")
    write_gctx(table, tmp_path / "t.gctx")
    values[0, 0] = np.nan
    np.testing.assert_array_equal(open_expression(tmp_path / "t.gctx").read().values, values)


def test_opening_reads_no_values(path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError

    monkeypatch.setattr("napari_tide.transcriptomes.gctx.read_slice", refuse)
    assert open_expression(path).n_samples == N


def test_a_slice_too_large_for_memory_is_refused_before_it_is_read(path, monkeypatch):
    memory = type("Memory", (), {"available": 100})
    monkeypatch.setattr(expression_file.psutil, "virtual_memory", lambda: memory)
    file = open_expression(path)
    with pytest.raises(ExpressionValueError, match=r"9 samples x 5 genes .* are free; read fewer"):
        file.read()
    assert file.read(samples=[0]).n_samples == 1


def test_files_that_are_not_what_their_name_says(tmp_path, path):
    cases = {
        "text.gctx": (b"#1.3\n1\t1\t0\t0\n", "is text, but a .gctx file is HDF5.*rename it to"),
        "noise.gctx": (b"\0\1\2\3" * 9, "is not HDF5, but"),
        "cut.gctx": (path.read_bytes()[:3000], "damaged or cut short"),
        "t.gct": (path.read_bytes(), "is HDF5, but a .gct file is text; rename it to .gctx"),
        "empty.gctx": (b"", "is empty"),
        "empty.gct": (b"", "is empty"),
        "t.csv": (b"a,b\n1,2\n", "is neither GCT .* nor GCTX"),
    }
    for name, (content, said) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ExpressionFormatError, match=said):
            open_expression(tmp_path / name)


def test_absent_files_and_folders_are_one_sentence(tmp_path):
    with pytest.raises(ExpressionMissingError, match=r"none\.gctx is not there"):
        open_expression(tmp_path / "none.gctx")
    with pytest.raises(ExpressionFormatError, match="cannot be read"):
        open_expression(tmp_path)


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(name, values):
    def change(file):
        del file[name]
        if values is not None:
            file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (replaced("/0/DATA/0/matrix", None), "HDF5 but not GCTX: it has no /0/DATA/0/matrix"),
        (replaced("/0/DATA/0/matrix", VALUES.T), r"names 9 samples and 5 genes.* is 5 x 9"),
        (replaced("/0/DATA/0/matrix", np.arange(3.0)), r"matrix of shape \(3,\)"),
        (replaced("/0/DATA/0/matrix", [[b"a"]]), "expected numbers, samples by genes"),
        (replaced("/0/META/ROW", None), "has no /0/META/ROW/id"),
        (replaced("/0/META/COL/id", [b"s"] * N), "names sample 's' more than once"),
        (replaced("/0/META/ROW/id", [7] * G), "names gene '7' more than once"),
        (replaced("/0/META/COL/compound", [b"a"]), "1 values of compound for 9 samples"),
    ],
)
def test_hdf5_that_breaks_the_layout_is_one_sentence(path, change, said):
    with pytest.raises(ExpressionFormatError, match=said):
        open_expression(changed(path, change))


def test_text_of_any_hdf5_kind_is_read(path):
    def change(file):
        column = file["/0/META/COL"]
        column["fixed_latin1"] = np.array(["10 µM".encode("latin-1")] * N)
        column["variable"] = ["10 µM"] * N
        column["number"] = np.array([b"5", b"-666", *[b"7"] * 7])
        column["a_group/inside"] = 1
        replaced("/0/META/ROW/id", np.arange(G))(file)

    file = open_expression(changed(path, change))
    assert set(file.samples["fixed_latin1"]) == set(file.samples["variable"]) == {"10 µM"}
    np.testing.assert_array_equal(file.samples["number"], [5, np.nan, *[7] * 7])
    assert list(file.genes.index) == list("01234")


def test_damage_anywhere_gives_our_error_or_a_table(path):
    content = path.read_bytes()
    rng = np.random.default_rng(3)
    refused = []
    for _ in range(150):
        bad = bytearray(content)
        place = int(rng.integers(0, len(bad)))
        bad[place : place + 8] = rng.bytes(len(bad[place : place + 8]))
        path.write_bytes(bad)
        try:
            open_expression(path).read()
        except ExpressionFormatError as error:
            refused.append(str(error))
    assert refused
    assert all(str(path) in message for message in refused)


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
ids = st.text("abcXYZ019:_-", min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_reads_back(tmp_path_factory, data):
    sample_ids = data.draw(st.lists(ids, unique=True, max_size=5))
    gene_ids = data.draw(st.lists(ids, unique=True, max_size=4))
    n, g = len(sample_ids), len(gene_ids)
    numbers = st.floats(width=32, allow_infinity=False).filter(lambda x: x != -666)
    values = [data.draw(st.lists(numbers, min_size=g, max_size=g)) for _ in range(n)]
    samples = pd.DataFrame(
        {
            "compound": data.draw(st.lists(text, min_size=n, max_size=n)),
            "count": np.arange(n),
            "score": np.linspace(-1, 1, n),
        },
        index=pd.Index(sample_ids, dtype=object),
    )
    genes = pd.DataFrame({"symbol": gene_ids}, index=pd.Index(gene_ids, dtype=object))
    table = ExpressionTable(np.array(values, np.float32).reshape(n, g), samples, genes, "3")
    path = tmp_path_factory.mktemp("round") / "t.gctx"
    write_gctx(table, path)
    again = open_expression(path).read()
    np.testing.assert_array_equal(again.values, table.values)
    assert list(again.samples.index) == sample_ids
    assert list(again.genes.index) == gene_ids
    np.testing.assert_array_equal(again.samples[["count", "score"]], samples[["count", "score"]])
    kept = [name.strip() for name in samples["compound"]]
    assert list(again.samples["compound"]) == [
        "" if is_missing_text(name) else name for name in kept
    ]
    assert again.level == "3"
