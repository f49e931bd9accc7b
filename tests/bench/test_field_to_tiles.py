import sys

import numpy as np
import pytest
import tifffile

from napari_tide.errors import MissingExtraError
from tide_train.bench.field_to_tiles import time_field_to_tiles, write_cell_like_planes
from tide_train.bench.speed_row import SpeedRow, compare_speed


def test_simulated_planes_compress_as_a_microscope_s_do(tmp_path):
    first, second = write_cell_like_planes(tmp_path, n_channels=2)
    with tifffile.TiffFile(first) as tiff:
        page = tiff.pages[0]
        assert (page.compression.name, page.rowsperstrip, page.dtype) == ("LZW", 1080, np.uint16)
    # real LZW planes of this size have 1.7 to 2.3 MB
    assert 1.2e6 < first.stat().st_size < 2.4e6
    assert not np.array_equal(tifffile.imread(first), tifffile.imread(second))


def test_both_sides_run_on_files_of_the_user_s(tmp_path):
    rows = time_field_to_tiles(write_cell_like_planes(tmp_path, n_channels=2), n_rounds=1)
    assert ["16 tiles" in rows[0].what, "9 tiles" in rows[1].what] == [True, True]
    for row in rows:
        assert "2 planes of 1080 x 1080" in row.what
        assert "INTER_AREA" in row.peer
        assert row.ratio == pytest.approx(row.ours_s / row.peer_s)
        assert 0.05 < row.ratio < 20


def test_ratios_are_taken_round_by_round(monkeypatch):
    clock = iter([0, 2, 10, 11, 20, 26, 30, 32, 40, 41, 50, 54])
    monkeypatch.setattr("tide_train.bench.speed_row.time.perf_counter", lambda: next(clock))
    row = compare_speed(
        lambda: None, lambda: None, what="w", peer_name="p", goal=2.5, n_rounds=3
    )  # fmt: skip
    # seconds 2/1, 6/2, 1/4
    assert row == SpeedRow("w", 2, "p", 2, 2.0, 2.5, (0.25, 3.0))
    assert row.is_met
    assert not SpeedRow("w", 3, "p", 1, 3.0, 2.5).is_met


def test_without_opencv_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match="pip install opencv-python-headless"):
        time_field_to_tiles([])
