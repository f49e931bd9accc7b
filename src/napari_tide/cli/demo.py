"""``tide demo``: the bundled screen, in napari or as pictures."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from napari_tide.cli.app import open_napari
from napari_tide.cli.display import display_for_pictures, has_display
from napari_tide.errors import OutputWriteError

_TIMEOUT_S = 180
STUDENT = "student"

Headless = Annotated[
    bool, typer.Option("--headless", help="Write pictures instead of opening a window.")
]
Out = Annotated[Path, typer.Option(help="The folder pictures are written to.")]


def run(*, headless: Headless = False, out: Out = Path("demo")) -> None:
    """Open napari on the bundled plate; with no display, write pictures of it instead."""
    from napari_tide.screens.sample_data import sample_folder

    sample = sample_folder()
    if not headless and has_display():
        open_napari(sample)
        return
    if not headless:
        print("There is no display, so the demo writes pictures.")
    _make_folder(out)
    print(f"montage of the plate: {_write_montage(sample, out / 'montage.png')}")
    if (sample / STUDENT).is_dir():
        from napari_tide.cli.demo_results import write_results

        for said in write_results(sample, sample / STUDENT, out):
            print(said)
    print(_write_screenshot(sample, out / "screenshot.png"))


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder {out}: {error.strerror}; choose another --out"
        raise OutputWriteError(message) from error


def _write_montage(sample: Path, path: Path) -> Path:
    from napari_tide.screens.open_screen import open_screen
    from napari_tide.viewmodels.montage import plate_montage, write_png

    screen = open_screen(sample)
    write_png(plate_montage(screen, screen.plate_names[0]), path)
    return path


def _write_screenshot(sample: Path, path: Path) -> str:
    """Take the picture in a child process; say in a sentence what came of it."""
    if find_spec("napari") is None:
        return 'no picture of the window: napari is missing; pip install "napari-tide[napari]"'
    with display_for_pictures() as environment:
        if environment is None:
            return "no picture of the window: there is no display and Xvfb is not installed"
        command = [sys.executable, "-m", "napari_tide._napari.screenshot"]
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                [*command, str(sample), str(path)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no picture of the window: it took longer than {_TIMEOUT_S} s"
    if done.returncode or not path.is_file():
        said = (done.stderr.strip().splitlines() or ["it stopped without a word"])[-1]
        return f"no picture of the window: {said}"
    return f"picture of the window: {path}"
