"""Which samples train, select and test: split by drug and cell line, never by sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.errors import TrainValueError
from tide_train.data.pairing import fold_name

SplitUnit = Literal["drug_and_line", "drug"]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ResponseSplit:
    """Rows of three parts that share no drug in the same line."""

    train: Rows
    validation: Rows
    test: Rows


def split_responses(
    drugs: Sequence[str],
    lines: Sequence[str],
    *,
    seed: int,
    validation_share: float = 0.15,
    test_share: float = 0.2,
    unit: SplitUnit = "drug_and_line",
) -> ResponseSplit:
    """Split samples by pairs of drug and cell line, or more strictly by drug.

    The parts depend on the pairs and the seed, not on the order or number of samples.

    Parameters
    ----------
    unit
        ``"drug_and_line"``, as in the paper: a drug tested in one line may have trained in another.
        ``"drug"``: a tested drug was never seen.

    Raises
    ------
    TrainValueError
        There are fewer than three units, or the shares leave nothing to train on.
    """
    if min(validation_share, test_share) <= 0 or validation_share + test_share >= 1:
        message = (
            f"shares {validation_share:g} for validation and {test_share:g} for test leave a part "
            "empty; both must exceed 0, and their sum be below 1"
        )
        raise TrainValueError(message)
    units_N = _units(drugs, lines, unit)
    distinct = np.unique(units_N)
    if len(distinct) < 3:
        message = f"{len(distinct)} drugs cannot be split into train, validation and test; need 3"
        raise TrainValueError(message)
    order = np.random.default_rng(seed).permutation(distinct)
    n_test = max(1, round(test_share * len(order)))
    n_validation = min(max(1, round(validation_share * len(order))), len(order) - 2)
    n_test = min(n_test, len(order) - n_validation - 1)
    test, validation, train = np.split(order, [n_test, n_test + n_validation])
    return ResponseSplit(
        *(np.flatnonzero(np.isin(units_N, part)) for part in (train, validation, test))
    )


def _units(drugs: Sequence[str], lines: Sequence[str], unit: SplitUnit) -> npt.NDArray[np.str_]:
    if unit == "drug":
        return np.array([fold_name(drug) for drug in drugs])
    pairs = zip(drugs, lines, strict=True)
    return np.array([f"{fold_name(drug)}|{fold_name(line)}" for drug, line in pairs])
