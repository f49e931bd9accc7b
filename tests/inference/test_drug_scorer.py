import numpy as np
import torch

from napari_tide.inference.drug_scorer import DrugScorer


def embeddings(*shape):
    return np.random.default_rng(3).normal(size=(*shape, 24)).astype(np.float32)


def test_scores_are_those_of_the_student(make_bundle):
    bundle = make_bundle()
    bundle.student.calibration_temperature = 1.7
    scorer = DrugScorer.of(bundle)
    given = embeddings(5)
    placed = scorer.place(given)
    with torch.inference_mode():
        wanted = bundle.student.probabilities(torch.from_numpy(given)).numpy()
        cosines = bundle.student.similarities(
            torch.from_numpy(given), bundle.student.codebook()
        ).numpy()
    for drug in range(4):
        assert np.allclose(scorer.probability(placed, drug), wanted[:, drug], atol=1e-6)
        assert np.allclose(scorer.similarity(placed, drug), cosines[:, drug], atol=1e-6)


def test_any_shape_is_placed_row_by_row(make_bundle):
    scorer = DrugScorer.of(make_bundle())
    given = embeddings(2, 3, 3)
    together = scorer.place(given)
    assert together.directions.shape == (2, 3, 3, 24)
    assert together.log_totals.shape == (2, 3, 3)
    alone = scorer.place(given[1, 2])
    assert np.allclose(scorer.probability(together, 1)[1, 2], scorer.probability(alone, 1))


def test_the_top_drugs_are_named_in_order(make_bundle):
    scorer = DrugScorer.of(make_bundle())
    placed = scorer.place(embeddings(1))[0]
    top = scorer.top_drugs(placed, 3)
    everything = {name: float(scorer.probability(placed, k)) for k, name in enumerate(scorer.drugs)}
    assert [name for name, _ in top] == sorted(everything, key=lambda n: -everything[n])[:3]
    assert np.isclose(sum(p for _, p in scorer.top_drugs(placed, 4)), 1, atol=1e-5)


def test_an_embedding_that_is_no_number_has_no_probability(make_bundle):
    scorer = DrugScorer.of(make_bundle())
    given = embeddings(2)
    given[0] = np.nan
    assert np.isnan(scorer.probability(scorer.place(given), 0)).tolist() == [True, False]
