"""The scFM's table: responses of held-out drugs beside the baselines, over several seeds.

``python -m tide_train.evaluate.l1000_table FILE --structures TABLE --seeds 100-104`` trains once a
seed (split, weights and batches) and prints the table; ``--world 100`` does so on simulated
expression instead.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from napari_tide.errors import ExpressionMissingError, TideError
from napari_tide.simulate.presets import find_preset
from napari_tide.simulate.simulation import SimulationSettings, simulate
from tide_train.data.expression_inputs import (
    ExpressionInputs,
    expression_inputs,
    read_expression_inputs,
)
from tide_train.data.structures import read_structures
from tide_train.evaluate.response_report import ResponseReport
from tide_train.evaluate.response_seeds import to_json, to_markdown
from tide_train.methods.expression_response import (
    ExpressionResponseConfig,
    fit_expression_response,
)

_log = logging.getLogger(__name__)


def real_inputs(paths: Sequence[Path], structures: Sequence[Path]) -> ExpressionInputs:
    """Read L1000 files of level 3, and fill in structures they do not hold.

    Raises
    ------
    TideError
        A file is not there or cannot be used.
    """
    try:
        inputs = read_expression_inputs(paths)
    except ExpressionMissingError as error:
        message = (
            f"{error}; the published table needs cmapPy's test file test_l1000.gct.gz: plate "
            "LJP005_A375_24H_X1_B19 of LINCS, level 3"
        )
        raise ExpressionMissingError(message) from error
    return inputs.with_structures(read_structures(structures))


def simulated_inputs(seed: int) -> ExpressionInputs:
    """Simulate the expression of a world's ``mini`` screen."""
    settings = SimulationSettings(find_preset("mini"), seed, is_features_only=True)
    return expression_inputs([simulate(settings).expression])


def fit_seeds(
    inputs: ExpressionInputs, seeds: Sequence[int], config: ExpressionResponseConfig
) -> list[ResponseReport]:
    """Train once a seed, and report each."""
    reports = []
    for seed in seeds:
        seeded = config.model_copy(update={"seed": seed})
        reports.append(fit_expression_response(inputs, seeded).report)
        _log.info("seed %d\n%s", seed, reports[-1].to_markdown())
    return reports


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    parser = argparse.ArgumentParser(prog="l1000_table", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="GCT or GCTX files of level 3")
    parser.add_argument("--world", type=int, help="simulate this world's expression instead")
    parser.add_argument(
        "--structures", nargs="+", type=Path, default=[], help="tables that give drugs' SMILES"
    )
    parser.add_argument("--seeds", type=_seeds, default=range(100, 105), help="such as 100-104")
    parser.add_argument("--checkpoint", type=Path, help="official scGPT folder to start from")
    parser.add_argument("--json", type=Path, help="write every seed's scores and curve here")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if (given.world is None) == (not given.files):
        parser.error("give L1000 files, or --world and a seed")
    try:
        inputs = (
            real_inputs(given.files, given.structures)
            if given.world is None
            else simulated_inputs(given.world)
        )
        config = ExpressionResponseConfig(scfm_checkpoint=given.checkpoint)
        reports = fit_seeds(inputs, given.seeds, config)
    except TideError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(to_markdown(reports))
    if given.json is not None:
        given.json.write_text(to_json(reports, given.seeds), encoding="utf-8")
    return 0


def _seeds(text: str) -> Sequence[int]:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
