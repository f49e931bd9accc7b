"""JUMP-Target-1: train without some compounds, find those with the same target or mechanism."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.label_retrieval import share_a_label
from napari_tide.profiles.align.alignment import principal_axes
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.training_data import TrainingTable
from tide_train.evaluate.compound_folds import compound_folds
from tide_train.evaluate.jump_tables import TargetCompounds
from tide_train.evaluate.query_retrieval import score_queries
from tide_train.evaluate.table_training import Embed

SCALINGS = ("none", "scaled", "whitened")
N_COMPONENTS = 50

Rows = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class TargetCase:
    """One fold.

    Parameters
    ----------
    compounds
        All of them.
    is_held_out_N
        Which do not train.
    """

    compounds: TargetCompounds
    is_held_out_N: npt.NDArray[np.bool_]

    @property
    def held_out(self) -> tuple[str, ...]:
        """Names of the compounds that do not train."""
        names = self.compounds.profiles.column("Metadata_Compound")
        return tuple(names[self.is_held_out_N])

    @property
    def table(self) -> TrainingTable:
        """All compounds: training is told which to leave."""
        return TrainingTable.from_profiles(self.compounds.profiles)

    @property
    def expression(self) -> ExpressionInputs:
        """Consensus signatures."""
        return self.compounds.expression

    def score(self, embed: Embed, names: tuple[str, ...]) -> pd.DataFrame:
        """Score held-out compounds against all others, once for each scaling.

        The table holds no controls, so embeddings are scaled by the training compounds instead.
        """
        assert names == self.compounds.profiles.feature_names, "no feature here is constant"
        embedded_ND = embed(self.compounds.profiles.features).astype(np.float64)
        parts = []
        for scaling in SCALINGS:
            rows_ND = scaled_by(embedded_ND, embedded_ND[~self.is_held_out_N], scaling)
            for task, labels in self._labels().items():
                found = self._retrieval(rows_ND, labels)
                parts.append(found.assign(task=task, alignment=scaling))
        return pd.concat(parts, ignore_index=True).assign(part="all")

    def _labels(self) -> dict[str, list[frozenset[str]]]:
        mechanisms = [frozenset({word} - {""}) for word in self.compounds.mechanisms]
        return {"same target": list(self.compounds.targets), "same mechanism": mechanisms}

    def _retrieval(self, rows_ND: Rows, labels: list[frozenset[str]]) -> pd.DataFrame:
        molecule = np.asarray(self.compounds.molecules)
        is_labelled = np.array([bool(names) for names in labels])
        is_query = is_labelled & self.is_held_out_N
        is_other_NN = (molecule[:, None] != molecule[None]) & is_labelled[None]
        found = score_queries(
            rows_ND[is_query],
            rows_ND,
            is_same_QG=share_a_label(labels)[is_query],
            is_candidate_QG=is_other_NN[is_query],
        )
        names = self.compounds.profiles.column("Metadata_Compound").to_numpy()
        return found.assign(query=names[is_query], cluster=molecule[is_query])


def scaled_by(rows_ND: Rows, training_MD: Rows, scaling: str) -> Rows:
    """Centre and scale each dimension, or whiten the first 50 principal ones, by training rows."""
    if scaling == "none":
        return rows_ND
    if scaling == "scaled":
        spread_D = training_MD.std(axis=0)
        scaled: Rows = (rows_ND - training_MD.mean(axis=0)) / np.where(spread_D > 0, spread_D, 1.0)
        return scaled
    mean, axes = principal_axes(training_MD.astype(np.float64))
    rotated = (rows_ND - mean) @ axes[:, :N_COMPONENTS]
    spread = ((training_MD - mean) @ axes[:, :N_COMPONENTS]).std(axis=0)
    whitened: Rows = rotated / np.where(spread > 1e-9 * spread.max(), spread, np.inf)
    return whitened


def target_cases(compounds: TargetCompounds, *, n_folds: int, seed: int) -> Iterator[TargetCase]:
    """Give every fold."""
    folds = compound_folds(list(compounds.molecules), n_folds=n_folds, seed=seed)
    for fold in range(n_folds):
        yield TargetCase(compounds, folds == fold)
