import json
from dataclasses import asdict

import pandas as pd
import pytest

from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.open_screen import annotate_screen
from napari_tide.screens.summary import summarise_screen


def screen_of(tmp_path, *, labels=("DAPI", "ER"), plates=("P1", "P2"), extra=None):
    planes = [
        (plate, well, site, label, f"{plate}_{well}_{site}_{label}.tif")
        for plate in plates
        for well in ("A01", "A02", "A03", "A04")
        for site in (1, 2)
        for label in labels
    ]
    columns = ["plate", "well", "site", "label", "address"]
    return assemble_screen(
        pd.DataFrame(planes, columns=columns), root=tmp_path, format="test", source="here",
        extra=extra, pixel_size_um=0.598,
    )  # fmt: skip


@pytest.fixture
def plate_map(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text(
        "plate,well,drug,gene,dose,control\n"
        "P1,A1,a,,1,\nP1,A2,a,,10,\nP1,A3,DMSO,,10,\nP1,A4,,PLK1,,\n"
        "P2,A1,a,,1,\nP2,A2,b,,3,poscon\nP2,A3,DMSO,,,\nP2,A4,,MTOR,,\n"
    )
    return path


def test_counts_are_of_wells_over_all_plates(tmp_path, plate_map):
    summary = summarise_screen(annotate_screen(screen_of(tmp_path), plate_map=plate_map))
    assert (summary.plates, summary.wells, summary.sites) == (2, 8, 16)
    assert summary.plate_names == ["P1", "P2"]
    assert summary.channels == ["DNA", "ER"]
    assert summary.compounds == 2
    assert summary.genes == 2
    assert summary.dose_values_um == [1.0, 3.0, 10.0]
    assert summary.doses == 3
    assert summary.controls == {"negcon": 2, "poscon": 1}
    assert summary.pixel_size_um == 0.598


def test_missing_files_are_counted_and_the_first_is_named(tmp_path, plate_map):
    for site in (1, 2):
        (tmp_path / f"P1_A01_{site}_DAPI.tif").touch()
    summary = summarise_screen(annotate_screen(screen_of(tmp_path), plate_map=plate_map))
    assert summary.missing_files == 30
    first = tmp_path / "P1_A01_1_ER.tif"
    assert len(summary.warnings) == 1
    assert summary.warnings[0].startswith(f"30 image files missing, the first is {first}; give")


@pytest.mark.parametrize(
    ("labels", "warning"),
    [
        (
            ("ER", "Mito"),
            "no DNA channel among ER, Mito; if one is, name it with --channels ER=DNA",
        ),
        (("DAPI", "ch6"), "the stain of ch6 is not known; name it with --channels ch6=NAME, such"),
    ],
)
def test_channels_that_later_steps_need_are_asked_for(tmp_path, labels, warning):
    assert warning in " ".join(summarise_screen(screen_of(tmp_path, labels=labels)).warnings)


def test_a_screen_without_map_or_without_negative_controls_says_so(tmp_path):
    screen = annotate_screen(screen_of(tmp_path))
    assert "no well has a treatment or control; name them in a plate map (--platemap)" in (
        summarise_screen(screen).warnings
    )
    treated = annotate_screen(screen.with_sites(screen.sites.assign(compound="a")))
    assert "no negative control among the wells" in " ".join(summarise_screen(treated).warnings)


def test_the_summary_is_json(tmp_path, plate_map):
    summary = summarise_screen(annotate_screen(screen_of(tmp_path), plate_map=plate_map))
    again = json.loads(json.dumps(asdict(summary), allow_nan=False))
    assert again == asdict(summary)
    assert set(again) >= {
        "format", "plates", "wells", "sites", "channels", "pixel_size_um", "compounds", "genes",
        "doses", "controls", "missing_files", "warnings",
    }  # fmt: skip
