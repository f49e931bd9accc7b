"""Train the student in ``sample_data`` anew: render another world, train, copy it over.

    python scripts/make_sample_student.py --work build/student

A few minutes on a GPU, an hour and a half on one core: the world has 41,400 images.
What is there already is used again, and an interrupted training goes on. Licence and description of
the model card are the recipe's (``sample_student``), and ``--set card.license=...`` changes them.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from tide_train.bench.tables.pixel_worlds import PACK
from tide_train.bench.tables.worlds import WorldKey, open_world

ROOT = Path(__file__).parents[1]
WORLD = WorldKey(7, off_target=3.0, size="paper")  # the bundled plate is of world 2026
LARGEST_MB = 6.8  # the folder of the sample stays under 25 MB


def main() -> None:
    """Make the student."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/student"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    world, run = given.work / WORLD.name, given.work / "run"
    open_world(WORLD, given.work)
    settings = [part for setting in given.set for part in ("--set", setting)]
    resume = ["--resume"] if (run / "config.json").is_file() else []
    tide(
        "train",
        "sample_student",
        *("--data", world / PACK, "--l1000", world / "l1000.gctx", "--out", run),
        *settings,
        *resume,
    )
    deliver(run / "student", ROOT / "sample_data" / "student")


def tide(*arguments: object) -> None:
    """Run one command of the product."""
    code = "from napari_tide.cli.main import main; main()"
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True)


def deliver(student: Path, out: Path) -> None:
    """Put the bundle into the sample's folder, if it is small enough to be shipped."""
    size_mb = sum(path.stat().st_size for path in student.rglob("*") if path.is_file()) / 1e6
    if size_mb > LARGEST_MB:
        sys.exit(f"{student} has {size_mb:.1f} MB, more than the {LARGEST_MB} that can be shipped")
    if out.is_dir():
        shutil.rmtree(out)
    shutil.copytree(student, out)
    print(f"{out}: {size_mb:.1f} MB")


if __name__ == "__main__":
    main()
