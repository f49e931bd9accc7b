import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from napari_tide.errors import ProfileValueError, StudentValueError
from napari_tide.inference.against_controls import drug_scores, p_against_controls
from napari_tide.profiles.profiles import Profiles, embedding_names


def table(plates, controls, features=None, *, level="well", student=""):
    metadata = pd.DataFrame({"Metadata_Plate": plates, "Metadata_Control": controls})
    if features is None:
        features = np.zeros((len(plates), 2), np.float32)
    return Profiles(metadata, features, embedding_names(features.shape[1]), level, student)


def slow_p(plates, controls, scores):
    found = []
    for i, score in enumerate(scores):
        others = [
            scores[j]
            for j in range(len(scores))
            if j != i and plates[j] == plates[i] and controls[j] == "negcon"
            and not np.isnan(scores[j])
        ]  # fmt: skip
        is_known = others and not np.isnan(score)
        as_high = sum(other >= score for other in others)
        found.append((1 + as_high) / (1 + len(others)) if is_known else np.nan)
    return found


def test_p_are_those_of_a_slow_loop():
    rng = np.random.default_rng(0)
    plates = rng.choice(["P1", "P2", "P3"], 120)
    controls = np.where(rng.random(120) < 0.3, "negcon", rng.choice(["", "poscon"], 120))
    controls[plates == "P3"] = ""
    controls[np.flatnonzero(plates == "P3")[0]] = "negcon"  # a control without another
    scores = rng.normal(size=120).round(1)  # with ties
    scores[::17] = np.nan
    found = p_against_controls(table(plates, controls), scores)
    np.testing.assert_allclose(found, slow_p(plates, controls, scores))
    assert np.isnan(found).any()


def test_a_plate_without_controls_has_no_p():
    found = p_against_controls(table(["P1"] * 3, [""] * 3), np.arange(3.0))
    assert np.isnan(found).all()


def test_p_are_uniform_where_nothing_happens_though_plates_differ():
    rng = np.random.default_rng(1)
    n_plates, n_controls = 600, 9
    plates = np.repeat(np.arange(n_plates).astype(str), n_controls + 1)
    controls = np.tile(["negcon"] * n_controls + [""], n_plates)
    scores = rng.normal(size=len(plates)) + np.repeat(rng.normal(0, 5, n_plates), n_controls + 1)
    profiles = table(plates, controls)
    found = p_against_controls(profiles, scores)
    # one treated row a plate, so that the p are independent: ten steps, each as likely
    steps = np.rint(found[controls == ""] * (n_controls + 1)).astype(int)
    assert stats.chisquare(np.bincount(steps, minlength=11)[1:]).pvalue > 0.01
    # the controls of a plate share out the steps between them
    ranks = np.sort(found[controls == "negcon"].reshape(n_plates, n_controls), axis=1)
    np.testing.assert_allclose(ranks, np.tile(np.arange(1, 10) / 9, (n_plates, 1)))
    # against all controls at once the same scores are far from uniform
    one_plate = p_against_controls(table(["P"] * len(plates), controls), scores)
    per_plate = np.abs(one_plate.reshape(n_plates, -1) - 0.5).mean(axis=1)
    assert per_plate.std() > 0.1


def test_an_effect_has_a_small_p():
    scores = np.concatenate([np.linspace(-1, 1, 99), [5.0]])
    found = p_against_controls(table(["P"] * 100, ["negcon"] * 99 + [""]), scores)
    assert found[-1] == pytest.approx(0.01)


def test_profiles_of_treatments_have_no_plate_to_compare_on():
    with pytest.raises(ProfileValueError, match="belong to no plate"):
        p_against_controls(table(["P1"], ["negcon"], level="treatment"), np.zeros(1))
    with pytest.raises(ProfileValueError, match="2 scores do not fit 1 profiles"):
        p_against_controls(table(["P1"], ["negcon"]), np.zeros(2))


def test_scores_are_the_students_own(make_bundle):
    bundle = make_bundle()
    rows = np.random.default_rng(0).normal(size=(5, 24)).astype(np.float32)
    profiles = table(["P"] * 5, [""] * 5, rows, student=bundle.id)
    with torch.inference_mode():
        placed = bundle.student.head(torch.from_numpy(rows)).numpy()
        prototype = bundle.student.codebook()[2].numpy()
        expected = bundle.student.probabilities(torch.from_numpy(rows))[:, 2].numpy()
    cosines = placed @ prototype / np.linalg.norm(placed, axis=1)
    np.testing.assert_allclose(drug_scores(profiles, bundle, drug="drug2"), cosines, atol=1e-6)
    found = drug_scores(profiles, bundle, drug="drug2", score="probability")
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with pytest.raises(StudentValueError, match=r"does not know 'aspirin'. Available"):
        drug_scores(profiles, bundle, drug="aspirin")
    with pytest.raises(StudentValueError, match="of another tool, not of student-"):
        drug_scores(table(["P"] * 5, [""] * 5, rows), bundle, drug="drug2")
