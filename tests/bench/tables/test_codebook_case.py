"""Figure 4's rule and numbers, on maps laid out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from tide_train.bench.tables.codebook_case import (
    mechanism_aucs,
    pair_that_moved_together,
    same_mechanism_auc,
    strongest_pathways,
)
from tide_train.bench.tables.learned_codebook import LearnedCodebook


def test_the_pair_is_the_one_that_moved_most_of_its_mechanism():
    pathway = [0, 0, 1, 1, 2]
    before = np.array([[0, 0], [10, 0], [0, 1], [0, 2], [20, 0]], float)
    after = np.array([[0, 0], [0.1, 0], [5, 1], [9, 2], [0.05, 0]], float)
    assert pair_that_moved_together(before, after, pathway) == (0, 1)


def test_the_area_counts_pairs_as_a_loop_does():
    random = np.random.default_rng(0)
    alike = random.random((9, 9))
    alike = alike + alike.T
    pathway = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])
    pairs = list(itertools.combinations(range(9), 2))
    same = [alike[i, j] for i, j in pairs if pathway[i] == pathway[j]]
    other = [alike[i, j] for i, j in pairs if pathway[i] != pathway[j]]
    expected = np.mean([a > b for a in same for b in other])
    assert same_mechanism_auc(alike, pathway) == pytest.approx(expected)


def test_only_active_drugs_have_a_mechanism(tmp_path):
    table = pd.DataFrame(
        {
            "perturbation_type": ["compound"] * 4 + ["crispr"],
            "name": ["a", "a", "b", "b", "gene"],
            "dose_um": [1.0, 10.0, 1.0, 10.0, np.nan],
            "activity_00": [0.9, 0.1, 0.0, 0.1, 1.0],
            "activity_01": [0.0, 0.5, 0.0, 0.2, 0.0],
        }
    )
    table.to_csv(tmp_path / "pathways.csv", index=False)
    assert strongest_pathways(tmp_path / "pathways.csv") == {"a": 1}


def test_a_kept_codebook_is_judged_by_its_active_drugs_alone(tmp_path):
    bits = np.eye(5, 8, dtype=np.float32)
    prototypes = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [1, 0]], np.float32)
    codebook = LearnedCodebook(("a", "b", "c", "d", "idle"), bits, prototypes)
    assert LearnedCodebook.read(tmp_path) is None
    codebook.write(tmp_path)
    kept = LearnedCodebook.read(tmp_path)
    assert kept.names == codebook.names
    np.testing.assert_array_equal(kept.bits_KF, bits)
    np.testing.assert_allclose(kept.prototypes_KD, prototypes, atol=1e-3)
    fingerprint, learned = mechanism_aucs(kept, {"a": 0, "b": 0, "c": 1, "d": 1})
    assert fingerprint == 0.5  # no bit is shared
    assert learned == 1.0
