"""Take the pictures of the documentation: ``python scripts/make_screenshots.py [SCREEN]``.

Those of the Train dock are taken during a real, small training, which takes minutes; ``--all``
keeps every one of them, not only those the documentation shows.

Opens the real window, light and dark, on the bundled sample or the screen given; where there is no
display it starts Xvfb by itself. Pictures go to ``docs/images``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from napari_tide.cli.display import display_for_pictures
from napari_tide.screens.sample_data import sample_folder

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Picture:
    """One picture: its file name, and how the window is set up for it."""

    name: str
    options: tuple[str, ...] = ()
    is_empty: bool = False


PICTURES = (
    Picture("plate_dark", ("--theme", "dark")),
    Picture("plate_light", ("--theme", "light")),
    Picture("plate_doses", ("--theme", "dark", "--colour-by", "dose_um")),
    Picture("plate_empty", ("--theme", "dark"), is_empty=True),
)

TRAINING_SHOWN = ("train_running_light",)


def main() -> int:
    """Take every picture; the exit status counts those that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screen", nargs="?", type=Path, help="the bundled sample when left out")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--all", action="store_true", help="keep every picture of the Train dock")
    options = parser.parse_args()
    screen = options.screen or sample_folder()
    options.out.mkdir(parents=True, exist_ok=True)
    with display_for_pictures() as environment:
        if environment is None:
            print("there is no display and Xvfb is not installed; apt-get install xvfb")
            return 2
        with tempfile.TemporaryDirectory() as folder:
            environment["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
            failed = [p for p in PICTURES if not _take(p, screen, options.out, environment)]
            themes = ("dark", "light") if options.all else ("light",)
            shown = None if options.all else TRAINING_SHOWN
            trained = [_train(theme, shown, options.out, environment) for theme in themes]
            return len(failed) + trained.count(False)


def _take(picture: Picture, screen: Path, out: Path, environment: dict[str, str]) -> bool:
    path = out / f"{picture.name}.png"
    source = "-" if picture.is_empty else str(screen)
    command = [sys.executable, "-m", "napari_tide._napari.screenshot", source, str(path)]
    done = subprocess.run([*command, *picture.options], env=environment, check=False)
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
                shutil.copyfile(picture, out / picture.name)
                print(out / picture.name)
    if done.returncode:
        print(f"failed: the {theme} pictures of the Train dock")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
