import re
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.chem import drawing
from napari_tide.chem.drawing import draw_svg
from napari_tide.errors import MoleculeValueError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
ODD = [
    "[Na+].[Cl-]", "[13CH4]", "*CC", "C[C@H](N)[Se]", "C[C](C)C", "[H][H]", "[NH4+].[O-]CC",
    "[Pt](Cl)(Cl)(<-N)<-N", "CC |$R1;$|", "[2H]C([2H])([2H])C", "C[Si](C)(C)Br", "IC(F)S", "C",
]  # fmt: skip
NAPARI_DARK = (0x26, 0x29, 0x30)


def classes(svg, kind):
    """Which atoms or bonds are drawn."""
    return {int(number) for number in re.findall(rf"\b{kind}-(\d+)", svg)}


def test_every_bond_and_heteroatom_is_drawn_inside_the_frame():
    svg = draw_svg(ASPIRIN, width=300, height=200)
    assert classes(svg, "bond") == set(range(13))
    assert classes(svg, "atom") == set(range(13))
    root = ET.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("300px", "200px")
    numbers = [
        tuple(map(float, pair))
        for path in root.iter("{http://www.w3.org/2000/svg}path")
        for pair in re.findall(r"[ML] (-?[\d.]+),(-?[\d.]+)", path.get("d"))
    ]
    assert all(0 <= x <= 300 and 0 <= y <= 200 for x, y in numbers)
    assert max(x for x, _ in numbers) - min(x for x, _ in numbers) > 200  # and fills it


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("smiles", [ASPIRIN, *ODD])
def test_every_stroke_and_letter_can_be_read_on_its_ground(smiles, is_dark):
    svg = draw_svg(smiles, is_dark=is_dark)
    ET.fromstring(svg)
    ground = [part / 255 for part in NAPARI_DARK] if is_dark else [1.0, 1.0, 1.0]
    found = set(re.findall(r"#([0-9A-Fa-f]{6})", svg))
    assert found
    for text in found:
        colour = [int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        assert contrast(colour, ground) > 4.5, text
    assert "<rect" not in svg  # the window's own ground shows


def test_dark_and_light_differ_in_colour_alone():
    light, dark = (draw_svg(ASPIRIN, is_dark=is_dark) for is_dark in (False, True))
    assert light != dark
    plain = [re.sub(r"#[0-9A-Fa-f]{6}", "#", svg) for svg in (light, dark)]
    assert plain[0] == plain[1]
    assert "#000000" not in dark


def test_a_name_behind_the_smiles_does_not_matter_and_the_second_drawing_is_kept():
    drawing._draw.cache_clear()
    assert draw_svg("CCO") == draw_svg("CCO ethanol") == draw_svg(" CCO")
    assert drawing._draw.cache_info().misses == 1


@pytest.mark.parametrize("smiles", ["", "C1CC", "not a molecule", "<svg/>"])
def test_what_rdkit_rejects_is_named(smiles):
    with pytest.raises(MoleculeValueError, match="is not a SMILES that RDKit can read"):
        draw_svg(smiles)


@pytest.mark.parametrize(("width", "height"), [(0, 100), (100, -1), (100, 10**6)])
def test_an_impossible_size_is_refused(width, height):
    with pytest.raises(MoleculeValueError, match="is impossible; give sides from 16 to 4096"):
        draw_svg("CCO", width=width, height=height)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="CNOcno()=#123[]+-@H.*<>&|\"' ", max_size=20))
def test_any_text_is_drawn_as_valid_xml_or_refused(text):
    try:
        svg = draw_svg(text, is_dark=True)
    except MoleculeValueError:
        return
    ET.fromstring(svg)


def test_a_drug_is_drawn_in_milliseconds():
    drawing._draw.cache_clear()
    draw_svg("CCO")
    seconds = []
    for n in range(15):
        start = time.perf_counter()
        draw_svg(ASPIRIN.replace("CC", "C" * (n + 2), 1))
        seconds.append(time.perf_counter() - start)
    assert sorted(seconds)[7] < 0.005
