import subprocess
import sys
import textwrap
import time

import h5py
import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ExpressionValueError, OutputWriteError
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx


def small_table(**columns):
    samples = pd.DataFrame(
        {"compound": ["a", None, "µ"], "dose_um": [10.0, np.nan, 0.04], "time_h": [24, 6, 24]},
        index=["s1", "s2", "s3"],
    ).assign(**columns)
    genes = pd.DataFrame({"symbol": ["TP53", "MYC"], "is_landmark": [True, False]}, ["7157", "46"])
    return ExpressionTable(np.arange(6, dtype=np.float32).reshape(3, 2), samples, genes, "4")


def test_a_written_file_has_the_layout_other_readers_expect(tmp_path):
    write_gctx(small_table(), tmp_path / "t.gctx")
    with h5py.File(tmp_path / "t.gctx") as file:
        assert file.attrs["version"] == b"GCTX1.0"
        assert file["/0/DATA/0/matrix"][:].tolist() == [[0, 1], [2, 3], [4, 5]]
        assert file["/0/META/COL/id"][:].tolist() == [b"s1", b"s2", b"s3"]
        assert file["/0/META/COL/compound"][:].tolist() == [b"a", b"-666", "µ".encode()]
        assert file["/0/META/COL/time_h"].dtype == np.int64
        assert file["/0/META/ROW/id"][:].tolist() == [b"7157", b"46"]
        assert file["/0/META/ROW/is_landmark"][:].tolist() == [1, 0]
        np.testing.assert_array_equal(file["/0/META/COL/dose_um"][:], [10.0, np.nan, 0.04])


def test_expression_takes_less_room_than_its_numbers_and_comes_back_the_same(tmp_path):
    values = np.random.default_rng(0).normal(8, 1, (300, 978)).astype(np.float32)
    samples = pd.DataFrame(index=[f"s{n}" for n in range(300)])
    genes = pd.DataFrame({"symbol": [f"G{n}" for n in range(978)]}, index=map(str, range(978)))
    write_gctx(ExpressionTable(values, samples, genes, "4"), tmp_path / "t.gctx")
    with h5py.File(tmp_path / "t.gctx") as file:
        np.testing.assert_array_equal(file["/0/DATA/0/matrix"][:], values)
    assert (tmp_path / "t.gctx").stat().st_size < 0.95 * values.nbytes


def test_the_same_table_gives_the_same_bytes_later(tmp_path):
    write_gctx(small_table(), tmp_path / "a.gctx")
    time.sleep(1.1)
    write_gctx(small_table(), tmp_path / "b.gctx")
    assert (tmp_path / "a.gctx").read_bytes() == (tmp_path / "b.gctx").read_bytes()


def test_nullable_and_categorical_columns_are_stored(tmp_path):
    counts = pd.array([1, None, 3], dtype="Int64")
    lines = pd.Categorical(["A549", "MCF7", None])
    write_gctx(small_table(count=counts, line=lines), tmp_path / "t.gctx")
    with h5py.File(tmp_path / "t.gctx") as file:
        np.testing.assert_array_equal(file["/0/META/COL/count"][:], [1, np.nan, 3])
        assert file["/0/META/COL/line"][:].tolist() == [b"A549", b"MCF7", b"-666"]


@pytest.mark.parametrize("name", ["a/b", "id", ""])
def test_a_column_that_the_layout_cannot_name_is_refused(tmp_path, name):
    with pytest.raises(ExpressionValueError, match="cannot be stored as"):
        write_gctx(small_table(**{name: 1}), tmp_path / "t.gctx")
    assert not list(tmp_path.iterdir())


def test_text_with_a_nul_is_refused(tmp_path):
    with pytest.raises(ExpressionValueError, match="'note' holds text with a NUL"):
        write_gctx(small_table(note="a\0b"), tmp_path / "t.gctx")


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match=r"cannot write .*t\.gctx"):
        write_gctx(small_table(), tmp_path / "file" / "t.gctx")


def test_a_full_disk_keeps_the_file_that_was_there(tmp_path):
    target = tmp_path / "t.gctx"
    target.write_bytes(b"before")
    script = f"""
        import resource, numpy as np, pandas as pd
        from pathlib import Path
        from napari_tide.errors import OutputWriteError
        from napari_tide.transcriptomes.expression_table import ExpressionTable
        from napari_tide.transcriptomes.gctx_writer import write_gctx
        n = 2000
        values = np.random.default_rng(0).random((n, n), np.float32)
        samples = pd.DataFrame(index=np.arange(n).astype(str))
        genes = pd.DataFrame({{"symbol": "g"}}, index=np.arange(n).astype(str))
        table = ExpressionTable(values, samples, genes, "")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        try:
            write_gctx(table, Path({str(target)!r}))
        except OutputWriteError as error:
            print(error)
    """
    run = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"cannot write {target}: File too large"), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["t.gctx"]
    assert target.read_bytes() == b"before"
