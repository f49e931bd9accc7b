"""Take the pictures of the documentation: ``python scripts/make_screenshots.py [SCREEN]``.

Opens the real window, light and dark, on the bundled sample or the screen given, and goes through
every dock; where there is no display it starts Xvfb by itself. Pictures go to ``docs/images``, none
above 280 kB. Those of a training are taken during a real, small one, which takes minutes; ``--all``
keeps every one of them, not only those the documentation shows.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from napari_tide.cli.display import display_for_pictures
from napari_tide.screens.sample_data import sample_folder
from napari_tide.viewmodels.student_choice import bundled_student

ROOT = Path(__file__).parents[1]
THEMES = ("dark", "light")
GENE = "FFAR4"
TOUR = ("window", "plate", "maps", "hits", "train")
TRAINING = ("empty", "ready", "running", "done", "failed")
TRAINING_SHOWN = (
    "train_ready_light",
    "train_running_light",
    "train_done_light",
    "train_failed_dark",
)
MOST_BYTES, FLAT_PX = 280_000, 400


@dataclass(frozen=True)
class Scene:
    """A module of the package that takes pictures, and the pictures it leaves in its folder."""

    module: str
    options: tuple[str, ...]
    pictures: tuple[str, ...]


def main() -> int:
    """Take every picture; the exit status counts the scenes that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screen", nargs="?", type=Path, help="the bundled sample when left out")
    parser.add_argument("--student", type=Path, help="the sample's own when left out")
    parser.add_argument("--gene", default=GENE, help="what the Hits dock is asked about")
    parser.add_argument("--only", default="", help="take just the pictures whose name has this")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--all", action="store_true", help="keep every picture of a training")
    options = parser.parse_args()
    screen = (options.screen or sample_folder()).absolute()
    student = options.student.absolute() if options.student else bundled_student()
    options.out.mkdir(parents=True, exist_ok=True)
    with display_for_pictures() as environment, tempfile.TemporaryDirectory() as folder:
        if environment is None:
            print("there is no display and Xvfb is not installed; apt-get install xvfb")
            return 2
        home = Path(folder)
        environment["NAPARI_CONFIG"] = str(home / "settings.yaml")
        environment["NAPARI_TIDE_CACHE"] = str(home / "cache")
        scenes = _scenes(screen, student, options.gene, keeps_all=options.all)
        done = [
            _take(scene, home, options.out, environment, only=options.only)
            for scene in scenes
            if any(options.only in name for name in scene.pictures)
        ]
        return done.count(False)


def _scenes(screen: Path, student: Path | None, gene: str, *, keeps_all: bool) -> list[Scene]:
    scenes = []
    for theme in THEMES:
        taken_with = ("--student", str(student), "--gene", gene, "--theme", theme)
        pictures = tuple(f"{name}_{theme}" for name in TOUR)
        if student is None:
            print("there is no student, so the docks are not shown at work; give one: --student")
        else:
            scenes.append(Scene("tour_screenshot", (str(screen), ".", *taken_with), pictures))
        trained = tuple(f"train_{state}_{theme}" for state in TRAINING)
        shown = trained if keeps_all else tuple(set(trained) & set(TRAINING_SHOWN))
        if shown:
            scenes.append(Scene("training_screenshot", (".", "--theme", theme), shown))
    return scenes


def _take(scene: Scene, home: Path, out: Path, environment: dict[str, str], *, only: str) -> bool:
    """Run a scene in a process of its own, and keep what is wanted of it."""
    command = [sys.executable, "-m", f"napari_tide._napari.{scene.module}", *scene.options]
    folder = home / "-".join(scene.pictures)[:60]
    folder.mkdir()
    done = subprocess.run(command, env=environment, cwd=folder, check=False)
    taken = True
    for name in scene.pictures:
        picture = folder / f"{name}.png"
        taken = taken and picture.is_file()
        if only in name and picture.is_file():
            _shrink(picture, out / picture.name)
            print(out / picture.name, flush=True)
    if done.returncode or not taken:
        print(f"failed: {', '.join(scene.pictures)}", flush=True)
    return done.returncode == 0 and taken


def _shrink(picture: Path, out: Path) -> None:
    """Leave out the last bits of the colours, as few as the size allows, but of the window's own.

    A palette would be smaller, but takes the rare colours away: those of the points.
    """
    exact = np.asarray(Image.open(picture).convert("RGB"))
    packed = exact.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    _, place, counts = np.unique(packed, return_inverse=True, return_counts=True)
    is_flat = (counts >= FLAT_PX)[place].reshape(packed.shape)
    for n_bits in (8, 6, 5, 4):
        step = 2 ** (8 - n_bits)
        coarse = (exact // step * step + step // 2).astype(np.uint8)
        Image.fromarray(np.where(is_flat[..., None], exact, coarse)).save(out, optimize=True)
        if out.stat().st_size <= MOST_BYTES:
            return


if __name__ == "__main__":
    sys.exit(main())
