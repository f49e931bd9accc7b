"""Even out how strongly treatments act along each direction of an embedding.

Centre and scale by a plate's controls leaves an embedding in which a few directions, mostly those
that drugs share, hold most of the effects and rule every cosine. Whitening by controls alone
(PCA-CS) raises noise instead. Here the covariance of treatment *effects* (means over replicates,
less what replicate noise adds to it) is shrunk towards its mean and divided out. It needs to know
which wells are replicates, and nothing about what the treatments are.

Shapes: N wells, D width, T treatments.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

SHRINKAGE = 2.0
_TYPICAL_RANK = 40

Rows = npt.NDArray[np.floating]
Matrix = npt.NDArray[np.float64]


def evened(rows_ND: Rows, treatment_N: npt.NDArray[np.object_]) -> Rows:
    """Even out effects.

    Parameters
    ----------
    rows_ND
        Centred and scaled, so that untreated is the origin.
    treatment_N
        Which treatment each well got; wells without one ("") are mapped but not learned from.
    """
    used = treatment_N != ""
    codes, _ = pd.factorize(treatment_N[used])
    mapping_DD = evening_map(rows_ND[used].astype(np.float64), codes)
    mapped: Rows = rows_ND @ mapping_DD
    return mapped


def evening_map(rows_ND: Matrix, codes_N: npt.NDArray[np.integer]) -> Matrix:
    """Give the symmetric matrix that evens out the effects of these treatments."""
    effects_DD = effect_covariance(rows_ND, codes_N)
    ridge = SHRINKAGE * float(np.trace(effects_DD)) / min(_TYPICAL_RANK, len(effects_DD))
    values, vectors = np.linalg.eigh(effects_DD + max(ridge, 1e-12) * np.eye(len(effects_DD)))
    root: Matrix = (vectors / np.sqrt(values)) @ vectors.T
    return root


def effect_covariance(rows_ND: Matrix, codes_N: npt.NDArray[np.integer]) -> Matrix:
    """Give the second moments of treatment effects around the origin, without replicate noise."""
    counts_T = np.bincount(codes_N)
    means_TD = np.zeros((len(counts_T), rows_ND.shape[1]))
    np.add.at(means_TD, codes_N, rows_ND)
    means_TD /= counts_T[:, None]
    moments_DD = means_TD.T @ means_TD / len(means_TD)
    n_free = len(rows_ND) - len(counts_T)
    if n_free > 0:
        within_ND = rows_ND - means_TD[codes_N]
        noise_DD = within_ND.T @ within_ND / n_free
        moments_DD -= noise_DD * float(np.mean(1 / counts_T))
    values, vectors = np.linalg.eigh((moments_DD + moments_DD.T) / 2)
    positive: Matrix = (vectors * np.clip(values, 0, None)) @ vectors.T
    return positive
