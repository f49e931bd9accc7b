import numpy as np
import pytest

from napari_tide.screens.well import Well
from napari_tide.viewmodels.field_planes import collect_field
from napari_tide.viewmodels.recent_fields import MOST_FIELDS, RecentFields

CHANNELS = ("DNA", "ER")


@pytest.fixture
def sites(screen):
    return [screen.site_at(row) for row in range(6)]


def field(site, *, fault=False, side=8):
    read = {name: np.full((side, side), 7, np.uint16) for name in CHANNELS}
    return collect_field(site, {**read, "ER": "broken"} if fault else read)


def test_a_field_is_found_again_by_its_site_and_channels(sites):
    recent = RecentFields()
    kept = field(sites[0])
    recent.keep(kept)
    assert recent.find(sites[0], CHANNELS) is kept
    assert recent.find(sites[0], ("DNA",)) is None
    assert recent.find(sites[1], CHANNELS) is None


def test_the_oldest_is_forgotten_and_what_is_shown_again_counts_as_new(sites):
    recent = RecentFields()
    for site in sites[:MOST_FIELDS]:
        recent.keep(field(site))
    recent.keep(recent.find(sites[0], CHANNELS))
    recent.keep(field(sites[MOST_FIELDS]))
    assert recent.find(sites[0], CHANNELS) is not None
    assert recent.find(sites[1], CHANNELS) is None


def test_memory_has_a_bound(sites):
    one = 2 * 8 * 8 * 2
    recent = RecentFields(most_bytes=2 * one)
    for site in sites[:3]:
        recent.keep(field(site))
    assert [recent.find(site, CHANNELS) is not None for site in sites[:3]] == [False, True, True]


def test_a_field_with_a_fault_is_read_again(sites):
    recent = RecentFields()
    recent.keep(field(sites[0]))
    recent.keep(field(sites[0], fault=True))
    assert recent.find(sites[0], CHANNELS) is None
    assert sites[0].well == Well.parse("B02")


def test_everything_can_be_forgotten(sites):
    recent = RecentFields()
    recent.keep(field(sites[0]))
    recent.clear()
    assert recent.find(sites[0], CHANNELS) is None
