import numpy as np
import pandas as pd
import pytest

from napari_tide.discovery.gene_relations import (
    GenePairs,
    in_tails,
    read_gene_relations,
    relations_from,
    relations_recall,
)
from napari_tide.errors import EvaluationValueError, TruthFormatError


@pytest.mark.parametrize(("key", "tails"), [("recall_05_95", 0.05), ("recall_1_9", 0.1)])
def test_recall_is_the_official_one(oracles, key, tails):
    official = np.load(oracles / "efaar" / "efaar.npz")
    ranked = np.sort(official["recall_null"])
    found = in_tails(ranked, official["recall_query"], lower=tails, upper=1 - tails)
    assert found.mean() == pytest.approx(float(official[key]), abs=1e-15)


def test_related_genes_are_found_and_random_ones_are_at_chance():
    random = np.random.default_rng(0)
    genes = [f"G{i}" for i in range(120)]
    embeddings = random.normal(size=(60, 32)).repeat(2, axis=0)
    embeddings += 0.3 * random.normal(size=embeddings.shape)
    partners = frozenset((f"G{2 * i}", f"G{2 * i + 1}") for i in range(60))
    pairs = GenePairs.of(embeddings, genes)
    found = relations_recall(pairs, partners)
    assert found.recall == 1.0
    assert found.chance == pytest.approx(0.1, abs=0.001)
    strangers = relations_from(
        pd.DataFrame([random.choice(genes, 2, replace=False) for _ in range(400)])
    )
    at_random = relations_recall(pairs, strangers)
    assert 0.1 in at_random.interval


def test_each_pair_counts_once_in_either_direction(tmp_path):
    path = tmp_path / "relations.csv"
    path.write_text("entity1,entity2\nA,B\nB,A\nA,A\nC,B\n")
    assert read_gene_relations(path) == {("A", "B"), ("B", "C")}


def test_relations_that_cannot_be_scored_are_refused(tmp_path):
    pairs = GenePairs.of(np.eye(2), ["A", "B"])
    with pytest.raises(EvaluationValueError, match="none of 1 relations of CORUM is between two"):
        relations_recall(pairs, frozenset({("A", "C")}), source="CORUM")
    with pytest.raises(EvaluationValueError, match="2 rows are of 1 genes"):
        GenePairs.of(np.eye(2), ["A", "A"])
    (tmp_path / "one.csv").write_text("gene\nA\n")
    with pytest.raises(TruthFormatError, match="has one column"):
        read_gene_relations(tmp_path / "one.csv")
