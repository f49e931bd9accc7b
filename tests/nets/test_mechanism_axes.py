"""Summaries of transcriptomes: against numpy's own steps, written out plainly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tide_train.data.batch import Transcriptomes
from tide_train.data.pairing import Pairing
from tide_train.nets.mechanism_axes import MechanismAxes, n_reproducible

N_GENES = 40
DOSES = (-0.4, 0.6, 1.0)


def transcriptomes(rna_NG, groups, doses_N):
    pairing = Pairing(np.arange(len(groups)), groups, pd.DataFrame())
    n = len(rna_NG)
    return Transcriptomes(
        pairing,
        torch.tensor(rna_NG, dtype=torch.float32),
        torch.zeros(n, 1),
        torch.tensor(doses_N, dtype=torch.float32),
        torch.zeros(n, dtype=torch.int64),
        torch.eye(1),
    )


@pytest.fixture
def measured():
    """Four drugs at three doses, two replicates each, along two true axes."""
    random = np.random.default_rng(4)
    axes_2G = random.standard_normal((2, N_GENES))
    rows, doses, groups = [], [], []
    for _ in range(4):
        direction = random.standard_normal(2)
        first = len(rows)
        for dose in DOSES:
            for _ in range(2):
                noise = 0.01 * random.standard_normal(N_GENES)
                rows.append((1 + dose) * direction @ axes_2G + noise)
                doses.append(dose)
        groups.append(np.arange(first, len(rows)))
    return np.array(rows), tuple(groups), np.array(doses)


def test_a_measured_dose_gives_its_own_mean(measured):
    rna, groups, doses = measured
    axes = MechanismAxes(transcriptomes(rna, groups, doses), n_axes=2)
    means = np.stack([rna[rows][doses[rows] == dose].mean(0) for rows in groups for dose in DOSES])
    directions = np.linalg.svd(means, full_matrices=False)[2][:2].T
    expected = means @ directions
    expected /= np.sqrt((expected**2).mean())
    rows = torch.tensor([group[0] for group in groups for _ in DOSES])
    found = axes.at(rows, torch.tensor(DOSES * 4, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)


def test_between_doses_it_goes_straight_and_stays_beyond(measured):
    rna, groups, doses = measured
    axes = MechanismAxes(transcriptomes(rna, groups, doses), n_axes=2)
    row = torch.tensor([0])

    def at(dose):
        return axes.at(row, torch.tensor([dose]))[0].numpy()

    low, high = at(-0.4), at(0.6)
    np.testing.assert_allclose(at(0.1), (low + high) / 2, atol=1e-5)
    np.testing.assert_allclose(at(0.35), 0.25 * low + 0.75 * high, atol=1e-5)
    np.testing.assert_allclose(at(-3.0), low, atol=1e-6)
    np.testing.assert_allclose(at(9.0), at(1.0), atol=1e-6)
    np.testing.assert_allclose(at(float("nan")), at(1.0), atol=1e-6)


def test_only_drug_and_line_of_a_transcriptome_count(measured):
    rna, groups, doses = measured
    axes = MechanismAxes(transcriptomes(rna, groups, doses), n_axes=2)
    every = torch.tensor(groups[2])
    found = axes.at(every, torch.full((len(every),), 0.3)).numpy()
    np.testing.assert_allclose(found, np.broadcast_to(found[0], found.shape))


def test_groups_with_fewer_doses_keep_their_highest(measured):
    rna, groups, doses = measured
    short = (groups[0][:4], *groups[1:])  # the first drug without its highest dose
    axes = MechanismAxes(transcriptomes(rna, short, doses), n_axes=2)
    at = axes.at(torch.tensor([0, 0]), torch.tensor([0.6, 1.0])).numpy()
    np.testing.assert_allclose(at[0], at[1])


def test_a_permuted_pairing_gives_the_other_drugs_values(measured):
    rna, groups, doses = measured
    own = MechanismAxes(transcriptomes(rna, groups, doses), n_axes=2)
    swapped = (groups[1], groups[0], *groups[2:])
    other = MechanismAxes(transcriptomes(rna, swapped, doses), n_axes=2)
    rows, dose = torch.tensor([groups[1][0]]), torch.tensor([0.6])
    found, expected = other.at(rows, dose).numpy(), own.at(rows, dose).numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-5)


def test_axes_are_counted_while_replicates_agree(measured):
    rna, groups, doses = measured
    assert MechanismAxes(transcriptomes(rna, groups, doses)).n_axes == 2


def test_noise_has_hardly_an_axis(measured):
    rna, groups, doses = measured
    noise = np.random.default_rng(0).standard_normal(rna.shape)
    assert MechanismAxes(transcriptomes(noise, groups, doses)).n_axes == 2  # the fewest it gives


def test_without_replicates_every_axis_stays():
    rna = np.random.default_rng(1).standard_normal((5, 9))
    assert n_reproducible(rna, [np.array([i]) for i in range(5)], list(range(5))) == 5
