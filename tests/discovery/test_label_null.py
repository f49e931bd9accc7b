import numpy as np
import pytest
from scipy.stats import kstest

from napari_tide.discovery.label_null import LabelNull
from napari_tide.discovery.queries import search_gene
from napari_tide.discovery.ranking import rank_groups
from napari_tide.discovery.treatments import treatments_of
from napari_tide.discovery.well_table import well_table


def structured(make_profiles, noise_treatments, seed, **more):
    """Compounds in two strong phenotypes, a gene in one of them."""
    random = np.random.default_rng(100 + seed)
    one, other = 2 * random.standard_normal((2, 24))
    effects = {"G0": one} | {f"C{i:03d}": one if i % 3 == 0 else other for i in range(24)}
    return make_profiles(noise_treatments(24, 1, 1, 2, **more), seed=seed, effects=effects)


def shuffled(profiles, seed):
    """Shuffle which treated well of a plate carries which compound and dose."""
    random = np.random.default_rng(seed)
    metadata = profiles.metadata.copy()
    carried = ["Metadata_Compound", "Metadata_Dose_uM"]
    is_treated = (metadata["Metadata_Control"] == "") & (metadata["Metadata_Gene"] == "")
    for plate in metadata["Metadata_Plate"].unique():
        rows = np.flatnonzero(is_treated & (metadata["Metadata_Plate"] == plate))
        for name in carried:
            column = metadata.columns.get_loc(name)
            order = np.random.default_rng([seed, int(plate[1:])]).permutation(len(rows))
            metadata.iloc[rows, column] = metadata.iloc[rows, column].to_numpy()[order]
    del random
    return type(profiles)(
        metadata, profiles.features, profiles.feature_names, profiles.level, profiles.student
    )


def p_values(profiles, seed, **more):
    search = search_gene(well_table(profiles), "G0")
    by_name = {}
    for treatment in search.treatments:
        by_name.setdefault(treatment.name, []).append(treatment)
    null = LabelNull(search.table, search.treatments, seed=seed)
    ranking = rank_groups(
        search.table, list(by_name.values()), search.probes, null=null, n_draws=199, **more
    )
    return ranking.p_GA[:, 0]


@pytest.mark.parametrize(
    ("doses", "more"),
    [((1.0,), {}), ((1.0,), {"tail": "both"}), ((1.0, 4.0), {}), ((1.0, 4.0), {"combine": "mean"})],
)
def test_under_shuffled_labels_p_is_uniform(make_profiles, noise_treatments, doses, more):
    random = np.random.default_rng(9)
    found = []
    for seed in range(40):
        profiles = shuffled(structured(make_profiles, noise_treatments, seed, doses=doses), seed)
        # wells of a screen are shared out among compounds, so its p-values depend on each other
        found.append(random.choice(p_values(profiles, seed, **more), 12, replace=False))
    p = np.concatenate(found)
    assert kstest(p - random.random(len(p)) / 200, "uniform").pvalue > 1e-3


def test_with_the_true_labels_p_is_not_uniform(make_profiles, noise_treatments):
    p = p_values(structured(make_profiles, noise_treatments, 0), 0)
    assert (p[::3] < 0.2).all()
    assert (p[1::3] > 0.2).all()


def test_many_ways_to_lie_on_plates_are_drawn_within_batches(
    make_profiles, noise_treatments, monkeypatch
):
    monkeypatch.setattr("napari_tide.discovery.label_null.MOST_PATTERNS", 0)
    table = well_table(make_profiles(noise_treatments(), batches=["B", "B"]))
    assert LabelNull(table, treatments_of(table, "compound")).unit == "batch"


def test_treatments_laid_out_alike_share_draws_but_doses_do_not(make_profiles, noise_treatments):
    table = well_table(make_profiles(noise_treatments()))
    first, second, *_ = treatments_of(table, "compound")
    null = LabelNull(table, treatments_of(table, "compound"))
    probes = search_gene(table, "G0").probes
    a = null.draw(first, probes, n_draws=30, key=(0, 0, 0))
    np.testing.assert_array_equal(a, null.draw(second, probes, n_draws=30, key=(1, 0, 0)))
    assert (a != null.draw(first, probes, n_draws=30, key=(0, 1, 0))).any()
