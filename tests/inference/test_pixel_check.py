from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_tide.inference.pixel_check import PixelCheck, UnreadablePlane, check_pixels
from napari_tide.screens.assemble import assemble_screen

N_SITES = 8


def cells(seed, *, blur_px=0.0):
    """A field of bright discs on a dark ground, with camera noise."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:512, :512]
    field = np.full((512, 512), 200.0)
    for row, column in random.uniform(0, 512, (160, 2)):
        field += 3000.0 * ((rows - row) ** 2 + (columns - column) ** 2 < 12**2)
    if blur_px:
        field = gaussian_filter(field, blur_px)
    return (field + random.normal(0, 20, field.shape)).clip(0, 65534).astype(np.uint16)


@pytest.fixture
def screen(tmp_path):
    """Eight sharp fields of two stains and brightfield."""
    planes = []
    for site in range(1, N_SITES + 1):
        for channel in ("DAPI", "ER", "Brightfield"):
            name = f"{site}_{channel}.tif"
            tifffile.imwrite(tmp_path / name, cells(site))
            planes.append(("P1", "A01", site, channel, name))
    columns = ["plate", "well", "site", "label", "address"]
    return assemble_screen(
        pd.DataFrame(planes, columns=columns), root=tmp_path, format="test", source="here"
    )


def rewrite(screen, site, plane, channels=("DAPI", "ER")):
    for channel in channels:
        tifffile.imwrite(screen.root / f"{site}_{channel}.tif", plane)


def flags_of(check):
    return {site.site: site.flags for site in check.flagged}


def test_a_sound_screen_has_every_plane_read_and_no_flags(screen):
    seen = []
    check = check_pixels(screen, progress=lambda *counts: seen.append(counts))
    assert (check.planes, check.unreadable, check.flagged) == (24, (), ())
    assert check.is_complete
    assert check.sentence() == "all 24 planes can be read"
    assert seen == [(done, 8) for done in range(1, 9)]


def test_planes_that_cannot_be_read_are_listed_and_the_rest_goes_on(screen):
    content = (screen.root / "3_ER.tif").read_bytes()
    (screen.root / "3_ER.tif").write_bytes(content[: len(content) // 2])
    (screen.root / "5_DAPI.tif").unlink()
    (screen.root / "6_DAPI.tif").write_text("no image")
    check = check_pixels(screen)
    assert [plane.path for plane in check.unreadable] == [
        str(screen.root / name) for name in ("3_ER.tif", "5_DAPI.tif", "6_DAPI.tif")
    ]
    assert "is not there" in check.unreadable[1].reason
    assert (check.planes, check.is_complete) == (24, True)
    told = check.sentence()
    assert told.startswith("3 of 24 planes cannot be read, the first: ")
    assert told.endswith("; the others are fine")
    assert str(screen.root / "3_ER.tif") in told


def test_fields_that_look_wrong_are_flagged(screen):
    rewrite(screen, 1, np.zeros((512, 512), np.uint16))
    bright = cells(2)
    bright[bright > 3000] = 65535
    rewrite(screen, 2, bright, channels=("ER",))
    edge = cells(3)
    edge[:, :200] = 0
    rewrite(screen, 3, edge)
    check = check_pixels(screen)
    flags = flags_of(check)
    assert flags[1] == ("empty",)
    assert flags[2] == ("saturated",)
    assert "edge of well" in flags[3]
    assert {*flags} == {1, 2, 3}
    assert check.counts()["empty"] == 1
    assert check.counts()["saturated"] == 1


def test_blur_shows_against_the_rest_of_the_plate(screen):
    rewrite(screen, 4, cells(4, blur_px=2.0))
    assert flags_of(check_pixels(screen)) == {4: ("out of focus",)}


def test_transmitted_light_neither_flags_a_field_nor_clears_it(screen):
    rewrite(screen, 1, np.zeros((512, 512), np.uint16), channels=("Brightfield",))
    rewrite(screen, 2, np.zeros((512, 512), np.uint16))
    assert flags_of(check_pixels(screen)) == {2: ("empty",)}
    only_transmitted = screen.select(["Brightfield"])
    assert check_pixels(only_transmitted).flagged == ()


def test_a_cancelled_check_tells_what_it_has_read(screen):
    done = []
    check = check_pixels(
        screen, progress=lambda *counts: done.append(counts), is_cancelled=lambda: len(done) >= 2
    )
    assert not check.is_complete
    assert 0 < check.planes < 24


def test_all_planes_unreadable_leaves_none_that_are_fine():
    check = PixelCheck(1, (UnreadablePlane("a.tif", "a.tif is not there"),), (), is_complete=True)
    assert check.sentence() == "1 of 1 planes cannot be read, the first: a.tif is not there"
    assert asdict(check)["unreadable"] == ({"path": "a.tif", "reason": "a.tif is not there"},)
