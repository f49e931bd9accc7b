"""JUMP-MOA: train on one plate without some compounds, find their kin on the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.align.alignment import Method as AlignmentMethod
from napari_tide.profiles.profiles import Profiles
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.training_data import TrainingTable
from tide_train.evaluate.compound_folds import compound_folds
from tide_train.evaluate.jump_tables import PLATES, MoaPlates
from tide_train.evaluate.query_retrieval import score_queries
from tide_train.evaluate.table_training import Embed

ALIGNMENTS: tuple[AlignmentMethod, ...] = ("center-scale", "pca-cs", "tvn")


@dataclass(frozen=True, slots=True, eq=False)
class MoaCase:
    """One direction and one fold.

    Parameters
    ----------
    plates
        Both plates.
    train, test
        Which plate trains, and which is looked at.
    held_out
        Compounds that do not train.
    """

    plates: MoaPlates
    train: str
    test: str
    held_out: tuple[str, ...]

    @property
    def table(self) -> TrainingTable:
        """The training plate, held-out compounds included: training is told to leave them."""
        return TrainingTable.from_profiles(self.plates.plate(self.train))

    @property
    def expression(self) -> ExpressionInputs:
        """L1000 of the few compounds that have some."""
        return self.plates.expression

    def score(self, embed: Embed, names: tuple[str, ...]) -> pd.DataFrame:
        """Score held-out compounds, once for each alignment.

        Parameters
        ----------
        embed
            From features to embeddings.
        names
            The features it wants, in its order.
        """
        profiles = self.plates.profiles
        position = {name: i for i, name in enumerate(profiles.feature_names)}
        embedded_ND = embed(profiles.features[:, [position[name] for name in names]])
        dims = tuple(f"d{i:04d}" for i in range(embedded_ND.shape[1]))
        embedded = profiles.with_features(embedded_ND.astype(np.float64), dims)
        parts = []
        for alignment in ALIGNMENTS:
            aligned = align_profiles(embedded, alignment)
            for task, found in (
                ("same mechanism", self._mechanisms(aligned)),
                ("replicates", self._replicates(aligned)),
            ):
                parts.append(found.assign(task=task, alignment=alignment))
        return pd.concat(parts, ignore_index=True).assign(part=f"{self.train} to {self.test}")

    def _mechanisms(self, aligned: Profiles) -> pd.DataFrame:
        """Rank the compounds of the test plate by their mean profile."""
        here = aligned.take(
            ~aligned.is_control & (aligned.column("Metadata_Plate") == self.test).to_numpy()
        )
        means = pd.DataFrame(here.features).groupby(here.column("Metadata_Compound")).mean()
        mechanism = self.plates.compounds["mechanism"].reindex(means.index).to_numpy()
        means, mechanism = means[mechanism != ""], mechanism[mechanism != ""]
        is_query = means.index.isin(self.held_out)
        is_other = means.index.to_numpy()[is_query][:, None] != means.index.to_numpy()[None]
        rows = means.to_numpy()
        found = score_queries(
            rows[is_query],
            rows,
            is_same_QG=mechanism[is_query][:, None] == mechanism[None],
            is_candidate_QG=is_other,
        )
        return found.assign(
            query=self.test + ":" + means.index[is_query], cluster=mechanism[is_query]
        )

    def _replicates(self, aligned: Profiles) -> pd.DataFrame:
        """Rank the wells of the training plate; the layouts are alike, so one place never meets."""
        treated = aligned.take(~aligned.is_control)
        plate, well, compound = (
            treated.column(f"Metadata_{name}").to_numpy() for name in ("Plate", "Well", "Compound")
        )
        is_query = (plate == self.test) & np.isin(compound, self.held_out)
        in_gallery = plate == self.train
        found = score_queries(
            treated.features[is_query],
            treated.features[in_gallery],
            is_same_QG=compound[is_query][:, None] == compound[in_gallery][None],
            is_candidate_QG=well[is_query][:, None] != well[in_gallery][None],
        )
        return found.assign(
            query=self.test + ":" + well[is_query].astype(object), cluster=compound[is_query]
        )


def moa_cases(plates: MoaPlates, *, n_folds: int, seed: int) -> Iterator[MoaCase]:
    """Give both directions of every fold."""
    compounds = plates.compounds
    folds = compound_folds(
        compounds.index.tolist(),
        n_folds=n_folds,
        seed=seed,
        strata=compounds["mechanism"].tolist(),
    )
    for fold in range(n_folds):
        held_out = tuple(map(str, compounds.index[folds == fold]))
        for train, test in (PLATES, PLATES[::-1]):
            yield MoaCase(plates, train, test, held_out)
