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
    monkeypatch.setattr(matrix_slices, "_GAP_BYTES", request.param)


@pytest.mark.usefixtures("buffer")
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cache_bytes", [0, 2**20])
def test_any_slice_of_any_layout_is_numpys(tmp_path, layout, dtype, cache_bytes):
    rng = np.random.default_rng(5)
    matrix = rng.integers(-900, 900, (60, 23)).astype(dtype)
    with h5py.File(tmp_path / "m.h5", "w", rdcc_nbytes=cache_bytes) as file:
        dataset = file.create_dataset("m", data=matrix, **LAYOUTS[layout])
        for n_rows, n_columns in [(1, 1), (60, 23), (10, 23), (60, 3), (30, 11), (0, 3), (3, 0)]:
            rows = np.sort(rng.choice(60, n_rows, replace=False))
            columns = np.sort(rng.choice(23, n_columns, replace=False))
            got = read_slice(dataset, rows=rows, columns=columns)
            assert got.dtype == np.float32
            np.testing.assert_array_equal(got, matrix[np.ix_(rows, columns)])


@pytest.mark.parametrize(
    ("cache_bytes", "expected"),
    [
        # 5 is near 3, 8 and 11 are near enough to be read together, 17 and 21 are not
        (2**20, [slice(3, 12), slice(17, 18), slice(21, 23), slice(27, 28), slice(64, 67)]),
        # chunks that HDF5 would fetch again are read in one go: 11 to 17, 21 to 27
        (0, [slice(3, 18), slice(21, 28), slice(64, 67)]),
    ],
    ids=["cached", "not cached"],
)
def test_chunks_are_fetched_once_and_untouched_chunks_not_at_all(
    tmp_path, monkeypatch, cache_bytes, expected
):
    rows = np.array([3, 5, 8, 11, 17, 21, 22, 27, 64, 66])
    monkeypatch.setattr(matrix_slices, "_GAP_BYTES", 3 * 8 * 4)
    with h5py.File(tmp_path / "m.h5", "w", rdcc_nbytes=cache_bytes) as file:
        dataset = file.create_dataset("m", data=np.zeros((100, 8), "f4"), chunks=(10, 8))
        asked = []
        original = h5py.Dataset.__getitem__
        monkeypatch.setattr(
            h5py.Dataset, "__getitem__", lambda self, key: asked.append(key) or original(self, key)
        )
        read_slice(dataset, rows=rows, columns=np.arange(8))
    assert [key[0] for key in asked] == expected
