"""Fewer controls than features: no direction may be blown up by dividing through rounding."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.profiles import Profiles, embedding_names

N_FEATURES = 40


def plate(n_controls, seed=0):
    """Controls and three replicates of ten drugs, each drug along a direction of its own."""
    random = np.random.default_rng(seed)
    drugs = np.repeat(np.arange(10), 3)
    effects = 3 * random.normal(size=(10, N_FEATURES))
    rows = np.concatenate(
        [
            random.normal(size=(n_controls, N_FEATURES)),
            effects[drugs] + random.normal(size=(30, N_FEATURES)),
        ]
    )
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Control": ["negcon"] * n_controls + [""] * 30,
            "Metadata_Compound": ["DMSO"] * n_controls + [f"drug{k}" for k in drugs],
        }
    )
    return Profiles(metadata, rows, embedding_names(N_FEATURES)), drugs


def mean_cosines(aligned, n_controls, drugs):
    rows = aligned.features[n_controls:]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T
    same = drugs[:, None] == drugs[None]
    np.fill_diagonal(same, val=False)
    other = drugs[:, None] != drugs[None]
    return cosines[same].mean(), np.abs(cosines[other]).mean()


@pytest.mark.parametrize("method", ["pca-cs", "tvn"])
@pytest.mark.parametrize("n_controls", [16, 200])
def test_replicates_stay_alike_and_others_apart(method, n_controls):
    profiles, drugs = plate(n_controls)
    same, other = mean_cosines(align_profiles(profiles, method), n_controls, drugs)
    assert same > other + 0.2, (same, other)


def test_too_few_controls_are_said(caplog):
    with caplog.at_level(logging.WARNING):
        align_profiles(plate(16)[0], "pca-cs")
    assert "16 negative controls span only 15 of 40 features" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        align_profiles(plate(200)[0], "pca-cs")
    assert caplog.text == ""
