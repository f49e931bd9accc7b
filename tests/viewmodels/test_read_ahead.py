"""Which fields are read before anybody asks for them, and that nobody waits for it."""

import numpy as np
import pandas as pd
import pytest

from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels import field_planes
from napari_tide.viewmodels.field_planes import read_field
from napari_tide.viewmodels.likely_places import likely_places
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.read_ahead import ReadAhead
from napari_tide.viewmodels.recent_fields import RecentFields
from napari_tide.viewmodels.session import Session

N_CHANNELS = 3
FIELD_BYTES = N_CHANNELS * 64 * 64 * 2


class Pages:
    """A background that goes on a page at a time, as a thread would between two planes."""

    def __init__(self):
        self.jobs = []

    def start(self, work, *, on_step, on_done, on_failed, token):
        self.jobs.append((work(), on_step))

    def turn(self, n=1000):
        """Take steps of the last job; gives how many there were."""
        steps, on_step = self.jobs[-1]
        for taken in range(n):
            try:
                step = next(steps)
            except StopIteration:
                return taken
            on_step(step)
        return n


@pytest.fixture
def plate(session):
    return PlateViewModel(session)


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture
def ahead(session, plate, pages):
    return ReadAhead(session, plate, recent=RecentFields(), background=pages)


@pytest.fixture
def read(monkeypatch):
    """The planes that were read, as they are."""
    paths, read_plane = [], field_planes.read_plane

    def reading(address):
        paths.append(address.path.name)
        return read_plane(address)

    monkeypatch.setattr(field_planes, "read_plane", reading)
    return paths


def site_of(session, name, number=1):
    return session.screen.site("P1", Well.parse(name), number)


def wells(places):
    return [place.well.name for place in places]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["C03"], ["C05", "C02", "D03", "B03"]),
        (["C02", "C03"], ["C05", "C02", "D03", "B03"]),
        (["C05", "C03"], ["C02", "C05", "D03", "B03"]),
        (["D03", "C03"], ["B03", "C05", "C02", "D03"]),
        (["B03", "C03"], ["D03", "C05", "C02", "B03"]),
        (["B02", "C03"], ["C05", "C02", "D03", "B03"]),  # askew: no direction
        (["B04", "B05"], ["H12", "B04", "C05"]),
        (["D05", "H12"], ["D05"]),
    ],
    ids=["first", "right", "left", "up", "down", "askew", "far", "last"],
)
def test_the_wells_arrow_keys_reach_are_likely_the_way_one_goes_first(
    session, plate, path, expected
):
    visited = []
    for name in path:
        session.go_to(Well.parse(name), site=1)
        visited.append(session.place)
    came_from = visited[-2] if len(visited) > 1 else None
    assert wells(likely_places(session, plate, came_from)) == expected


def test_likely_is_where_a_step_would_lead_with_the_same_site(session, plate):
    session.go_to(Well.parse("D04"), site=2)
    expected = set()
    for rows, columns in ((0, 1), (0, -1), (-1, 0)):
        session.go_to(Well.parse("D04"), site=2)
        plate.step(rows=rows, columns=columns)
        expected.add(session.place)
    session.go_to(Well.parse("D04"), site=2)
    assert set(likely_places(session, plate, None)) >= expected
    assert Place("P1", Well.parse("D05"), 1) in expected  # has one site only


def small_session(tmp_path, *, wells, sites):
    rows = [("P1", well, site, "DNA", "x.tif") for well in wells for site in sites]
    table = pd.DataFrame(rows, columns=["plate", "well", "site", "label", "address"])
    session = Session()
    plate = PlateViewModel(session)
    session.open(assemble_screen(table, root=tmp_path, format="test", source="here"))
    return session, plate


def test_after_a_step_to_another_site_the_next_one_comes_first(tmp_path):
    session, plate = small_session(tmp_path, wells=("A01", "A02"), sites=(1, 2, 5, 9))
    session.go_to(Well.parse("A01"), site=2)
    came_from = session.place
    session.go_to(Well.parse("A01"), site=5)
    assert likely_places(session, plate, came_from) == [
        Place("P1", Well.parse("A01"), 9), Place("P1", Well.parse("A02"), 5),
    ]  # fmt: skip
    came_from = session.place
    session.go_to(Well.parse("A01"), site=2)
    assert likely_places(session, plate, came_from)[0].site == 1


