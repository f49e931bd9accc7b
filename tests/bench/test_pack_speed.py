import numpy as np

from tide_train.bench import pack_speed


def test_both_sides_read_the_same_tiles(tmp_path):
    pack = pack_speed._write_pack(tmp_path / "pack", 300, 8)
    array = pack_speed._write_zarr(tmp_path / "zarr", pack)
    rows = np.array([299, 0, 255, 256, 0])
    np.testing.assert_array_equal(pack.read(rows), np.stack([array[int(row)] for row in rows]))
    assert pack.read(rows).std() > 50


def test_reads_are_measured():
    row = pack_speed.time_pack_reads(n_tiles=20, n_reads=4, side_px=8, n_rounds=1)
    assert row.what == "4 tiles of 5 x 8 x 8 in random order"
    assert row.is_met
