import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from napari_tide.discovery.bootstrap import interval_of_mean
from napari_tide.discovery.drug_gene_benchmark import score_drug_genes
from napari_tide.discovery.drug_gene_truth import truth_from_pairs
from napari_tide.discovery.gene_pools import GenePool, draw_pools


@pytest.fixture(scope="module")
def efaar(oracles):
    given = json.loads((oracles / "efaar" / "cg.json").read_text())
    rows = np.load(oracles / "efaar" / "efaar.npz")["cg_map_features"]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    table = pd.DataFrame(given["map"])
    is_gene = table["concentration"].isna().to_numpy()
    treatments: dict[str, dict[float, int]] = {}
    for row, (name, dose) in enumerate(
        table.loc[~is_gene, ["perturbation", "concentration"]].to_numpy()
    ):
        treatments.setdefault(name, {})[dose] = row
    cosine = unit[~is_gene] @ unit[is_gene].T
    genes = table.loc[is_gene, "perturbation"].tolist()
    pairs = pd.DataFrame(given["truth"]).rename(
        columns={"treatment": "compound", "gene_symbol": "gene", "nM_value": "affinity_nm"}
    )
    return given["runs"], treatments, cosine, genes, truth_from_pairs(pairs)


def pools_of_run(run, genes) -> list[GenePool]:
    place = {gene: i for i, gene in enumerate(genes)}
    pools = []
    for sample in run["sampled"]:
        labels = np.array(sample["labels"], bool)
        numbers = np.array([place[gene] for gene in sample["genes"]])
        others = numbers[~labels]
        drawn = np.arange(len(others))[None]
        pools.append(GenePool(sample["compound"], numbers[labels], others, drawn))
    return pools


@pytest.mark.parametrize("seed", range(5))
def test_scores_on_the_stored_samples_are_the_official_ones(efaar, seed):
    runs, treatments, cosine, genes, _ = efaar
    pools = pools_of_run(runs[seed], genes)
    found = score_drug_genes(treatments, cosine, pools=pools)
    at = {**{str(dose): scores for dose, scores in found.doses.items()}, "max": found.best}
    for dose, per_compound in runs[seed]["per_compound"].items():
        ap, auc = np.array(per_compound).T
        imaged = np.isfinite(at[dose].ap)
        np.testing.assert_allclose(at[dose].ap[imaged], ap, atol=1e-12)
        np.testing.assert_allclose(at[dose].auc[imaged], auc, atol=1e-12)
        official = runs[seed]["result"][dose]
        assert np.nanmean(at[dose].ap) == pytest.approx(official["average_precision"], abs=1e-12)
        assert np.nanmean(at[dose].auc) == pytest.approx(official["auc_roc"], abs=1e-12)


def test_pools_have_the_official_targets_and_sizes(efaar):
    runs, treatments, _, genes, truth = efaar
    pools = {
        pool.compound: pool
        for pool in draw_pools(truth, compounds=list(treatments), genes=genes, n_seeds=3)
    }
    for sample in runs[0]["sampled"]:
        labels = np.array(sample["labels"], bool)
        names = np.array(sample["genes"])
        pool = pools[sample["compound"]]
        assert {genes[i] for i in pool.positives} == set(names[labels])
        assert pool.n_items == len(names)
        for run in runs:  # every gene the official code ever drew is one that may be drawn here
            drawn = next(s for s in run["sampled"] if s["compound"] == sample["compound"])
            may_be_drawn = {genes[i] for i in pool.others}
            assert set(np.array(drawn["genes"])[~np.array(drawn["labels"], bool)]) <= may_be_drawn


def random_benchmark(*, n_compounds=60, n_genes=80, n_doses=3, seed=0, ties=False):
    random = np.random.default_rng(seed)
    genes = [f"G{i:03d}" for i in range(n_genes)]
    pairs = [
        (f"D{c}", genes[g], random.choice([10.0, 5_000.0, 50_000.0]))
        for c in range(n_compounds)
        for g in random.choice(n_genes, 6, replace=False)
    ]
    truth = truth_from_pairs(pd.DataFrame(pairs, columns=["compound", "gene", "affinity_nm"]))
    cosine = random.uniform(-1, 1, (n_compounds * n_doses, n_genes))
    if ties:
        cosine = np.round(cosine, 1)
    rows = {
        f"D{c}": {float(d): c * n_doses + d for d in range(n_doses)} for c in range(n_compounds)
    }
    return truth, genes, rows, cosine


