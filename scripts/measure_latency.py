"""Measure what a user waits for: ``python scripts/measure_latency.py``; one Markdown table out.

Opens the real window (on Xvfb where there is no display). Wells are measured on a plate of 384
wells of 9 sites and 5 channels of 1080 x 1080 pixels that is written for it, or on a screen you
name; the rest on random data of the size the budgets speak of. Figures of a busy machine are worth
little: the load is printed with them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import map_latencies
import numpy as np
import pandas as pd

from napari_tide.cli.display import display_for_pictures

_REPEATS = 10
_INSIDE = "NAPARI_TIDE_MEASURES"
_CHANNELS = ("DNA", "ER", "RNA", "AGP", "Mito")
_N_SITES, _SIDE_PX, _N_FIELDS = 9, 1080, 3


@dataclass(frozen=True)
class Latency:
    """What was waited for, how long it may take, and how long it took, in milliseconds."""

    what: str
    budget_ms: float
    taken_ms: list[float]

    def row(self) -> str:
        """Give a line of the table."""
        median, worst = float(np.median(self.taken_ms)), max(self.taken_ms)
        met = "yes" if median < self.budget_ms else "**no**"
        return f"| {self.what} | {self.budget_ms:.0f} | {median:.1f} | {worst:.1f} | {met} |"


def main() -> int:
    """Measure in a child that has a display."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screen", nargs="?", type=Path, help="a plate is written when left out")
    options = parser.parse_args()
    if os.environ.get(_INSIDE):
        _measure(options.screen)
        return 0
    with display_for_pictures() as environment, tempfile.TemporaryDirectory() as folder:
        if environment is None:
            print("there is no display and Xvfb is not installed; apt-get install xvfb")
            return 2
        screen = options.screen or write_plate(Path(folder) / "plate")
        environment |= {
            _INSIDE: "1",
            "NAPARI_CONFIG": str(Path(folder) / "settings.yaml"),
            "NAPARI_TIDE_CACHE": str(Path(folder) / "cache"),
        }
        command = [sys.executable, __file__, str(screen)]
        return subprocess.run(command, env=environment, check=False).returncode


def write_plate(folder: Path) -> Path:
    """Write a load_data.csv of a whole plate; its sites share a few fields' images."""
    import tifffile

    from napari_tide.screens.plate_format import PlateFormat

    folder.mkdir()
    rng = np.random.default_rng(0)
    for field in range(_N_FIELDS):
        for channel in _CHANNELS:
            plane = rng.integers(100, 4000, (_SIDE_PX, _SIDE_PX)).astype(np.uint16)
            tifffile.imwrite(folder / f"{field}_{channel}.tiff", plane)
    wells = [well.name for well in PlateFormat.of(384).wells()]
    table = pd.DataFrame(
        [("P1", well, site + 1) for well in wells for site in range(_N_SITES)],
        columns=["Metadata_Plate", "Metadata_Well", "Metadata_Site"],
    )
    for channel in _CHANNELS:
        files = [f"{row % _N_FIELDS}_{channel}.tiff" for row in range(len(table))]
        table[f"FileName_Orig{channel}"], table[f"PathName_Orig{channel}"] = files, str(folder)
    for name in ("load_data.csv", "load_data_again.csv"):  # opened in turns
        table.to_csv(folder / name, index=False)
    return folder / "load_data.csv"


def _measure(screen: Path) -> None:
    import well_latencies  # napari, only where there is a display

    rows = [
        *(Latency(*row) for row in well_latencies.measure(screen)),
        Latency("another drug, dense map, 1080 x 1080 in 16 tiles", 50, _drug_change()),
        *(Latency(*row) for row in map_latencies.measure()),
        Latency("sort 100,000 hits, table painted", 50, _sort()),
        Latency("repaint of 1,536 wells in other colours", 33, _repaint()),
    ]
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    print(f"{today}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, ", end="")
    print(f"load {load:.1f} per core; times of the wall clock.\n")
    print("| what | budget, ms | median, ms | worst, ms | met |\n|---|---|---|---|---|")
    for row in rows:
        print(row.row())


def _drug_change() -> list[float]:
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
    drugs = iter(range(1, n_drugs))

    def choose() -> None:
        layer.data = scores.patch_map(scorer, next(drugs))

    return _times(choose)


def _sort() -> list[float]:
    """Time a sorted list on screen, from the click on a column's title."""
    from well_latencies import process_for

    from napari_tide._napari.widgets.hit_table_view import HitTableView
    from napari_tide.discovery.hit_table import COLUMNS, TEXTS
    from napari_tide.viewmodels.hit_list_view import HitListView
    from napari_tide.viewmodels.hit_rows import HitRows

    n_rows, rng = 100_000, np.random.default_rng(0)
    numbers = {name: rng.uniform(0, 1, n_rows) for name in COLUMNS if name not in TEXTS}
    texts = {name: [""] * n_rows for name in TEXTS}
    texts["compound"] = [f"C{number}" for number in rng.permutation(n_rows)]
    whole = {"rank": np.arange(1, n_rows + 1), "n_replicates": np.full(n_rows, 4)}
    hits = HitListView()
    view = HitTableView(hits)
    view.resize(350, 600)
    view.show()
    hits.show(HitRows(pd.DataFrame({**texts, **numbers, **whole})))
    process_for(0.2)
    columns = iter(("compound", "score", "q_value", "rank") * 4)

    def sort() -> None:
        hits.sort(next(columns), is_descending=True)
        view.viewport().repaint()

    taken = _times(sort)
    view.close()
    return taken


def _repaint() -> list[float]:
    """Time one repaint of a full 1536-well plate."""
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

    def paint() -> None:
        plate.colours_changed.emit()
        widget.render(picture)

    return _times(paint)


def _times(action: Callable[[], None]) -> list[float]:
    """Give milliseconds of some repeats; the first, which also prepares, is left out."""
    action()
    return list(_each(action))


def _each(action: Callable[[], None]) -> Iterator[float]:
    for _ in range(_REPEATS):
        start = time.perf_counter()
        action()
        yield _since(start)


def _since(start: float) -> float:
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
