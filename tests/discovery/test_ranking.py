import numpy as np
import pytest

from napari_tide.discovery.probes import Probes, combine_scores, one_question
from napari_tide.discovery.ranking import rank_groups
from napari_tide.discovery.treatments import treatments_of
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import ProfileValueError


class FixedNull:
    """Gives the same scores to everyone, and counts the questions asked a second time."""

    def __init__(self, scores):
        self.scores, self.asked = np.asarray(scores, float), []

    def draw(self, treatment, probes, *, n_draws, key):
        self.asked.append((n_draws, len(probes.vectors_QD)))
        return np.resize(self.scores, (n_draws, 1)) * np.ones(len(probes.vectors_QD))


@pytest.fixture
def table(make_profiles):
    treatments = {("compound", "a", dose): 1 for dose in (1.0, 2.0, 4.0)}
    return well_table(make_profiles(treatments | {("compound", "b", 1.0): 2}))


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def by_hand(table, group, vector):
    means = [table.rows_ND[treatment.rows_n].mean(axis=0) for treatment in group]
    return [cosine(mean, vector) for mean in means]


@pytest.mark.parametrize("tail", ["match", "anti-match", "both"])
def test_the_dose_that_stands_out_most_gives_the_score(table, tail):
    group = treatments_of(table, "compound")[:3]
    vector = table.rows_ND[0]
    scores = by_hand(table, group, vector)
    best = {"match": np.argmax(scores), "anti-match": np.argmin(scores)}.get(
        tail, np.argmax(np.abs(scores))
    )
    found = rank_groups(
        table, [group], one_question(vector[None]), null=FixedNull([0.0]), tail=tail, n_draws=9
    )
    assert found.scores_GA[0, 0] == pytest.approx(scores[best], abs=1e-6)
    assert found.treatment_GA[0, 0] == best


def test_the_mean_over_doses_belongs_to_no_dose(table):
    group = treatments_of(table, "compound")[:3]
    vector = table.rows_ND[0]
    found = rank_groups(
        table,
        [group],
        one_question(vector[None]),
        null=FixedNull([0.0]),
        combine="mean",
        n_draws=9,
    )
    assert found.scores_GA[0, 0] == pytest.approx(np.mean(by_hand(table, group, vector)), abs=1e-6)
    assert found.treatment_GA[0, 0] == -1


def test_only_promising_treatments_are_drawn_again(table):
    group = treatments_of(table, "compound")[-1:]
    vectors = np.stack([table.rows_ND[group[0].rows_n].mean(axis=0), -table.rows_ND[0]])
    vectors[1] -= (vectors[1] @ vectors[0]) / (vectors[0] @ vectors[0]) * vectors[0]
    none = np.zeros(0, np.int64)
    probes = Probes(vectors, np.arange(2), (none, none))
    null = FixedNull([0.5])
    found = rank_groups(table, [group], probes, null=null, n_draws=4999)
    assert null.asked == [(999, 2), (4000, 1)]
    np.testing.assert_allclose(found.p_GA, [[1 / 5000, 1.0]])


@pytest.mark.parametrize("tail", ["match", "both"])
@pytest.mark.parametrize("combine", ["max", "mean"])
def test_doses_and_probes_are_combined_as_a_loop_does(combine, tail):
    random = np.random.default_rng(0)
    scores = random.uniform(-1, 1, (7, 3, 5))
    question = np.array([0, 1, 0, 1, 1])
    expected = np.empty((7, 2))
    for draw in range(7):
        for asked in range(2):
            values = [
                scores[draw, d, q] for d in range(3) for q in range(5) if question[q] == asked
            ]
            if combine == "mean":
                value = np.mean(values)
                expected[draw, asked] = abs(value) if tail == "both" else value
            else:
                expected[draw, asked] = max(abs(v) if tail == "both" else v for v in values)
    found = combine_scores(scores, question, combine=combine, tail=tail)
    np.testing.assert_allclose(found, expected)
    plain = combine_scores(scores, np.arange(5), combine=combine, tail=tail)
    one_by_one = [
        combine_scores(scores[..., q : q + 1], np.zeros(1, int), combine=combine, tail=tail)
        for q in range(5)
    ]
    np.testing.assert_allclose(plain, np.concatenate(one_by_one, axis=1))


def test_a_probe_without_direction_is_refused():
    with pytest.raises(ProfileValueError, match="zero or not finite"):
        one_question(np.zeros((1, 4)))


def test_a_projection_is_not_scaled_by_the_treatment():
    probes = one_question(np.array([[3.0, 4.0]]), measure="projection")
    np.testing.assert_allclose(probes.scores(np.array([[10.0, 0.0]])), [[6.0]], rtol=1e-6)
