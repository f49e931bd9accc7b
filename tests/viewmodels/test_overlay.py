"""Overlays of a tiny student; each map against the engine's own or a slow loop."""

import time

import numpy as np
import pytest
import tifffile
import torch

from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.inference.dense_map import tile_probability_map
from napari_tide.inference.drug_scorer import DrugScorer
from napari_tide.screens.well import Well
from napari_tide.students.calibration import softmax
from napari_tide.viewmodels.cell_overlay import CellOverlay
from napari_tide.viewmodels.field_scores import FieldScores
from napari_tide.viewmodels.overlay import OverlayViewModel
from napari_tide.viewmodels.plate_run import PlateRun
from napari_tide.viewmodels.student_choice import StudentChoice

GRID = TileGrid((64, 64), 32, output_px=32)


@pytest.fixture
def bundle(make_bundle):
    """Return a student that fits the screen of these tests."""
    return make_bundle()


@pytest.fixture
def parts(session, background, recent, bundle):
    choice = StudentChoice(session, background, recent)
    choice.open(bundle.folder)
    run = PlateRun(session, choice, background)
    return choice, run, OverlayViewModel(session, choice, run, background)


@pytest.fixture
def overlay(parts):
    return parts[2]


@pytest.fixture
def field(parts, session):
    return parts[0].engine().embed_field(0)


def test_the_tile_map_is_the_engines(overlay, session, bundle, field):
    assert overlay.map is None
    session.choose_overlay("tile")
    for drug in range(4):
        session.choose_drug(f"drug{drug}")
        wanted = tile_probability_map(bundle.student, field.embeddings_ND, GRID, drug=drug)
        assert np.allclose(overlay.map, wanted, atol=1e-5)
    assert overlay.title == "P(drug3)"
    session.choose_overlay("off")
    assert overlay.map is None


