"""What a drug's transcriptomes say of its mechanism, at any dose, in a few numbers.

Replicates are averaged; an uncentred SVD of the averages (of the treated against DMSO, so that no
effect is the origin) gives the axes; between measured doses values go straight in log dose.

Shapes: N transcriptomes, G genes, C conditions, M axes, Q doses of a group, P paired samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tide_train.data.batch import Transcriptomes

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEAST_AGREEMENT = 0.3
"""Correlation between halves of the replicates below which an axis is taken for noise."""
MOST_AXES = 64
_UNKNOWN_DOSE = 1.0
_DECIMALS = 2  # doses of one group closer than this in log10 are one dose


class MechanismAxes(nn.Module):
    """Looks up the summary of a transcriptome's drug and line at a dose.

    Parameters
    ----------
    transcriptomes
        With their pairing, so that a control that exchanges drugs is followed.
    n_axes
        How many; None for as many as two halves of the replicates agree on.
    """

    group_N: torch.Tensor
    doses_RQ: torch.Tensor
    values_RQM: torch.Tensor

    def __init__(self, transcriptomes: Transcriptomes, *, n_axes: int | None = None) -> None:
        super().__init__()
        rna_NG = transcriptomes.rna_NG.double().cpu().numpy()
        doses_N = _known(transcriptomes.log_doses_N.double().cpu().numpy())
        groups = transcriptomes.pairing.rna_of_group
        conditions = [
            (group, rows[np.round(doses_N[rows], _DECIMALS) == dose])
            for group, rows in enumerate(groups)
            for dose in np.unique(np.round(doses_N[rows], _DECIMALS))
        ]
        replicates = [rows for _, rows in conditions]
        means_CG = np.stack([rna_NG[rows].mean(axis=0) for rows in replicates])
        axes_GM = principal_directions(means_CG)
        if n_axes is None:
            n_axes = n_reproducible(rna_NG, replicates, [group for group, _ in conditions])
        axes_GM = axes_GM[:, :n_axes]
        latent_CM = means_CG @ axes_GM
        self.n_axes = axes_GM.shape[1]
        dose_C = np.array([doses_N[rows].mean() for rows in replicates])
        self._store(
            [group for group, _ in conditions], dose_C, latent_CM, groups, n_rows=len(rna_NG)
        )

    def at(self, rows_P: torch.Tensor, log_doses_P: torch.Tensor) -> torch.Tensor:
        """Give the summary of the drugs and lines of these transcriptomes at other doses.

        Parameters
        ----------
        rows_P
            Which transcriptomes; only their drug and line count.
        log_doses_P
            Of the images; an unknown dose takes the strongest effect measured. Beyond the doses
            measured the nearest one counts.
        """
        group_P = self.group_N[rows_P]
        doses_PQ, values_PQM = self.doses_RQ[group_P], self.values_RQM[group_P]
        wanted_P = torch.nan_to_num(log_doses_P, nan=float("inf")).to(doses_PQ.dtype)
        wanted_P = wanted_P.clamp(doses_PQ[:, 0], doses_PQ[:, -1])
        above_P = (doses_PQ < wanted_P[:, None]).sum(dim=1).clamp(1, max(doses_PQ.shape[1] - 1, 1))
        above_P = above_P.clamp_max(doses_PQ.shape[1] - 1)
        below_P = (above_P - 1).clamp_min(0)
        at = torch.arange(len(rows_P), device=rows_P.device)
        low_P, high_P = doses_PQ[at, below_P], doses_PQ[at, above_P]
        span_P = (high_P - low_P).clamp_min(1e-9)
        share_P = ((wanted_P - low_P) / span_P).clamp(0, 1)[:, None]
        found: torch.Tensor = torch.lerp(values_PQM[at, below_P], values_PQM[at, above_P], share_P)
        return found

    def _store(
        self,
        group_C: Sequence[int],
        dose_C: Floats,
        latent_CM: Floats,
        groups: Sequence[Integers],
        *,
        n_rows: int,
    ) -> None:
        """Keep a rectangle: groups with fewer doses repeat their highest."""
        owners = np.asarray(group_C)
        most = max(int(np.bincount(owners).max()), 1)
        doses_RQ = np.zeros((len(groups), most))
        values_RQM = np.zeros((len(groups), most, latent_CM.shape[1]))
        group_N = np.zeros(n_rows, np.int64)
        for group, rows in enumerate(groups):
            own = np.flatnonzero(owners == group)
            own = own[np.argsort(dose_C[own], kind="stable")]
            own = np.concatenate([own, np.repeat(own[-1:], most - len(own))])
            doses_RQ[group], values_RQM[group] = dose_C[own], latent_CM[own]
            group_N[rows] = group
        self.register_buffer("group_N", torch.from_numpy(group_N), persistent=False)
        scale = float(np.sqrt((latent_CM**2).mean())) or 1.0
        self.register_buffer("doses_RQ", torch.from_numpy(doses_RQ).float(), persistent=False)
        values = torch.from_numpy(values_RQM / scale).float()
        self.register_buffer("values_RQM", values, persistent=False)


def principal_directions(means_CG: Floats) -> Floats:
    """Give the right singular vectors (G x M, widest first), without centring; at most 64."""
    _, spread, axes = np.linalg.svd(means_CG, full_matrices=False)
    n_real = int((spread > 1e-9 * max(spread[0], 1e-30)).sum())
    directions: Floats = axes[: max(min(n_real, MOST_AXES), 1)].T
    return directions


def n_reproducible(rna_NG: Floats, replicates: Sequence[Integers], groups: Sequence[int]) -> int:
    """Count the axes on which halves of the replicates agree; all where few are replicated.

    Axes are drawn from every second drug and judged on the others, on which they cannot have been
    fitted: an axis counts while the correlation between first and second halves of a condition's
    samples, over the conditions of the other drugs, is at least `LEAST_AGREEMENT`.
    """
    is_judged = np.asarray(groups) % 2 == 1
    drawn = [
        rna_NG[rows].mean(axis=0)
        for rows, judged in zip(replicates, is_judged, strict=True)
        if not judged
    ]
    split = [
        (rows[: len(rows) // 2], rows[len(rows) // 2 :])
        for rows, judged in zip(replicates, is_judged, strict=True)
        if judged and len(rows) > 1
    ]
    if len(split) < 3 or not drawn:
        means_CG = np.stack([rna_NG[rows].mean(axis=0) for rows in replicates])
        return principal_directions(means_CG).shape[1]
    axes_GM = principal_directions(np.stack(drawn))
    first_CM = np.stack([rna_NG[rows].mean(axis=0) for rows, _ in split]) @ axes_GM
    second_CM = np.stack([rna_NG[rows].mean(axis=0) for _, rows in split]) @ axes_GM
    agreement = [
        _correlation(first_CM[:, axis], second_CM[:, axis]) for axis in range(axes_GM.shape[1])
    ]
    is_noise = np.flatnonzero(np.array(agreement) < LEAST_AGREEMENT)
    return max(int(is_noise[0]) if len(is_noise) else axes_GM.shape[1], 2)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0 else 0.0


def _known(doses_N: Floats) -> Floats:
    return np.where(np.isfinite(doses_N), doses_N, _UNKNOWN_DOSE)
