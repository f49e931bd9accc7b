"""Table 6: how well the scFM predicts what an unseen drug does to expression, world by world."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from tide_train.bench.tables.collect import by_world, over_worlds
from tide_train.bench.tables.report_table import Estimate, Table
from tide_train.bench.tables.worlds import World
from tide_train.evaluate.response_report import HEADINGS, SCORES
from tide_train.methods.expression_response import (
    ExpressionResponseConfig,
    fit_expression_response,
)

SCFM = "scfm"
"""The arm that has no images: the scFM alone, on a world's expression."""

RESPONSES = "responses"
"""Its only read-out."""

_OURS, _PLAIN = "scFM", "mean perturbation"
_LESS = f"{_OURS} less {_PLAIN}"


def score_responses(world: World, config: ExpressionResponseConfig) -> Mapping[str, float]:
    """Train the scFM on a world's expression, and score it beside what needs no learning."""
    rows = fit_expression_response(world.expression, config).report.rows
    found = {
        f"{name}: {score}": value
        for name, scores in rows.items()
        for score, value in scores.items()
        if value is not None
    }
    for score in SCORES:
        ours, plain = rows[_OURS][score], rows[_PLAIN][score]
        if ours is not None and plain is not None:
            found[f"{_LESS}: {score}"] = ours - plain
    return found


def responses_table(scores: pd.DataFrame) -> Table:
    """Summarise over worlds."""
    here = scores[scores["read_out"] == RESPONSES]
    names = dict.fromkeys(name.partition(": ")[0] for name in here["score"])
    lines = [
        (
            name,
            *(
                Estimate(
                    over_worlds(by_world(here[here["score"] == f"{name}: {score}"])),
                    is_gain=name == _LESS,
                )
                for score in SCORES
            ),
        )
        for name in names
    ]
    return Table(
        "Table 6",
        "Expression after drugs the scFM was not trained on, means over conditions",
        ("", *HEADINGS),
        tuple(lines),
    )
