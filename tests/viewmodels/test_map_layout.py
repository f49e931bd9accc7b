from dataclasses import replace

import numpy as np
import pytest

from napari_tide.errors import ProfileValueError
from napari_tide.screens.sample_data import sample_folder
from napari_tide.viewmodels import map_layout
from napari_tide.viewmodels.map_cache import MapCache, map_key
from napari_tide.viewmodels.map_layout import (
    MapSource,
    chemistry_source,
    codebook_source,
    lay_out,
    profile_source,
)


def run(steps):
    """Run a layout to its end: what it said, and the places."""
    said = []
    try:
        while True:
            said.append(next(steps))
    except StopIteration as end:
        return said, end.value


def never():
    return False


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


@pytest.fixture
def source(rows, tmp_path):
    kept = np.array([0, 1, 2, 4, 5, 6])
    return MapSource("profiles", "7 things", 7, lambda: (kept, rows), (tmp_path / "maps",))


@pytest.fixture
def child_says(monkeypatch):
    """Replace the child process by a few lines of Python."""

    def replace(code):
        popen = map_layout.subprocess.Popen

        def start(command, **options):
            return popen([command[0], "-c", code, *command[3:]], **options)

        monkeypatch.setattr(map_layout.subprocess, "Popen", start)

    return replace


WRITE = """
import sys, numpy as np
np.save(sys.argv[3], np.ones((len(np.load(sys.argv[2])), 2), "f4"))
"""


def test_a_map_is_laid_out_once_and_then_known(source, child_says, tmp_path):
    child_says(WRITE)
    said, places = run(lay_out(source, is_cancelled=never))
    assert said[0] == "reading 7 things …"
    assert said[1] == "laying out 7 things … 0 s"
    assert np.isnan(places[:, 0]).tolist() == [False, False, False, True, False, False, False]
    assert len(list((tmp_path / "maps").iterdir())) == 1
    child_says("raise SystemExit(9)")
    said, again = run(lay_out(source, is_cancelled=never))
    assert said == ["reading 7 things …"]
    assert np.array_equal(again, places, equal_nan=True)


def test_a_cancelled_layout_gives_nothing_and_ends_its_process(source, child_says, monkeypatch):
    child_says("import time; time.sleep(60)")
    steps = lay_out(source, is_cancelled=lambda: asked)
    asked = False
    next(steps)
    next(steps)
    asked = True
    assert run(steps) == ([], None)


def test_a_layout_dropped_half_way_ends_its_process(source, child_says, monkeypatch):
    children = []
    child_says("import time; time.sleep(60)")
    start = map_layout.subprocess.Popen
    monkeypatch.setattr(
        map_layout.subprocess,
        "Popen",
        lambda *a, **k: children.append(start(*a, **k)) or children[0],
    )
    steps = lay_out(source, is_cancelled=never)
    next(steps)
    next(steps)
    steps.close()
    assert children[0].returncode is not None


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.stderr.write('too few'); sys.exit(2)", "too few"),
        (
            "import sys; sys.stderr.write('a\\nMemoryError'); sys.exit(1)",
            r"stopped \(MemoryError\)",
        ),
        ("raise SystemExit(7)", r"stopped \(status 7\); close other programs"),
    ],
)
def test_a_layout_that_fails_says_why(source, child_says, code, sentence):
    child_says(code)
    with pytest.raises(ProfileValueError, match=sentence):
        run(lay_out(source, is_cancelled=never))


def test_too_few_points_are_refused_before_anything_starts(tmp_path):
    few = MapSource("codebook", "2 drugs", 2, lambda: (np.arange(2), np.ones((2, 3))), (tmp_path,))
    with pytest.raises(ProfileValueError, match="at least 4 points and 2 drugs gives 2"):
        run(lay_out(few, is_cancelled=never))


def test_keys_tell_rows_and_spaces_apart(rows):
    other = rows.copy()
    other[0, 0] += 1
    keys = {map_key(rows, "codebook"), map_key(rows, "profiles"), map_key(other, "profiles")}
    assert len(keys) == 3
    assert map_key(rows, "codebook") == map_key(rows.copy(), "codebook")


def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path):
    (tmp_path / "file").write_text("in the way")
    places = np.ones((4, 2), np.float32)
    cache = MapCache([tmp_path / "file" / "maps", tmp_path / "own"])
    assert cache.write("k", places) == tmp_path / "own" / "k.npy"
    assert np.array_equal(cache.read("k", n_points=4), places)
    assert MapCache([tmp_path / "file" / "maps"]).write("k", places) is None


@pytest.mark.parametrize("content", [b"", b"no array", None])
def test_a_damaged_map_is_made_anew(tmp_path, content):
    if content is None:
        np.save(tmp_path / "k.npy", np.ones((3, 2), np.float32))  # of other points
    else:
        (tmp_path / "k.npy").write_bytes(content)
    assert MapCache([tmp_path]).read("k", n_points=4) is None


def test_drugs_without_a_smiles_have_no_row_by_structure(bundle):
    index, bits = chemistry_source(bundle).rows()
    assert index.tolist() == [0, 1, 2, 3, 4]
    assert set(np.unique(bits)) == {0, 1}
    index, prototypes = codebook_source(bundle).rows()
    assert len(index) == len(prototypes) == 6
    assert np.linalg.norm(prototypes, axis=1) == pytest.approx(np.ones(6), abs=1e-5)


def test_gaps_in_profiles_are_filled_before_they_are_laid_out(profiles, tmp_path):
    features = np.tile(profiles.features, (3, 1))
    features[0, 0] = np.nan
    table = profiles.take(np.tile(np.arange(len(profiles)), 3)).with_features(features)
    source = profile_source(table, tmp_path)
    index, rows = source.rows()
    assert len(index) == len(rows) == 42
    assert np.isfinite(rows).all()
    assert source.folders[0] == tmp_path / "maps"


def test_maps_lie_beside_their_student_but_not_in_the_bundled_sample(bundle, tmp_path):
    kept = tmp_path / "cache" / "maps"
    assert codebook_source(bundle).folders == (bundle.folder / "maps", kept)
    bundled = replace(bundle, folder=sample_folder() / "student")
    assert chemistry_source(bundled).folders[0] == kept


@pytest.mark.slow
def test_a_real_layout_in_a_process_of_its_own(tmp_path):
    rows = np.repeat(np.eye(2, 8, dtype=np.float32), 10, axis=0)
    rows += np.random.default_rng(0).normal(scale=0.01, size=rows.shape).astype(np.float32)
    source = MapSource("profiles", "2 clouds", 20, lambda: (np.arange(20), rows), (tmp_path,))
    _, places = run(lay_out(source, is_cancelled=never))
    centres = places[:10].mean(axis=0), places[10:].mean(axis=0)
    spread = max(places[:10].std(axis=0).max(), places[10:].std(axis=0).max())
    assert np.linalg.norm(centres[0] - centres[1]) > 3 * spread
