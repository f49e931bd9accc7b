"""Same-target and same-mechanism retrieval of real embeddings, as published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_tide.discovery.label_retrieval import same_label_retrieval

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def jump_target_1(real):
    folder = real / "profiles" / "jump_target1_dino"
    table = pd.read_parquet(folder / "compounds.parquet")
    listed = pd.read_csv(real / "platemaps" / "JUMP-Target-1_compound_metadata.tsv", sep="\t")
    targets = listed.set_index("broad_sample")["target_list"].reindex(table["compound_id"])
    labels = [set(text.split("|")) if isinstance(text, str) else set() for text in targets]
    return np.load(folder / "compound_embeddings.npy"), labels, table["dominant_moa"]


def test_same_target_auc_of_the_jump_target_embeddings(jump_target_1):
    embeddings, targets, _ = jump_target_1
    found = same_label_retrieval(embeddings, targets, n_resamples=200)
    assert found.auc == pytest.approx(0.585, abs=0.001)
    assert found.auc_interval.low > 0.5
    assert found.n_same_pairs == 776


def test_same_mechanism_auc_of_the_jump_target_embeddings(jump_target_1):
    embeddings, _, mechanisms = jump_target_1
    labels = [name if isinstance(name, str) else "" for name in mechanisms]
    found = same_label_retrieval(embeddings, labels, n_resamples=200)
    assert found.auc == pytest.approx(0.66, abs=0.001)
    assert found.ap > 3 * found.chance_ap
    assert found.ap_interval.low > found.chance_ap


def test_shuffled_targets_of_real_embeddings_are_at_chance(jump_target_1):
    embeddings, targets, _ = jump_target_1
    order = np.random.default_rng(0).permutation(len(targets))
    found = same_label_retrieval(embeddings, [targets[row] for row in order], n_resamples=200)
    assert 0.5 in found.auc_interval
