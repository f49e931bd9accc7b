import pytest

from napari_tide.imaging.stain_colours import channel_shares, overlaid_channels, stain_colours

PAINTING = ["DNA", "ER", "RNA", "AGP", "Mito"]


def test_every_channel_has_its_own_colour_known_or_not():
    colours = stain_colours([*PAINTING, "ch7", "ch8"])
    assert len(set(colours.values())) == 7


def test_a_stain_keeps_its_colour_whatever_stands_beside_it():
    assert stain_colours(["ch1", "Mito"])["Mito"] == stain_colours(PAINTING)["Mito"]


def test_brightfield_is_not_laid_over_the_stains():
    with_brightfield = ["Brightfield_H", *PAINTING, "Brightfield"]
    assert overlaid_channels(with_brightfield) == PAINTING
    shares = channel_shares(PAINTING)
    assert shares["DNA"] == 1
    assert shares["ER"] == shares["Mito"] == pytest.approx(0.4375)
    assert channel_shares(with_brightfield)["ER"] == shares["ER"]


def test_brightfield_alone_is_shown_in_full():
    assert overlaid_channels(["Brightfield", "Brightfield_L"]) == ["Brightfield"]
    assert channel_shares(["Brightfield"]) == {"Brightfield": 1}
