"""Measure the Plate dock against its budgets: ``python scripts/measure_latency.py``; Markdown out.

Opens the real window (on Xvfb where there is no display) on a simulated plate, and times what a
user waits for. Figures of a busy machine are worth little: the load is printed with them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_tide.cli.display import display_for_pictures
from napari_tide.screens.sample_data import sample_folder

_REPEATS = 5
_INSIDE = "NAPARI_TIDE_MEASURES"


def main() -> int:
    """Measure in a child that has a display."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screen", nargs="?", type=Path, help="the bundled sample when left out")
    options = parser.parse_args()
    screen = options.screen or sample_folder()
    if os.environ.get(_INSIDE):
        _measure(screen)
        return 0
    with display_for_pictures() as environment, tempfile.TemporaryDirectory() as folder:
        if environment is None:
            print("there is no display and Xvfb is not installed; apt-get install xvfb")
            return 2
        environment |= {
            _INSIDE: "1",
            "NAPARI_CONFIG": str(Path(folder) / "settings.yaml"),
            "NAPARI_TIDE_CACHE": str(Path(folder) / "cache"),
        }
        command = [sys.executable, __file__, str(screen)]
        return subprocess.run(command, env=environment, check=False).returncode


def _measure(screen: Path) -> None:
    first, following = _wells(screen)
    rows = [
        ("first well after opening a plate", 1000.0, first),
        ("next well", 100.0, following),
        ("another drug, dense map, 1080 x 1080 in 16 tiles", 50.0, _drug_change()),
        ("repaint of 1536 wells", 33.0, _repaint()),
    ]
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    print(f"Load {load:.1f} per core while measuring; medians.\n")
    print("| what | budget, ms | measured, ms |\n|---|---|---|")
    for name, budget, measured in rows:
        print(f"| {name} | {budget:.0f} | {measured:.0f} |")


def _wells(source: Path) -> tuple[float, float]:
    """Time the first well from opening the plate, and the next ones from the click."""
    from napari_tide._napari.launch import open_viewer
    from napari_tide._napari.viewer_desk import desk_of

    viewer = open_viewer(None)
    desk = desk_of(viewer)
    start = time.perf_counter()
    desk.opener.open(source)
    _process_until(lambda: bool(viewer.layers) and not desk.layers.is_loading)
    first = time.perf_counter() - start
    taken = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        desk.session.step_well(1)
        _process_until(lambda: not desk.layers.is_loading)
        taken.append(time.perf_counter() - start)
    viewer.close()
    return first * 1000, _median_ms(taken)


def _drug_change() -> float:
    """Time new data of a layer after another drug was chosen: product, painting, assigning."""
    import torch
    from napari.layers import Image

    from napari_tide.imaging.tile_grid import TileGrid
    from napari_tide.inference.drug_scorer import DrugScorer
    from napari_tide.students.codebook import CodebookConfig
    from napari_tide.students.encoders.encoder_config import EncoderConfig
    from napari_tide.students.student import Student, StudentConfig
    from napari_tide.viewmodels.field_scores import FieldScores

    n_drugs, rng = 1662, np.random.default_rng(0)
    encoder = EncoderConfig.sized("micro", channels=("DNA",), width=384, heads=6)
    codebook = CodebookConfig(mode="none", n_drugs=n_drugs, n_features=1)
    config = StudentConfig(encoder=encoder, codebook=codebook)
    student = Student(config, torch.zeros(n_drugs, 1)).eval()
    with torch.inference_mode():
        prototypes_KD = student.codebook().numpy()
    names = tuple(f"drug {number}" for number in range(n_drugs))
    scorer = DrugScorer(student, names, prototypes_KD, config.tau)
    tiles_ND = rng.normal(size=(16, 384)).astype(np.float32)
    patches_NHWD = rng.normal(size=(16, 14, 14, 384)).astype(np.float32)
    scores = FieldScores(
        TileGrid((1080, 1080), 270), scorer.place(tiles_ND), scorer.place(patches_NHWD)
    )
    layer = Image(scores.patch_map(scorer, 0), contrast_limits=(0, 1))
    taken = []
    for drug in range(1, 2 * _REPEATS):
        start = time.perf_counter()
        layer.data = scores.patch_map(scorer, drug)
        taken.append(time.perf_counter() - start)
    return _median_ms(taken)


def _repaint() -> float:
    """Time one repaint of a full 1536-well plate."""
    import pandas as pd
    from qtpy.QtGui import QPixmap

    from napari_tide._napari.widgets.plate_map import PlateMap
    from napari_tide.screens.assemble import assemble_screen
    from napari_tide.screens.plate_format import PlateFormat
    from napari_tide.viewmodels.plate import PlateViewModel
    from napari_tide.viewmodels.session import Session

    names = [well.name for well in PlateFormat.of(1536).wells()]
    table = [("P1", name, 1, "DNA", f"{name}.tif") for name in names]
    planes = pd.DataFrame(table, columns=["plate", "well", "site", "label", "address"])
    session = Session()
    plate = PlateViewModel(session)
    screen = assemble_screen(planes, root=Path.cwd(), format="test", source="1536 wells")
    session.open(screen)
    widget = PlateMap(plate)
    widget.resize(480, 340)
    picture = QPixmap(widget.size())
    taken = []
    for _ in range(2 * _REPEATS):
        start = time.perf_counter()
        widget.render(picture)
        taken.append(time.perf_counter() - start)
    return _median_ms(taken)


def _process_until(is_so: Callable[[], bool], timeout_s: float = 60.0) -> None:
    from qtpy.QtWidgets import QApplication

    ends = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < ends:
        QApplication.processEvents()


def _median_ms(seconds: list[float]) -> float:
    return float(np.median(seconds)) * 1000


if __name__ == "__main__":
    sys.exit(main())