def test_at_the_end_of_a_row_the_next_well_is_that_of_the_next_row(tmp_path):
    session, plate = small_session(tmp_path, wells=("A01", "A02", "B01", "B02"), sites=(1,))
    session.go_to(Well.parse("A02"))
    assert wells(likely_places(session, plate, None)) == ["B01", "A01", "B02"]
    session.step_well(1)
    assert session.well == Well.parse("B01")
    assert wells(likely_places(session, plate, None)) == ["B02", "A02", "A01"]


def test_fields_are_read_whole_one_after_the_other(session, ahead, pages, read):
    session.go_to(Well.parse("C02"))
    session.go_to(Well.parse("C03"))
    ahead.start()
    assert read == []
    assert pages.turn(N_CHANNELS) == N_CHANNELS
    assert {name[:3] for name in read} == {"C05"}
    whole = read_field(site_of(session, "C05"), session.screen.channel_names)
    got = ahead.planes(site_of(session, "C05"))
    assert list(got) == session.screen.channel_names
    assert all(np.array_equal(got[name], whole.planes[name]) for name in got)
    assert not ahead.planes(site_of(session, "C02"))
    pages.turn()
    assert all(len(ahead.planes(site_of(session, name))) == 3 for name in ("C02", "D03", "B03"))


def test_going_anywhere_stops_it_at_the_next_plane_and_what_was_read_is_kept(
    session, ahead, pages, read
):
    session.go_to(Well.parse("C03"))
    ahead.start()
    pages.turn(2)
    session.go_to(Well.parse("C05"))
    assert pages.turn() == 0
    assert len(read) == 2
    assert list(ahead.planes(site_of(session, "C05"))) == session.screen.channel_names[:2]


def test_a_plane_that_comes_after_all_was_forgotten_is_dropped(session, ahead, pages):
    session.go_to(Well.parse("C03"))
    ahead.start()
    steps, on_step = pages.jobs[-1]
    late = next(steps)
    session.open(session.screen)
    on_step(late)
    assert not ahead.planes(site_of(session, "C05"))


def test_memory_has_a_bound_and_the_likeliest_field_is_inside(session, plate, pages):
    bound = FIELD_BYTES + FIELD_BYTES // 2
    ahead = ReadAhead(session, plate, recent=RecentFields(), background=pages, most_bytes=bound)
    session.go_to(Well.parse("C03"))
    for _ in range(2):  # also what is kept from the last time counts
        ahead.start()
        if pages.jobs:
            pages.turn()
        kept = {name: ahead.planes(site_of(session, name)) for name in ("C05", "C02", "D03", "B03")}
        assert len(kept["C05"]) == N_CHANNELS
        assert sum(plane.nbytes for field in kept.values() for plane in field.values()) <= bound


def test_what_is_there_already_is_not_read_again(session, plate, pages, read):
    recent = RecentFields()
    ahead = ReadAhead(session, plate, recent=recent, background=pages)
    recent.keep(read_field(site_of(session, "C05"), session.screen.channel_names))
    session.go_to(Well.parse("C03"))
    ahead.start()
    pages.turn(N_CHANNELS + 1)
    del read[:]
    ahead.start()
    pages.turn()
    assert [name[:3] for name in read] == ["D03"] * 2 + ["B03"] * 3
    n_jobs = len(pages.jobs)
    ahead.start()
    assert len(pages.jobs) == n_jobs


def test_fields_out_of_reach_are_forgotten(session, ahead, pages):
    session.go_to(Well.parse("C03"))
    ahead.start()
    pages.turn()
    session.go_to(Well.parse("C05"))
    ahead.start()
    assert not ahead.planes(site_of(session, "D03"))


def test_a_damaged_neighbour_is_passed_over(session, ahead, pages):
    site_of(session, "C05").planes["ER"].path.write_bytes(b"II*\0")
    session.go_to(Well.parse("C03"))
    ahead.start()
    pages.turn()
    assert "ER" not in ahead.planes(site_of(session, "C05"))
    assert len(ahead.planes(site_of(session, "D03"))) == N_CHANNELS


def test_nothing_is_read_while_no_screen_is_open(pages):
    session = Session()
    ReadAhead(session, PlateViewModel(session), recent=RecentFields(), background=pages).start()
    assert pages.jobs == []
