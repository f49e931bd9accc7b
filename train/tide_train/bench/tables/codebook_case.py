"""Figure 4: does the learned codebook place drugs by mechanism? A number first, then a picture.

Every pair of training drugs is asked. The picture then shows the pair that the rule finds: of all
pairs with one strongest pathway, the one that moved together most between the two maps. Such a pair
can be found in any two maps, so the area under the curve over all pairs stands beside it.

Shapes: K drugs, D width, P pathways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped, unused-ignore]

from napari_tide.chem.fingerprints import jaccard_similarities
from napari_tide.profiles.project import project
from tide_train.bench.tables.learned_codebook import LearnedCodebook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACTIVE = 0.3
"""Strongest pathway activity at the highest dose from which a drug has a mechanism at all."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CodebookCase:
    """What fingerprints and codebook say of mechanism.

    Parameters
    ----------
    names, pathway_K
        The active training drugs, and the pathway each acts on most.
    fingerprint_K2, codebook_K2
        Both maps.
    fingerprint_auc, codebook_auc
        Chance that a pair of one mechanism is more alike than one of two.
    pair
        Positions of the two drugs the rule finds.
    """

    names: tuple[str, ...]
    pathway_K: npt.NDArray[np.int64]
    fingerprint_K2: npt.NDArray[np.float32]
    codebook_K2: npt.NDArray[np.float32]
    fingerprint_auc: float
    codebook_auc: float
    pair: tuple[int, int]


def codebook_case(codebook: LearnedCodebook, pathway_of: Mapping[str, int]) -> CodebookCase:
    """Compare a learned codebook with the fingerprints it started from.

    Parameters
    ----------
    pathway_of
        Of the active drugs, as `strongest_pathways` reads them.
    """
    kept = _active(codebook, pathway_of)
    names = tuple(codebook.names[k] for k in kept)
    pathway_K = np.array([pathway_of[name] for name in names])
    bits_KF, prototypes_KD = codebook.bits_KF[kept], codebook.prototypes_KD[kept]
    fingerprint_K2 = project(bits_KF, space="fingerprint")
    codebook_K2 = project(prototypes_KD, space="codebook")
    fingerprint_auc, codebook_auc = mechanism_aucs(codebook, pathway_of)
    return CodebookCase(
        names=names,
        pathway_K=pathway_K,
        fingerprint_K2=fingerprint_K2,
        codebook_K2=codebook_K2,
        fingerprint_auc=fingerprint_auc,
        codebook_auc=codebook_auc,
        pair=pair_that_moved_together(fingerprint_K2, codebook_K2, pathway_K),
    )


def mechanism_aucs(codebook: LearnedCodebook, pathway_of: Mapping[str, int]) -> tuple[float, float]:
    """Give the chance that a pair of one mechanism is more alike: by fingerprint, by codebook."""
    kept = _active(codebook, pathway_of)
    pathway_K = [pathway_of[codebook.names[k]] for k in kept]
    bits_KF, prototypes_KD = codebook.bits_KF[kept], codebook.prototypes_KD[kept].astype(float)
    return (
        same_mechanism_auc(jaccard_similarities(bits_KF, bits_KF), pathway_K),
        same_mechanism_auc(prototypes_KD @ prototypes_KD.T, pathway_K),
    )


def _active(codebook: LearnedCodebook, pathway_of: Mapping[str, int]) -> list[int]:
    return [k for k, name in enumerate(codebook.names) if name in pathway_of]


def strongest_pathways(path: Path) -> dict[str, int]:
    """Read which pathway each active drug changes most at its highest dose, over cell lines."""
    table = pd.read_csv(path)
    drugs = table[table["perturbation_type"] == "compound"]
    drugs = drugs[drugs["dose_um"] == drugs["dose_um"].max()]
    activity = drugs.filter(like="activity_").abs().groupby(drugs["name"]).mean()
    active = activity[activity.max(axis=1) >= ACTIVE]
    return {
        str(name): int(np.argmax(row))
        for name, row in zip(active.index, active.to_numpy(), strict=True)
    }


def same_mechanism_auc(alike_KK: npt.NDArray[np.floating], pathway_K: npt.ArrayLike) -> float:
    """Give the chance that a pair of one pathway is more alike than a pair of two."""
    pathway = np.asarray(pathway_K)
    first, second = np.triu_indices(len(pathway), k=1)
    return float(roc_auc_score(pathway[first] == pathway[second], alike_KK[first, second]))


def pair_that_moved_together(
    before_K2: npt.NDArray[np.floating],
    after_K2: npt.NDArray[np.floating],
    pathway_K: npt.ArrayLike,
) -> tuple[int, int]:
    """Find the pair of one pathway whose rank of distance falls most from one map to the other."""
    pathway = np.asarray(pathway_K)
    first, second = np.triu_indices(len(pathway), k=1)
    ranks = [
        pd.Series(np.linalg.norm(points[first] - points[second], axis=1)).rank(pct=True).to_numpy()
        for points in (before_K2, after_K2)
    ]
    fell = np.where(pathway[first] == pathway[second], ranks[0] - ranks[1], -np.inf)
    best = int(np.argmax(fell))
    return int(first[best]), int(second[best])


def draw_case(case: CodebookCase) -> Figure:
    """Draw both maps with the pair marked."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(9.2, 4.2), layout="constrained")
    panels = figure.subplots(1, 2)
    pairs = (
        (panels[0], case.fingerprint_K2, "fingerprint (FCFP4)", case.fingerprint_auc),
        (panels[1], case.codebook_K2, "learned codebook", case.codebook_auc),
    )
    is_own = case.pathway_K == case.pathway_K[case.pair[0]]
    for panel, points, title, auc in pairs:
        panel.scatter(*points[~is_own].T, s=14, color="#BBBBBB", linewidths=0)
        panel.scatter(*points[is_own].T, s=18, color="#56B4E9", linewidths=0)
        higher = max(case.pair, key=lambda drug: points[drug][1])
        for drug in case.pair:
            panel.scatter(*points[drug], s=60, color="#D55E00", zorder=3)
            beside = (6, 6) if drug == higher else (6, -14)  # apart where the two lie together
            panel.annotate(
                case.names[drug], points[drug], xytext=beside, textcoords="offset points"
            )
        panel.set(title=f"{title}: same mechanism, AUC {auc:.3f}", xticks=[], yticks=[])
        panel.title.set_fontsize(10)
        panel.spines[["top", "right"]].set_visible(False)
    return figure
