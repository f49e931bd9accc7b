"""Train the student in ``sample_data`` anew: simulate another world, pack it, train, copy it over.

    python scripts/make_sample_student.py --work build/student

About 3 minutes for the screen and 20 for the training on one core. What is there already is used
again, and an interrupted training goes on. Licence and description of the model card are the
recipe's (``sample_student``), and ``--set card.license=...`` changes them.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORLD = 7  # the bundled plate is world 2026
OFF_TARGET = 3  # strong direct effects, so that a small student learns something in minutes
LARGEST_MB = 6.5  # the folder of the sample stays under 25 MB


def main() -> None:
    """Make the student."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/student"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    world, pack, run = (given.work / name for name in ("world", "pack", "run"))
    if not (world / "world.json").is_file():
        tide("simulate", world, "--preset", "mini", "--seed", WORLD, "--off-target", OFF_TARGET)
    if not (pack / "pack.json").is_file():
        tide(
            "pack", world / "screen.parquet", "--out", pack, "--tile-size", 112, "--image-size", 64
        )
    settings = [part for setting in given.set for part in ("--set", setting)]
    resume = ["--resume"] if (run / "config.json").is_file() else []
    tide(
        "train",
        "sample_student",
        *("--data", pack, "--l1000", world / "l1000.gctx", "--out", run),
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
    size_mb = sum(path.stat().st_size for path in student.iterdir()) / 1e6
    if size_mb > LARGEST_MB:
        sys.exit(f"{student} has {size_mb:.1f} MB, more than the {LARGEST_MB} that can be shipped")
    if out.is_dir():
        shutil.rmtree(out)
    shutil.copytree(student, out)
    print(f"{out}: {size_mb:.1f} MB")


if __name__ == "__main__":
    main()
