from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from napari_tide.discovery.label_exchange import LabelledRows, _mean_precision, _pairs, _ranks
from napari_tide.discovery.label_exchange import exchange_p_values as p_values
from napari_tide.discovery.label_retrieval import unit_rows
from napari_tide.discovery.replicate_retrieval import replicate_retrieval
from napari_tide.profiles.profiles import Profiles, embedding_names

N_PLATES = 3


def screen(seed, *, n_labels=4, n_company=12, effect=0.0, has_strata=False):
    """Plates with an offset each; every label stands once a plate."""
    random = np.random.default_rng([7, seed])
    labels = np.tile(np.r_[np.arange(n_labels), np.full(n_company, -1)], N_PLATES)
    plates = np.repeat(np.arange(N_PLATES), n_labels + n_company)
    features = random.normal(size=(len(labels), 6)) + random.normal(size=(N_PLATES, 6))[plates]
    pushes = effect * random.normal(size=(n_labels + 1, 6))
    pushes[-1] = 0
    return LabelledRows(features + pushes[labels], labels, plates, has_strata)


def p_of_many_screens(*, among_controls, has_strata, shuffles):
    """One p a screen: labels of one screen share their company, so their p go together."""
    found = []
    for seed in range(100):
        rows = screen(seed, n_labels=1, has_strata=has_strata)
        if not among_controls:
            rows = replace(rows, label_N=np.where(rows.label_N < 0, 1, 0))
        if shuffles:
            shuffled = np.random.default_rng([8, seed]).permutation(rows.label_N)
            rows = replace(rows, label_N=shuffled)
        found.append(p_values(rows, among_controls=among_controls, n_draws=59)[0])
    return np.array(found)


@pytest.mark.parametrize("among_controls", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_p_is_uniform_where_labels_are_shuffled(among_controls):
    found = p_of_many_screens(among_controls=among_controls, has_strata=False, shuffles=True)
    assert kstest(found, "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("among_controls", [True, False])
def test_p_is_uniform_across_plates_that_differ(among_controls):
    found = p_of_many_screens(among_controls=among_controls, has_strata=True, shuffles=False)
    assert kstest(found, "uniform").pvalue > 0.01


@pytest.mark.slow
def test_the_uniform_test_fails_where_places_are_not_exchangeable():
    found = p_of_many_screens(among_controls=True, has_strata=False, shuffles=False)
    assert kstest(found, "uniform").pvalue < 0.01


@pytest.mark.parametrize("has_strata", [False, True])
@pytest.mark.parametrize("against", ["controls", "others"])
def test_what_is_exchanged_is_the_mean_average_precision_of_copairs(against, has_strata):
    rows = screen(1, effect=1.0, has_strata=has_strata)
    is_control = rows.label_N < 0
    metadata = pd.DataFrame(
        {
            "Metadata_Control": np.where(is_control, "negcon", ""),
            "Metadata_Plate": rows.stratum_N.astype(str),
        }
    )
    profiles = Profiles(metadata, rows.features_ND, embedding_names(6))
    names = np.where(is_control, "", rows.label_N.astype(str)).astype(object)
    theirs = replicate_retrieval(
        profiles,
        names,
        against=against,
        different=["Metadata_Plate"] if has_strata else [],
        null_size=99,
    ).treatments.set_index("treatment")["mean_average_precision"]
    kept = ~is_control if against == "others" else np.ones(len(names), bool)
    for label in range(4):
        pool = np.flatnonzero(kept & (is_control | (against == "others") | (rows.label_N == label)))
        own = np.flatnonzero(rows.label_N[pool] == label)
        is_pair = _pairs(rows.stratum_N[pool][own], has_strata=has_strata)
        found = _mean_precision(_ranks(unit_rows(rows.features_ND[pool])), own[None], is_pair)
        assert found[0] == pytest.approx(theirs[str(label)], abs=1e-6)


def test_effects_have_small_p_however_few_the_chance():
    found = p_values(screen(0, effect=9.0, n_company=40), among_controls=True, n_draws=4999)
    assert (found < 0.001).all()


def test_a_label_that_makes_no_pair_has_no_p():
    rows = screen(0, has_strata=True)
    alone = LabelledRows(rows.features_ND, rows.label_N, np.zeros_like(rows.stratum_N), True)
    assert np.isnan(p_values(alone, among_controls=True, n_draws=9)).all()


def test_a_large_label_is_tested_on_a_part_of_its_rows():
    random = np.random.default_rng(0)
    labels = np.repeat([0, -1], [120, 900])
    features = random.normal(size=(len(labels), 4)) + (labels == 0)[:, None]
    rows = LabelledRows(features, labels, np.zeros(len(labels), np.int64), False)
    assert p_values(rows, among_controls=True, n_draws=99)[0] == pytest.approx(0.01)
