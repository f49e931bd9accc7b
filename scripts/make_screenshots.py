"""Take the pictures of the documentation: ``python scripts/make_screenshots.py [SCREEN]``.

Those of the Train dock are taken during a real, small training, which takes minutes; ``--all``
keeps every one of them, not only those the documentation shows.

Opens the real window, light and dark, on the bundled sample or the screen given; where there is no
display it starts Xvfb by itself. Pictures go to ``docs/images``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from napari_tide.cli.display import display_for_pictures
from napari_tide.screens.sample_data import sample_folder
from napari_tide.simulate.presets import PRESETS
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings
from napari_tide.viewmodels.student_choice import bundled_student

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Picture:
    """One picture: its file name, and how the window is set up for it.

    Pictures of hits are taken of the sample's own profiles, measured instead of embedded.
    """

    name: str
    options: tuple[str, ...] = ()
    is_empty: bool = False
    has_maps: bool = False
    needs_student: bool = False
    is_of_hits: bool = False


PICTURES = (
    Picture("plate_dark", ("--theme", "dark")),
    Picture("plate_light", ("--theme", "light")),
    Picture("plate_doses", ("--theme", "dark", "--colour-by", "dose_um")),
    Picture("overlay_dark", ("--theme", "dark", "--overlay", "dense"), needs_student=True),
    Picture("overlay_light", ("--theme", "light", "--overlay", "tile"), needs_student=True),
    Picture("plate_empty", ("--theme", "dark"), is_empty=True),
    Picture("maps_dark", ("--theme", "dark"), has_maps=True),
    Picture("maps_light", ("--theme", "light"), has_maps=True),
    Picture("hits_dark", ("--gene", "FFAR4", "--theme", "dark"), is_of_hits=True),
    Picture("hits_light", ("--gene", "FFAR4", "--theme", "light"), is_of_hits=True),
)

TRAINING_SHOWN = ("train_ready_light", "train_running_light", "train_done_light")


def main() -> int:
    """Take every picture; the exit status counts those that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screen", nargs="?", type=Path, help="the bundled sample when left out")
    parser.add_argument("--student", type=Path, help="the sample's own when left out")
    parser.add_argument("--only", default="", help="take just the pictures whose name has this")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--profiles", type=Path, help="of the screen, made by that student")
    parser.add_argument("--lasso", default="", help="select the drugs around this one")
    parser.add_argument("--look-up", default="", help="a name or SMILES to find on the maps")
    parser.add_argument("--all", action="store_true", help="keep every picture of the Train dock")
    options = parser.parse_args()
    maps = _map_options(options)
    screen = options.screen or sample_folder()
    student = options.student or bundled_student()
    wanted = [picture for picture in PICTURES if options.only in picture.name]
    if student is None:
        print("there is no student, so pictures of overlays are left out; give one: --student")
        wanted = [picture for picture in wanted if not (picture.needs_student or picture.has_maps)]
    options.out.mkdir(parents=True, exist_ok=True)
    with display_for_pictures() as environment:
        if environment is None:
            print("there is no display and Xvfb is not installed; apt-get install xvfb")
            return 2
        with tempfile.TemporaryDirectory() as folder:
            environment["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
            environment["NAPARI_TIDE_CACHE"] = str(Path(folder) / "cache")
            profiles = _measure_sample(Path(folder) / "world")
            failed = [
                p
                for p in wanted
                if not _take(p, screen, student, options.out, environment, maps, profiles)
            ]
            themes = ("dark", "light") if options.all else ("light",)
            shown = None if options.all else TRAINING_SHOWN
            if options.only and options.only not in "train":
                themes = ()
            trained = [_train(theme, shown, options.out, environment) for theme in themes]
            return len(failed) + trained.count(False)


def _map_options(options: argparse.Namespace) -> list[str]:
    """Pass on what the maps are made of."""
    named = ("profiles", "lasso", "look_up")
    given = {name.replace("_", "-"): getattr(options, name) for name in named}
    return [part for name, value in given.items() if value for part in (f"--{name}", str(value))]


def _measure_sample(folder: Path) -> Path:
    """Draw the bundled sample's world again, with features in place of its images."""
    seed = json.loads((sample_folder() / "world.json").read_text(encoding="utf-8"))["seed"]
    settings = SimulationSettings(PRESETS["sample"], seed, is_features_only=True)
    simulate_screen(folder, settings)
    return folder / "features.parquet"


def _take(
    picture: Picture,
    screen: Path,
    student: Path | None,
    out: Path,
    environment: dict[str, str],
    maps: list[str],
    profiles: Path,
) -> bool:
    path = out / f"{picture.name}.png"
    source = "-" if picture.is_empty else str(screen)
    command = [sys.executable, "-m", "napari_tide._napari.screenshot", source, str(path)]
    command += [*picture.options, *(maps if picture.has_maps else [])]
    if picture.needs_student or picture.has_maps:
        command += ["--student", str(student)]
    if picture.is_of_hits:
        module = "napari_tide._napari.hits_screenshot"
        taken_of = [str(sample_folder()), str(path), "--profiles", str(profiles)]
        command = [sys.executable, "-m", module, *taken_of, *picture.options]
    done = subprocess.run(command, env=environment, check=False)
    print(path if done.returncode == 0 else f"failed: {picture.name}")
    return done.returncode == 0


def _train(
    theme: str, shown: tuple[str, ...] | None, out: Path, environment: dict[str, str]
) -> bool:
    """Take the pictures of a training in one theme, and keep those that are shown."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "napari_tide._napari.training_screenshot", folder]
        done = subprocess.run([*command, "--theme", theme], env=environment, check=False)
        for picture in sorted(Path(folder).glob("*.png")):
            if shown is None or picture.stem in shown:
                with Image.open(picture) as taken:  # 256 colours: half the size, and none missed
                    taken.convert("RGB").quantize(256).save(out / picture.name, optimize=True)
                print(out / picture.name)
    if done.returncode:
        print(f"failed: the {theme} pictures of the Train dock")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
