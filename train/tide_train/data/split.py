"""Which rows train, which choose the checkpoint, and which drugs stay unseen.

A validation image never shares a well with a training image of the same perturbation where the
screen has a second well; where it has only one, sites or tiles of that well are split, and a
warning says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import TrainValueError

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows that train, rows that choose, and rows of drugs left out of both."""

    training: Rows
    validation: Rows
    held_out: Rows
    warnings: tuple[str, ...] = ()


def perturbations(metadata: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Name each row's perturbation: compound or gene, empty for negative controls."""
    compound, gene, control = (
        _text(metadata, name) for name in ("Metadata_Compound", "Metadata_Gene", "Metadata_Control")
    )
    named = np.where(compound != "", compound, np.where(gene != "", "gene:" + gene, ""))
    return np.where(control == "negcon", "", named).astype(object)


def split_rows(
    metadata: pd.DataFrame,
    *,
    n_validation: int = 10,
    held_out_compounds: Sequence[str] = (),
    seed: int = 0,
) -> Split:
    """Split rows by wells.

    Parameters
    ----------
    metadata
        One row per sample.
    n_validation
        About so many images of each perturbation choose the checkpoint (the paper takes 10).
    held_out_compounds
        Compounds whose images are not trained on at all.
    seed
        Draws the wells.

    Raises
    ------
    TrainValueError
        A compound to be held out is not in the data, or nothing is left to train on.
    """
    names = perturbations(metadata)
    held = np.isin(_text(metadata, "Metadata_Compound"), list(held_out_compounds))
    _refuse_unknown(held_out_compounds, metadata)
    random = np.random.default_rng([seed, 7])
    wells = _groups(metadata, ("Metadata_Plate", "Metadata_Well"))
    tiles = _groups(metadata, ("Metadata_Plate", "Metadata_Well", "Metadata_Site"))
    chosen: list[Rows] = []
    crowded: list[str] = []
    for name, found in pd.Series(names).groupby(names, sort=True).indices.items():
        rows = np.asarray(found, np.int64)[~held[found]]
        if name == "" or len(rows) < 2:
            continue
        taken, is_within_well = _choose(rows, wells, tiles, n_validation, random)
        chosen.append(taken)
        if is_within_well:
            crowded.append(str(name))
    validation = np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)
    is_training = ~held
    is_training[validation] = False
    if not is_training.any():
        message = "no image is left to train on; hold out fewer compounds"
        raise TrainValueError(message)
    return Split(np.flatnonzero(is_training), validation, np.flatnonzero(held), _said_of(crowded))


def _choose(
    rows: Rows,
    wells: npt.NDArray[np.int64],
    tiles: npt.NDArray[np.int64],
    n_wanted: int,
    random: np.random.Generator,
) -> tuple[Rows, bool]:
    """Take whole wells up to the number wanted or a quarter of the images, never half the wells."""
    n_wanted = min(n_wanted, max(len(rows) // 4, 1))
    groups = wells[rows]
    is_within_well = len(np.unique(groups)) < 2
    if is_within_well:
        sites = tiles[rows]
        groups = sites if len(np.unique(sites)) > 1 else np.arange(len(rows))
    order = random.permutation(np.unique(groups))
    taken: list[Rows] = []
    for group in order[: max(len(order) // 2, 1)]:
        if sum(map(len, taken)) >= n_wanted:
            break
        taken.append(rows[groups == group])
    found = np.concatenate(taken)
    return random.permutation(found)[
        : max(n_wanted, 1)
    ] if is_within_well else found, is_within_well


def _said_of(crowded: Sequence[str]) -> tuple[str, ...]:
    if not crowded:
        return ()
    some = ", ".join(crowded[:3]) + (" ..." if len(crowded) > 3 else "")
    said = (
        f"{len(crowded)} perturbations have one well only ({some}): their validation images share "
        "it with training, so their k-NN is flattered"
    )
    return (said,)


def _refuse_unknown(compounds: Sequence[str], metadata: pd.DataFrame) -> None:
    known = set(_text(metadata, "Metadata_Compound"))
    unknown = [name for name in compounds if name not in known]
    if unknown:
        message = (
            f"{unknown[0]!r} is to be held out, but no image is of it; the data has for example "
            f"{sorted(known - {''})[:5]}"
        )
        raise TrainValueError(message)


def _text(metadata: pd.DataFrame, name: str) -> npt.NDArray[np.object_]:
    if name not in metadata:
        return np.full(len(metadata), "", dtype=object)
    column = metadata[name].astype(object)
    return column.where(column.notna(), "").map(str).to_numpy(dtype=object)


def _groups(metadata: pd.DataFrame, names: Sequence[str]) -> npt.NDArray[np.int64]:
    joined = pd.Series([""] * len(metadata), dtype=object)
    for name in names:
        joined = joined + "|" + pd.Series(_text(metadata, name))
    return pd.factorize(joined)[0].astype(np.int64)