def test_the_dense_map_is_each_patchs_probability(overlay, session, bundle, field):
    session.choose_overlay("dense")
    session.choose_drug("drug1")
    student = bundle.student
    with torch.inference_mode():
        logits = student.logits(torch.from_numpy(field.patches_NHWD.reshape(-1, 24))).numpy()
    p = softmax(logits)[:, 1].reshape(4, 2, 2)
    for y, x in [(0, 0), (15, 40), (31, 63), (63, 0), (50, 50)]:
        tile, row, column = 2 * (y // 32) + x // 32, (y % 32) // 16, (x % 32) // 16
        assert np.isclose(overlay.map[y, x], p[tile, row, column], atol=1e-5)
    assert overlay.map.shape == (64, 64)


def test_against_dmso_ranks_tiles_among_the_plates_controls(parts, session, bundle):
    choice, run, overlay = parts
    session.go_to(Well.parse("C03"))
    session.choose_overlay("controls")
    session.choose_drug("drug2")
    assert overlay.map is None
    assert "Run: Plate" in overlay.text
    run.run("plate")
    cosines = {
        row: site.tiles.directions @ choice.scorer.prototypes_KD[2]
        for row, site in run.results.sites.items()
    }
    sites = session.screen.sites
    negcon = [row for row in cosines if sites["control"].iloc[row] == "negcon"]
    controls = np.concatenate([cosines[row] for row in negcon])
    here = session.screen.row_of("P1", Well.parse("C03"), 1)
    for tile, score in enumerate(cosines[here]):
        p = (1 + (controls >= score).sum()) / (1 + len(controls))
        y, x = 32 * (tile // 2), 32 * (tile % 2)
        assert np.isclose(overlay.map[y, x], 1 - p, atol=1e-6)
    assert overlay.title == "drug2 against DMSO"


def test_a_plate_without_controls_says_what_to_do(parts, session, screen):
    overlay = parts[2]
    session.open(screen.with_sites(screen.sites.assign(control="")), place=session.place)
    session.choose_overlay("controls")
    assert "Plate map" in overlay.text


def test_the_first_run_lays_its_answer_over_the_field(parts, session):
    _, run, overlay = parts
    run.run("plate")
    assert session.overlay == "tile"
    assert np.isfinite(overlay.map).all()
    session.choose_overlay("off")
    run.run("plate")
    assert session.overlay == "off"


def test_a_field_that_cannot_be_read_gets_no_map_from_the_first_run(parts, session, plate_folder):
    (plate_folder / "P1" / "B02_s1_ER.tif").write_bytes(b"no tiff")
    parts[1].run("plate")
    assert session.overlay == "off"
    session.go_to(Well.parse("C03"))
    assert session.overlay == "tile"


def test_a_field_run_earlier_needs_no_second_look(session, stepwise, recent, bundle):
    choice = StudentChoice(session, stepwise, recent)
    choice.open(bundle.folder)
    stepwise.finish()
    run = PlateRun(session, choice, stepwise)
    overlay = OverlayViewModel(session, choice, run, stepwise)
    stepwise.finish()
    run.run("plate")
    stepwise.finish()
    session.choose_overlay("tile")
    assert overlay.map is not None
    session.go_to(Well.parse("D03"))
    assert overlay.map is not None
    session.choose_overlay("dense")
    assert overlay.map is None
    assert overlay.text == "looking at this field…"
    session.choose_drug("drug3")
    assert len(stepwise.jobs) == 1
    stepwise.finish()
    assert overlay.map is not None


def test_only_the_newest_field_is_looked_at(session, stepwise, recent, bundle):
    choice = StudentChoice(session, stepwise, recent)
    choice.open(bundle.folder)
    stepwise.finish()
    run = PlateRun(session, choice, stepwise)
    overlay = OverlayViewModel(session, choice, run, stepwise)
    stepwise.finish()
    session.choose_overlay("dense")
    for name in ("B03", "C02", "D02"):
        session.go_to(Well.parse(name))
    assert [job.token() for job in stepwise.jobs] == [True, True, True, False]
    stepwise.finish()
    assert overlay.map is not None
    assert not overlay.is_busy


def test_an_unreadable_field_is_said_once_and_others_go_on(overlay, session, plate_folder):
    (plate_folder / "P1" / "C03_s1_ER.tif").write_bytes(b"no tiff")
    session.choose_overlay("dense")
    session.go_to(Well.parse("C03"))
    assert overlay.map is None
    assert "C03_s1_ER.tif" in overlay.text
    session.go_to(Well.parse("C02"))
    assert overlay.map is not None
    assert overlay.text == ""


def test_a_tile_names_its_top_five_drugs(overlay, session, field, bundle):
    session.choose_overlay("tile")
    with torch.inference_mode():
        p = bundle.student.probabilities(torch.from_numpy(field.embeddings_ND)).numpy()
    named = overlay.top_drugs_at(40, 10)
    assert [name for name, _ in named] == [f"drug{k}" for k in np.argsort(-p[2])]
    assert np.allclose([share for _, share in named], np.sort(p[2])[::-1], atol=1e-5)
    assert overlay.top_drugs_at(70, 10) == []


def test_another_drug_costs_a_product_only(make_bundle):
    """The budget of DESIGN on a field of 1080 x 1080 in 16 tiles of 224 px; generous for CI."""
    scorer = DrugScorer.of(make_bundle())
    rng = np.random.default_rng(0)
    grid = TileGrid((1080, 1080), 270)
    scores = FieldScores(
        grid,
        scorer.place(rng.normal(size=(16, 24)).astype(np.float32)),
        scorer.place(rng.normal(size=(16, 14, 14, 24)).astype(np.float32)),
    )
    taken = []
    for drug in (0, 1, 2, 3):
        start = time.perf_counter()
        scores.patch_map(scorer, drug)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.05


def test_cells_have_a_probability_each_and_follow_the_field(parts, session, background):
    choice = parts[0]
    cells = CellOverlay(session, choice, background)
    labels = np.zeros((64, 64), np.int32)
    labels[5:20, 5:20], labels[30:50, 30:50] = 4, 9
    cells.turn_on(labels)
    assert cells.text == "2 cells"
    session.choose_drug("drug1")
    table = cells.table()
    assert list(table["index"]) == [4, 9]
    assert list(table.columns) == ["index", "P(drug1)", "most probable drug"]
    assert np.allclose(table["P(drug1)"], cells.probabilities(), atol=1e-3)
    session.choose_drug("drug2")
    assert "P(drug2)" in cells.table().columns
    session.go_to(Well.parse("C02"))
    assert cells.cells is None
    assert "another field" in cells.text


def test_cells_without_nuclei_or_of_another_shape_are_a_sentence(
    parts, session, background, plate_folder
):
    for well in ("B02", "C02"):
        tifffile.imwrite(plate_folder / f"P1/{well}_s1_DNA.tif", np.full((64, 64), 200, np.uint16))
    cells = CellOverlay(session, parts[0], background)
    cells.turn_on()
    assert cells.text == "no cell was found here"
    session.go_to(Well.parse("C02"))
    assert cells.text == "no cell was found here"
    cells.turn_on(np.ones((5, 5), np.int32))
    assert "do not fit" in session.problem
    cells.turn_off()
    session.go_to(Well.parse("C03"))
    assert cells.text == ""
