"""Train every method on every fold and collect the scores of the compounds it did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import pandas as pd

from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.training_data import TrainingTable
from tide_train.evaluate.table_training import Embed, Rows, train_on_table
from tide_train.overrides import changed, with_overrides
from tide_train.recipes.real_tables import needs_rna, real_table_recipe
from tide_train.run_config import RunConfig

BEFORE = "features"
"""The table as it is, under the same alignment: what training has to beat."""


class Case(Protocol):
    """One split of a data set, which can train and judge."""

    @property
    def table(self) -> TrainingTable:
        """Rows to train on."""

    @property
    def expression(self) -> ExpressionInputs:
        """Transcriptomes to pair with them."""

    @property
    def held_out(self) -> tuple[str, ...]:
        """Compounds that do not train."""

    def score(self, embed: Embed, names: tuple[str, ...]) -> pd.DataFrame:
        """Judge an embedding."""


Cases = Callable[[int], Iterable[Case]]


def held_out_scores(
    cases: Cases,
    arms: Sequence[str],
    *,
    seeds: Sequence[int],
    settings: Sequence[str] = (),
    announce: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Score every arm on every case of every seed.

    Parameters
    ----------
    cases
        Gives a seed's cases.
    arms
        Recipes of `tide_train.recipes.real_tables`; the features themselves come first anyway.
    seeds
        Each draws folds and trains anew.
    settings
        Overrides for every recipe, such as ``n_steps=100``.
    announce
        Told what was done.

    Returns
    -------
    A row per query, task, alignment, arm and seed.
    """
    parts = []
    for seed in seeds:
        for number, case in enumerate(cases(seed)):
            table = case.table
            for arm in (BEFORE, *arms):
                embed = (
                    _as_it_is
                    if arm == BEFORE
                    else train_on_table(
                        arm_config(arm, case.held_out, seed=seed, settings=settings),
                        table,
                        expression=case.expression if needs_rna(arm) else None,
                    )
                )
                scores = case.score(embed, table.feature_names)
                parts.append(scores.assign(arm=arm, seed=seed))
            if announce is not None:
                announce(f"seed {seed}, split {number + 1}: {len(arms)} trainings")
    return pd.concat(parts, ignore_index=True)


def arm_config(
    arm: str, held_out: Sequence[str], *, seed: int, settings: Sequence[str] = ()
) -> RunConfig:
    """Give an arm's configuration for one split."""
    config = with_overrides(real_table_recipe(arm), settings)
    return changed(config, {"data.held_out_compounds": list(held_out), "seed": seed})


def _as_it_is(rows_NF: Rows) -> Rows:
    return rows_NF
