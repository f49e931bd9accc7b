import time

import pytest

from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import find_reader, read_screen
from napari_tide.screens.summary import summarise_screen
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


def test_phenix_v1_is_plate_br00121482_well_a01(real):
    screen = opened(real / "images" / "phenix_v1")
    assert (screen.format, screen.plate_names, screen.n_sites) == ("phenix", ["BR00121482"], 1)
    assert screen.sites["well"].tolist() == ["A01"]
    assert set(screen.channel_names) == {"DNA", "ER", "RNA", "AGP", "Mito", "Brightfield"}
    assert screen.pixel_size_um == pytest.approx(0.598, abs=1e-3)
    assert screen.plate("BR00121482").format.n_wells == 384
    assert screen.missing_files() == []
    site = screen.site("BR00121482", Well(0, 0), 1)
    assert site.planes["DNA"].path.name == "r01c01f01p01-ch5sk1fk1fl1.tiff"
    assert str(site.illumination["DNA"]).endswith("phenix_v1/Index.idx.xml#channel=5")
    assert "Brightfield" not in site.illumination


def test_phenix_v7_is_a_96_well_plate_whose_7_images_are_absent(real):
    screen = opened(real / "images" / "phenix_v7_index_only")
    assert screen.plate(screen.plate_names[0]).format.n_wells == 96
    assert set(screen.channel_names) == {
        "DNA", "ER", "RNA", "AGP", "Actin", "Mito", "Brightfield",
    }  # fmt: skip
    assert len(screen.missing_files()) == 7
    site = screen.site(screen.plate_names[0], Well(0, 0), 1)
    assert set(site.illumination) == {"ER", "RNA", "DNA"}


def test_jump_dense_is_well_a11_in_five_channels(real):
    screen = opened(real / "images" / "jump_dense_5ch")
    assert (screen.format, screen.sites["well"].tolist()) == ("file_names", ["A11"])
    assert screen.channel_names == ["ch1", "ch2", "ch3", "ch4", "ch5"]
    assert screen.missing_files() == []
    assert (
        "the stain of ch1, ch2, ch3, ch4, ch5 is not known" in summarise_screen(screen).warnings[0]
    )
    named = opened(real / "images" / "jump_dense_5ch", channels={"ch1": "DNA"})
    assert named.channel_names[0] == "DNA"


def test_one_file_per_named_stain_is_one_site(real):
    screen = opened(real / "images" / "named_5ch_520x696")
    assert (screen.format, screen.n_sites) == ("file_names", 1)
    assert set(screen.channel_names) == {"DNA", "ER", "RNA", "AGP", "Mito"}
    assert screen.missing_files() == []


def test_the_field_beside_its_outlines_is_one_site_of_six_channels(real):
    screen = opened(real / "images" / "br00143976_c03_s3")
    assert (screen.n_sites, len(screen.channels)) == (1, 6)
    assert screen.sites[["well", "site"]].to_numpy().tolist() == [["C03", 3]]
    assert screen.missing_files() == []
    assert screen.warnings[0].startswith("2 of 8 images have other names")
