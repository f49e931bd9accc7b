import numpy as np
import pytest

from napari_tide.screens.sample_data import sample_folder
from napari_tide.viewmodels import results_folder as module
from napari_tide.viewmodels.recent_students import RecentStudents
from napari_tide.viewmodels.results_folder import results_folder
from napari_tide.viewmodels.time_left import TimeLeft


def test_results_lie_beside_the_screen(screen):
    assert results_folder(screen) == screen.root.with_name(screen.root.name + ".tide")


def test_a_folder_that_cannot_be_written_takes_the_cache(screen, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TIDE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module.os, "access", lambda path, mode: False)
    folder = results_folder(screen)
    assert folder.parent == tmp_path / "cache" / "results"
    assert folder.name.startswith(screen.root.name + "-")


def test_the_bundled_sample_takes_the_cache(screen, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TIDE_CACHE", str(tmp_path))
    bundled = screen.with_sites(screen.sites.iloc[:1])
    object.__setattr__(bundled, "root", sample_folder())
    assert tmp_path in results_folder(bundled).parents


def test_recent_students_are_the_newest_first_and_still_there(tmp_path):
    recent = RecentStudents(tmp_path / "kept" / "recent.json")
    assert recent.folders() == []
    folders = [tmp_path / f"s{number}" for number in range(3)]
    for folder in folders:
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        recent.remember(folder)
    recent.remember(folders[0])
    (folders[1] / "config.json").unlink()
    assert recent.folders() == [folders[0], folders[2]]


@pytest.mark.parametrize("content", ["", "{}", "[1, null]", "no json"])
def test_a_damaged_list_of_students_is_an_empty_one(tmp_path, content):
    (tmp_path / "recent.json").write_text(content)
    assert RecentStudents(tmp_path / "recent.json").folders() == []


@pytest.mark.parametrize(
    ("seconds", "done", "total", "said"),
    [
        (10, 1, 3, "about 20 s left"),
        (60, 1, 11, "about 10 min left"),
        (3600, 1, 3, "about 2.0 h left"),
        (0.1, 1, 3, ""),
        (10, 0, 3, ""),
        (10, 3, 3, ""),
    ],
)
def test_time_left_is_said_in_words(seconds, done, total, said):
    times = iter(np.array([0.0, seconds]))
    assert TimeLeft(lambda: float(next(times))).say(done, total) == said
