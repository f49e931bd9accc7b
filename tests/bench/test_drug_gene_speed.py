import pytest

from tide_train.bench.drug_gene_speed import DrugGeneWork


def test_both_sides_do_the_same_work():
    work = DrugGeneWork(n_drugs=60, n_doses=2, n_genes=80, n_seeds=8)
    # other draws of genes, so equal in the mean only
    assert work.score() == pytest.approx(work.score_by_loop(), abs=0.02)
