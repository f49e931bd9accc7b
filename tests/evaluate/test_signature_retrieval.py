import numpy as np
import pytest

from tide_train.evaluate.signature_retrieval import Treated, retrieval


def treated(rows):
    """Rows are (drug, line, dose, embedding)."""
    drugs, lines, doses, embeddings = zip(*rows, strict=True)
    return Treated.of(
        np.array(embeddings, float), np.array(drugs), np.array(lines), np.array(doses, float)
    )


def slow_ranks(signatures, gallery):
    ranks = []
    for embedding, drug, line in zip(
        signatures.embeddings_TD, signatures.drugs_T, signatures.lines_T, strict=True
    ):
        best = {}
        for other, name, where in zip(
            gallery.embeddings_TD, gallery.drugs_T, gallery.lines_T, strict=True
        ):
            if where == line:
                score = embedding @ other / np.linalg.norm(embedding) / np.linalg.norm(other)
                best[name] = max(best.get(name, -2), score)
        ranks.append(1 + sum(score > best[drug] for score in best.values()))
    return np.array(ranks)


def test_ranks_are_those_of_a_slow_loop():
    random = np.random.default_rng(0)
    gallery = treated(
        [
            (d, line, dose, random.normal(size=3))
            for d in range(7)
            for line in (0, 1)
            for dose in (1, 9)
        ]
    )
    asking = treated([(d, d % 2, 4, random.normal(size=3)) for d in range(7)])
    ranks, found = slow_ranks(asking, gallery), retrieval(asking, gallery)
    assert found.top1 == pytest.approx((ranks == 1).mean())
    assert found.top5 == pytest.approx((ranks <= 5).mean())
    assert found.reciprocal_rank == pytest.approx((1 / ranks).mean())
    assert found.rank_share == pytest.approx(((ranks - 1) / 6).mean())
    assert (found.chance_top1, found.chance_top5) == pytest.approx((1 / 7, 5 / 7))
    assert found.chance_reciprocal_rank == pytest.approx(sum(1 / k for k in range(1, 8)) / 7)
    assert (found.n_signatures, found.n_drugs) == (7, 7)


def test_replicates_are_averaged_and_controls_left_out():
    found = treated(
        [(-1, 0, np.nan, [9, 9]), (3, 0, 1, [0, 2]), (3, 0, 1, [2, 0]), (3, 0, np.nan, [5, 5])]
    )
    np.testing.assert_array_equal(found.drugs_T, [3, 3])
    np.testing.assert_array_equal(found.embeddings_TD, [[1, 1], [5, 5]])


def test_equal_scores_do_not_count_as_found():
    gallery = treated([(0, 0, 1, [1, 0]), (1, 0, 1, [1, 0]), (2, 0, 1, [0, 1])])
    found = retrieval(treated([(0, 0, 1, [1, 0])]), gallery)
    assert (found.top1, found.reciprocal_rank) == (0, 0.5)


def test_drugs_that_were_not_imaged_ask_nothing():
    gallery = treated([(0, 0, 1, [1, 0])])
    assert retrieval(treated([(5, 0, 1, [1, 0]), (0, 1, 1, [1, 0])]), gallery) is None
