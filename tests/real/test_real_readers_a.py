import time

import pytest

from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import find_reader, read_screen
from napari_tide.screens.well import Well

pytestmark = pytest.mark.real


def opened(path, **options):
    return read_screen(path, ReadOptions(**options))


def test_br00143976_has_240_wells_of_9_sites_with_illumination(real):
    screen = opened(real / "load_data" / "BR00143976_concatenated_with_illum.csv.gz")
    assert screen.format == "load_data"
    assert (screen.sites["well"].nunique(), screen.n_sites) == (240, 2160)
    assert set(screen.channel_names) == {"DNA", "ER", "RNA", "AGP", "Mito", "Brightfield"}
    site = screen.site("BR00143976", Well.parse("C03"), 3)
    assert site.planes["DNA"].path.name == "r03c03f03p01-ch5sk1fk1fl1.tiff"
    assert site.illumination["DNA"].path.name == "BR00143976_IllumDNA.npy"
    assert len(screen.missing_files()) == 2160 * 6


def test_the_one_field_of_br00143976_that_is_here_is_found(real):
    table = real / "load_data" / "BR00143976_concatenated_with_illum.csv.gz"
    screen = opened(table, images=real / "images" / "br00143976_c03_s3")
    assert len(screen.missing_files()) == 2160 * 6 - 6


def test_br00135656_is_listed_in_two_seconds(real):
    start = time.perf_counter()
    screen = opened(real / "load_data" / "BR00135656_load_data_with_illum.csv.gz")
    assert time.perf_counter() - start < 2
    assert screen.channel_names == [
        "DNA", "ER", "RNA", "AGP", "Mito", "Brightfield_H", "Brightfield", "Brightfield_L",
    ]  # fmt: skip
    assert (screen.sites["well"].nunique(), screen.n_sites) == (384, 384 * 9)
    assert screen.plate("BR00135656").format.n_wells == 384


def test_the_load_data_table_beside_a_phenix_index_is_read_when_given_itself(real):
    table = real / "images" / "phenix_v1" / "load_data_version1.csv"
    screen = opened(table)
    assert (screen.format, screen.n_sites, screen.missing_files()) == ("load_data", 1, [])
    assert screen.pixel_size_um == pytest.approx(0.5979760809567617)
    assert find_reader(table).name == "load_data"
