import h5py
import numpy as np
import pytest

from napari_tide.transcriptomes import matrix_slices
from napari_tide.transcriptomes.matrix_slices import read_slice

LAYOUTS = {
    "contiguous": {},
    "rows": {"chunks": (1, 23)},
    "bands": {"chunks": (7, 23)},
    "tiles": {"chunks": (5, 4), "compression": "gzip"},
    "whole": {"chunks": (60, 23), "shuffle": True, "compression": "gzip"},
}


@pytest.fixture(params=[10**9, 40], ids=["large buffer", "buffer of ten numbers"])
def buffer(request, monkeypatch):
    monkeypatch.setattr(matrix_slices, "_BUFFER_BYTES", request.param)


@pytest.mark.usefixtures("buffer")
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_slice_of_any_layout_is_numpys(tmp_path, layout, dtype):
    rng = np.random.default_rng(5)
    matrix = rng.integers(-900, 900, (60, 23)).astype(dtype)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        dataset = file.create_dataset("m", data=matrix, **LAYOUTS[layout])
        for n_rows, n_columns in [(1, 1), (60, 23), (10, 23), (60, 3), (30, 11), (0, 3), (3, 0)]:
            rows = np.sort(rng.choice(60, n_rows, replace=False))
            columns = np.sort(rng.choice(23, n_columns, replace=False))
            got = read_slice(dataset, rows=rows, columns=columns)
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, matrix[np.ix_(rows, columns)])


def test_chunks_are_read_once_and_untouched_chunks_not_at_all(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        dataset = file.create_dataset("m", data=np.zeros((100, 8), "f4"), chunks=(10, 8))
        asked = []
        original = h5py.Dataset.__getitem__
        monkeypatch.setattr(
            h5py.Dataset, "__getitem__", lambda self, key: asked.append(key) or original(self, key)
        )
        read_slice(dataset, rows=np.array([3, 5, 17, 64, 66]), columns=np.arange(8))
    assert asked == [(slice(3, 18), slice(0, 8)), (slice(64, 67), slice(0, 8))]
