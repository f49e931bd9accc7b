import tracemalloc

import h5py
import numpy as np

from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.gctx_layout import GENE_GROUP, MATRIX, SAMPLE_GROUP
from tide_train.bench.expression_slices import time_expression_slices


def test_the_timing_compares_equal_slices_of_every_layout(tmp_path):
    rows = time_expression_slices(tmp_path, n_samples=200, n_genes=30, n_read=20)
    assert [row[:2] for row in rows[:3]] == [
        ("contiguous", "napari-tide"),
        ("contiguous", "h5py_fancy"),
        ("contiguous", "h5py_row_by_row"),
    ]
    assert len(rows) == 12
    assert all(seconds > 0 for _, _, seconds, _ in rows)
    assert list(tmp_path.iterdir()) == []


def test_a_slice_of_a_large_file_takes_little_memory(tmp_path):
    n_samples, n_genes = 20_000, 12_328  # a gigabyte, were it read
    with h5py.File(tmp_path / "large.gctx", "w") as file:
        file.create_dataset(MATRIX, (n_samples, n_genes), "f4", chunks=(4, n_genes), fillvalue=2)
        file[f"{SAMPLE_GROUP}/id"] = np.arange(n_samples).astype("S")
        file[f"{GENE_GROUP}/id"] = np.arange(n_genes).astype("S")
    tracemalloc.start()
    try:
        opened = open_expression(tmp_path / "large.gctx")
        table = opened.read(samples=np.arange(0, n_samples, 200), genes=np.arange(0, n_genes, 13))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert table.values.shape == (100, 949)
    assert (table.values == 2).all()
    assert peak < 60e6
