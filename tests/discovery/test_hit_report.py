import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from napari_tide.discovery.hit_list import HitSettings, find_hits
from napari_tide.discovery.hit_pictures import picture_hit
from napari_tide.discovery.hit_provenance import (
    HitInputs,
    describe_hits,
    provenance_path,
    write_provenance,
)
from napari_tide.discovery.hit_report import report_page, write_report
from napari_tide.discovery.hit_trends import trends_of
from napari_tide.discovery.queries import Query, search_compound, search_gene
from napari_tide.discovery.report_table import number
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import OutputWriteError
from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.open_screen import open_screen

EVIL = "<script>alert(1)</script>\"'&"
FEW = HitSettings(n_draws=49)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.text, self.rows = [], [], [], [], 0

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in (
            "meta",
            "img",
            "br",
            "rect",
            "line",
            "polyline",
            "circle",
            "path",
            "ellipse",
        ):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        if self.open and tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def hits(make_profiles, noise_treatments):
    treatments = noise_treatments(14, 1, 2, 3, (1.0, 3.0, 9.0)) | {("compound", EVIL, 1.0): 2}
    table = well_table(make_profiles(treatments, effects={EVIL: np.full(24, 0.5)}))
    return find_hits([search_gene(table, "G0")], FEW)


def page_of(hits, query=None, **more):
    query = query or Query("gene", ("G0",))
    described = describe_hits(hits, query, FEW, inputs=HitInputs({}), warnings=["be & careful"])
    return report_page(hits, described, trends=trends_of(hits), screen=None, **more)


def read(html):
    page = Page()
    page.feed(html)
    return page


def test_the_page_needs_nothing_beside_it(hits):
    html = page_of(hits)
    page = read(html)
    assert page.open == []
    assert page.links == []
    without_namespaces = re.sub(r"xmlns(:\w+)?=['\"][^'\"]*['\"]", "", html)
    assert not re.search(r"@import|url\(|https?://", without_namespaces)
    assert "prefers-color-scheme:dark" in html


def test_names_are_text_whatever_they_hold(hits):
    html = page_of(hits, Query("gene", (EVIL,)))
    assert EVIL not in html
    assert read(html).tags.count("script") == 1
    assert EVIL in "".join(read(html).text)


def test_the_first_hits_have_structure_and_dose_curve(hits):
    page = read(page_of(hits))
    text = " ".join(page.text)
    assert page.tags.count("article") == 12
    assert page.tags.count("tr") == 1 + len(hits.table)
    assert page.tags.count("polyline") == 12
    assert "Compounds that act like the knock-out of G0" in text
    assert "be & careful" in text
    assert "negative controls, of which every one has at least 8" in text
    assert "Spearman" in text


def test_a_list_of_genes_shows_the_compounds_dose_curve(hits):
    table = hits.sources[0].search.table
    genes = find_hits([search_compound(table, "C003")], FEW)
    page = read(page_of(genes, Query("compound", ("C003",))))
    assert page.tags.count("polyline") == 2


def test_an_empty_list_says_so(hits):
    search = hits.sources[0].search
    none = find_hits([search], HitSettings(n_draws=49, min_score=2.0))
    assert "No hit is left." in page_of(none)


def test_a_structure_that_cannot_be_drawn_is_told_apart(hits):
    table = hits.table.assign(smiles="not a smiles")
    broken = type(hits)(table, hits.sources, hits.null, hits.null_reason, hits.n_tested)
    assert "is not a SMILES that RDKit can read" in page_of(broken)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.4, 2, "0.40"),
        (-0.25, 2, "\u22120.25"),
        (0.0003, 1, "0.0003"),
        (0.00001, 1, "1.0·10<sup>\u22125</sup>"),
        (12.5, 3, "12.5"),
        (1234, 0, "1,234"),
        (np.nan, 2, "\u2013"),
    ],
)
def test_numbers_are_written_for_reading(value, digits, text):
    assert number(value, digits) == text


@pytest.fixture
def imaged(plate_folder):
    """Hits whose wells are those of the test screen, of which C02 to C05 are treated."""
    screen = open_screen(plate_folder / "screen.parquet")
    wells = screen.sites.drop_duplicates(["plate", "well"])
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": wells["plate"],
            "Metadata_Well": wells["well"],
            "Metadata_Compound": wells["compound"],
            "Metadata_Gene": np.where(wells["well"] == "H12", "G0", ""),
            "Metadata_Dose_uM": 1.0,
            "Metadata_Control": wells["control"].where(wells["control"] == "negcon", ""),
        }
    ).reset_index(drop=True)
    features = np.random.default_rng(0).standard_normal((len(wells), 6)).astype(np.float32)
    profiles = Profiles(metadata, features, tuple("abcdef"), "well")
    search = search_gene(well_table(profiles), "G0")
    return find_hits([search], FEW), screen


def test_a_hit_is_shown_beside_its_nearest_control(imaged):
    found, screen = imaged
    source = next(s for s in found.sources if s.group[0].name == "nocodazole")
    picture = picture_hit(source, screen)
    assert picture.problem == ""
    assert (picture.hit_well, picture.control_well) == ("C02", "B02")
    assert picture.hit.startswith("data:image/jpeg;base64,")
    described = describe_hits(found, Query("gene", ("G0",)), FEW, inputs=HitInputs({}))
    page = read(report_page(found, described, trends={}, screen=screen))
    assert page.tags.count("img") == 2 * len(found.table)
    assert all(link.startswith("data:image/jpeg") for link in page.links)


def test_images_that_cannot_be_shown_are_explained(imaged, plate_folder):
    found, screen = imaged
    for path in (plate_folder / "P1").glob("*.tif"):
        path.write_bytes(b"broken")
    for path in (plate_folder / "P2").glob("*.tif"):
        path.unlink()
    picture = picture_hit(found.sources[0], screen)
    assert picture.hit == ""
    assert ".tif" in picture.problem


def test_the_report_and_provenance_are_written_whole(hits, tmp_path):
    described = describe_hits(
        hits, Query("gene", ("G0",)), FEW, inputs=HitInputs({}, "tide hits"), trends=trends_of(hits)
    )
    write_report(hits, described, tmp_path / "deep" / "report.html")
    assert (tmp_path / "deep" / "report.html").read_text().endswith("</html>\n")
    write_provenance(described, provenance_path(tmp_path / "hits.csv"))
    assert (tmp_path / "hits.json").is_file()
    with pytest.raises(OutputWriteError, match="choose another"):
        write_report(hits, described, tmp_path / "hits.json" / "report.html")
