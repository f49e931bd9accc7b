"""A drug given as SMILES among the student's drugs: which are nearest, and where that puts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_tide.chem.smiles import clean_smiles, standard_or_blank
from napari_tide.errors import MoleculeValueError, StudentValueError

if TYPE_CHECKING:
    from napari_tide.inference.new_drugs import NearDrug, NewDrugs

N_NEAREST = 5
_SMALLEST_DISTANCE = 1e-6


@dataclass(frozen=True)
class NewDrug:
    """A pasted SMILES with the drugs nearest to it by structure and by learned effect.

    `problem` says why one of the two is missing.
    """

    smiles: str
    nearest: Mapping[str, tuple[NearDrug, ...]]
    problem: str = ""


def find_neighbours(new_drugs: NewDrugs, smiles: str) -> NewDrug:
    """Find the nearest drugs of a SMILES on both drug maps.

    Raises
    ------
    MoleculeValueError
        It is no SMILES.
    """
    text = clean_smiles(smiles)
    if not standard_or_blank(text):
        message = (
            f"{smiles!r} is neither a drug, mechanism or target here nor a SMILES; try another"
        )
        raise MoleculeValueError(message)
    nearest: dict[str, tuple[NearDrug, ...]] = {}
    problems = []
    for name, space in (("chemistry", "fingerprint"), ("codebook", "codebook")):
        try:
            nearest[name] = new_drugs.nearest(
                text, n=N_NEAREST, space="fingerprint" if space == "fingerprint" else "codebook"
            )
        except (MoleculeValueError, StudentValueError) as error:
            problems.append(str(error))
    return NewDrug(text, nearest, "; ".join(problems))


def place_between(
    places_K2: npt.NDArray[np.floating], neighbours: Sequence[tuple[int, float]]
) -> tuple[float, float] | None:
    """Give the mean place of neighbours, weighted by one over their distance.

    That is where UMAP's own transform starts from. A drug that is on the map already lies on
    itself. Nothing where no neighbour has a place.

    Parameters
    ----------
    neighbours
        Number and similarity (1 is the same) of each.
    """
    placed = [(k, s) for k, s in neighbours if np.isfinite(places_K2[k]).all()]
    if not placed:
        return None
    distances = np.maximum([1 - similarity for _, similarity in placed], _SMALLEST_DISTANCE)
    weights = 1 / distances
    x, y = (places_K2[[k for k, _ in placed]] * weights[:, None]).sum(axis=0) / weights.sum()
    return float(x), float(y)