@pytest.mark.parametrize("similarity", ["abs-cosine", "cosine"])
def test_scores_are_those_of_a_plain_loop_with_ties(similarity):
    truth, genes, rows, cosine = random_benchmark(n_compounds=8, ties=True)
    pools = draw_pools(truth, compounds=list(rows), genes=genes, n_seeds=7)
    found = score_drug_genes(rows, cosine, pools=pools, similarity=similarity)
    values = np.abs(cosine) if similarity == "abs-cosine" else cosine
    for number, pool in enumerate(pools):
        labels = np.arange(pool.n_items) < len(pool.positives)
        by_dose = {dose: values[row] for dose, row in rows[pool.compound].items()}
        by_dose["max"] = np.max(list(by_dose.values()), axis=0)
        for dose, of_genes in by_dose.items():
            runs = [of_genes[pool.sampled(seed)] for seed in range(7)]
            scores = found.best if dose == "max" else found.doses[dose]
            ap = np.mean([average_precision_score(labels, run) for run in runs])
            auc = np.mean([roc_auc_score(labels, run) for run in runs])
            hit = np.mean([(run[~labels] >= run[labels].max()).sum() < 5 for run in runs])
            assert scores.ap[number] == pytest.approx(ap, abs=1e-12)
            assert scores.auc[number] == pytest.approx(auc, abs=1e-12)
            assert scores.hits[5][number] == pytest.approx(hit, abs=1e-12)
        mean = np.mean([found.doses[dose].ap[number] for dose in rows[pool.compound]])
        assert found.mean.ap[number] == pytest.approx(mean, abs=1e-12)


def test_random_similarities_are_at_the_printed_chance():
    truth, genes, rows, cosine = random_benchmark(n_compounds=600, seed=3)
    pools = draw_pools(truth, compounds=list(rows), genes=genes, n_seeds=20)
    found = score_drug_genes(rows, cosine, pools=pools)
    gain = interval_of_mean(found.mean.ap - found.chance.ap, over="compounds")
    assert 0.0 in gain
    assert np.mean(found.mean.hits[5]) == pytest.approx(np.mean(found.chance.hits[5]), abs=0.02)
    assert np.mean(found.best.auc) == pytest.approx(0.5, abs=0.02)


def test_draws_are_without_replacement_uniform_and_independent_of_order():
    truth, genes, rows, _ = random_benchmark(n_compounds=10)
    pools = draw_pools(truth, compounds=list(rows), genes=genes, n_seeds=400)
    shuffled = draw_pools(truth, compounds=[*reversed(rows)], genes=genes[::-1], n_seeds=50)
    for pool, other in zip(pools, shuffled, strict=True):
        assert all(len(set(row)) == len(row) for row in pool.drawn_SN)
        names = {genes[i] for i in pool.sampled(49)}
        assert names == {genes[::-1][i] for i in other.sampled(49)}
        share = np.bincount(pool.drawn_SN.ravel(), minlength=len(pool.others)) / 400
        expected = pool.drawn_SN.shape[1] / len(pool.others)
        assert np.abs(share - expected).max() < 5 * np.sqrt(expected * (1 - expected) / 400)


def test_unclear_affinities_are_neither_targets_nor_drawn():
    pairs = [("a", "X", 1000.0), ("a", "Y", 5000.0), ("a", "Z", 10_001.0), ("b", "W", np.nan)]
    truth = truth_from_pairs(pd.DataFrame(pairs, columns=["compound", "gene", "affinity_nm"]))
    (pool_a, pool_b) = draw_pools(truth, compounds=["a", "b", "c"], genes=list("WXYZV"), n_seeds=2)
    assert [list("WXYZV")[i] for i in pool_a.positives] == ["X"]
    assert [list("WXYZV")[i] for i in pool_a.others] == ["W", "Z"]
    assert [list("WXYZV")[i] for i in pool_b.positives] == ["W"]
    assert sorted(list("WXYZV")[i] for i in pool_b.others) == ["X", "Y", "Z"]


def test_the_strongest_of_several_affinities_counts():
    pairs = [("a", "X", 50_000.0), ("a", "X", 20.0)]
    truth = truth_from_pairs(pd.DataFrame(pairs, columns=["compound", "gene", "affinity_nm"]))
    assert truth.targets_of("a") == {"X"}


def test_compounds_imaged_at_some_doses_only_count_there():
    truth, genes, rows, cosine = random_benchmark(n_compounds=5)
    rows[next(iter(truth.positives))] = {float("nan"): 0}
    pools = draw_pools(truth, compounds=list(rows), genes=genes, n_seeds=2)
    found = score_drug_genes(rows, cosine, pools=pools)
    n = len(pools)
    assert [scores.n_compounds for scores in found.doses.values()] == [n - 1, n - 1, n - 1, 1]
    assert np.isnan(list(found.doses)[-1])
    assert np.isfinite(found.mean.ap).all()
