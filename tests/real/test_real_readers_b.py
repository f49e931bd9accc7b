import pytest

from napari_tide.screens.readers import rxrx
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.well import Well

pytestmark = pytest.mark.real


def test_an_rxrx1_well_reads_with_its_six_stains(real):
    screen = read_screen(real / "images" / "rxrx1_hepg2_08_1_b02", ReadOptions())
    assert (screen.format, screen.n_sites, screen.plate_names) == ("rxrx", 1, ["HEPG2-08_1"])
    assert screen.channel_names == ["DNA", "ER", "Actin", "RNA", "Mito", "Golgi"]
    assert screen.plate("HEPG2-08_1").wells == (Well.parse("B02"),)
    assert screen.sites[["batch", "cell_line"]].iloc[0].tolist() == ["HEPG2-08", "HEPG2"]
    assert screen.missing_files() == []


@pytest.mark.parametrize(
    "folder",
    [
        "phenix_v1",
        "phenix_v7_index_only",
        "jump_dense_5ch",
        "br00143976_c03_s3",
        "named_5ch_520x696",
    ],
)
def test_other_instruments_folders_are_left_to_other_readers(real, folder):
    assert not rxrx.claims(real / "images" / folder)
