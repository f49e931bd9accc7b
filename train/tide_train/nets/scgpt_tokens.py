"""Expression profiles as scGPT reads them: genes as tokens, values in 51 bins of their own row.

Facts of the published model (Cui et al. 2024): zero genes are dropped, ``<cls>`` comes first with
the value -2, the non-zero values of a row fall into bins 1 to 50 by their quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ExpressionValueError

CLS, PAD = "<cls>", "<pad>"
PAD_VALUE = -2.0


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A batch of profiles as gene tokens and values, padded on the right.

    Parameters
    ----------
    ids_BT
        Positions in the vocabulary; the first is ``<cls>``.
    values_BT
        Bins, -2 at ``<cls>`` and at padding.
    """

    ids_BT: npt.NDArray[np.int64]
    values_BT: npt.NDArray[np.float32]


def bin_values(row: npt.NDArray[np.floating], n_bins: int = 51) -> npt.NDArray[np.int64]:
    """Put the non-zero values of a row into bins 1 to ``n_bins - 1`` by quantile; zero stays 0.

    Equal values that span several bins take the middle one, so that equal input gives equal output
    (the published code draws one of them at random). A row without a non-zero value stays zero.
    """
    binned = np.zeros(len(row), np.int64)
    present = np.flatnonzero(row)
    if not len(present):
        return binned
    values = row[present]
    edges = np.quantile(values, np.linspace(0, 1, n_bins - 1))
    highest = np.digitize(values, edges)
    lowest = np.minimum(np.digitize(values, edges, right=True) + 1, highest)
    binned[present] = (lowest + highest) // 2 + (lowest + highest) % 2
    return binned


def tokenise(
    expression_BG: npt.NDArray[np.floating],
    genes: Sequence[str],
    vocabulary: Mapping[str, int],
    *,
    n_bins: int = 51,
    max_tokens: int = 1200,
    seed: int = 0,
) -> Tokens:
    """Turn raw expression into tokens; genes the vocabulary does not know are left out.

    Rows with more than `max_tokens` non-zero genes keep a random sample of them, drawn from `seed`.

    Raises
    ------
    ExpressionValueError
        No gene is known, genes do not fit the columns, or a value is not finite.
    """
    if expression_BG.shape[1] != len(genes):
        message = f"{expression_BG.shape[1]} columns of expression, but {len(genes)} gene symbols"
        raise ExpressionValueError(message)
    if not np.isfinite(expression_BG).all():
        message = "expression holds missing or infinite values; leave those genes or samples out"
        raise ExpressionValueError(message)
    known = np.array([i for i, gene in enumerate(genes) if gene in vocabulary], dtype=np.int64)
    if not len(known):
        message = f"none of {len(genes)} genes is in the vocabulary, for example {list(genes[:3])}"
        raise ExpressionValueError(message)
    ids = np.array([vocabulary[genes[i]] for i in known], dtype=np.int64)
    random = np.random.default_rng(seed)
    rows = []
    for row in expression_BG[:, known]:
        binned = bin_values(row, n_bins)
        present = np.flatnonzero(row)
        if len(present) > max_tokens - 1:
            present = np.sort(random.choice(present, max_tokens - 1, replace=False))
        rows.append((ids[present], binned[present]))
    return _pad(rows, vocabulary)


def _pad(
    rows: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]],
    vocabulary: Mapping[str, int],
) -> Tokens:
    longest = 1 + max((len(ids) for ids, _ in rows), default=0)
    ids_BT = np.full((len(rows), longest), vocabulary[PAD], np.int64)
    values_BT = np.full((len(rows), longest), PAD_VALUE, np.float32)
    ids_BT[:, 0] = vocabulary[CLS]
    for number, (ids, values) in enumerate(rows):
        ids_BT[number, 1 : 1 + len(ids)] = ids
        values_BT[number, 1 : 1 + len(ids)] = values
    return Tokens(ids_BT, values_BT)
