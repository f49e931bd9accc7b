"""``python -m tide_train.bench``: ``tide bench step`` for a machine that only trains."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from napari_tide.errors import TideError
from tide_train.bench.training_step import PRESETS, measure_training_step


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 2 after an error."""
    parser = argparse.ArgumentParser(prog="python -m tide_train.bench", description=__doc__)
    parser.add_argument("--preset", choices=list(PRESETS))
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--compile", action="store_true", help="compile the encoder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        report = measure_training_step(
            given.preset,
            device=given.device,
            batch_size=given.batch_size,
            is_compiled=given.compile,
            announce=_tell,
        )
    except TideError as error:
        sys.stderr.write(f"tide_train.bench: {error}\n")
        return 2
    sys.stdout.write((report.to_json() if given.json else report.to_markdown()) + "\n")
    return 0


def _tell(said: str) -> None:
    sys.stderr.write(f"{said} ...\n")


if __name__ == "__main__":
    sys.exit(main())
