"""Molecular features of the drugs of public screens."""

import time

import numpy as np
import pandas as pd
import pytest

from napari_tide.chem.drawing import draw_svg
from napari_tide.chem.fingerprints import jaccard_similarities
from napari_tide.chem.molecular_features import molecular_features

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def rxrx3_smiles(real):
    table = pd.read_parquet(
        real / "platemaps" / "metadata_rxrx3_trimmed.parquet", columns=["SMILES"]
    )
    return table["SMILES"].dropna().unique().tolist()


def test_every_rxrx3_drug_has_a_fingerprint_in_seconds(rxrx3_smiles):
    start = time.process_time()
    found = molecular_features(rxrx3_smiles, "fcfp4")
    assert time.process_time() - start < 15  # 1.6 s where it was written
    assert found.of_all().shape == (1674, 2048)
    assert 10 < found.values_NF.sum(axis=1).mean() < 100
    distinct = len(np.unique(found.values_NF, axis=0))
    assert 1500 < distinct < 1674  # isomers and salts of one drug share theirs


def test_descriptors_of_rxrx3_are_finite_and_spread(rxrx3_smiles):
    values = molecular_features(rxrx3_smiles[::20], "descriptors").of_all()
    assert np.isfinite(values).all()
    assert (np.abs(values) == 10).mean() < 0.02
    assert 0.5 < values.std(axis=0)[values.std(axis=0) > 0].mean() < 2


def test_drugs_of_one_mechanism_are_alike(real):
    path = real / "platemaps" / "JUMP-MOA_compound_metadata.tsv"
    table = pd.read_csv(path, sep="\t").dropna(subset=["smiles", "moa"]).drop_duplicates("smiles")
    found = molecular_features(table["smiles"].tolist(), "fcfp4")
    moa = table["moa"].to_numpy()[found.rows_N]
    likeness = jaccard_similarities(found.values_NF, found.values_NF)
    np.fill_diagonal(likeness, 0)

    def mean_within(names):
        return likeness[names[:, None] == names[None]].mean()

    rng = np.random.default_rng(0)
    shuffled = [mean_within(rng.permutation(moa)) for _ in range(999)]
    p_value = (1 + sum(value >= mean_within(moa) for value in shuffled)) / 1000
    assert p_value < 0.01  # with labels shuffled the mean is as high in fewer than 1 of 100


def test_rxrx3_drugs_are_drawn(rxrx3_smiles):
    assert all("<path" in draw_svg(smiles, is_dark=True) for smiles in rxrx3_smiles[::40])
