import numpy as np
import pytest
from scipy.stats import kstest

from napari_tide.discovery.control_null import ControlNull
from napari_tide.discovery.permutation import draw_wells
from napari_tide.discovery.probes import one_question
from napari_tide.discovery.queries import search_gene
from napari_tide.discovery.ranking import rank_groups
from napari_tide.discovery.treatments import mean_profiles, treatments_named, treatments_of
from napari_tide.discovery.well_table import well_table


def relabelled_score(profiles, table, treatment, gene, chosen):
    """Call the chosen wells the treatment, the rest controls, and do everything again."""
    raw = profiles.features.astype(np.float64)
    plates = table.wells["plate"].to_numpy()
    is_control = table.is_control.copy()
    is_control[treatment.rows_n] = True
    is_control[chosen] = False
    centred = np.empty_like(raw)
    for plate in np.unique(plates):
        here = plates == plate
        centred[here] = raw[here] - raw[here & is_control].mean(axis=0)
    a, b = centred[chosen].mean(axis=0), centred[gene.rows_n].mean(axis=0)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.mark.parametrize("n_wells", [1, 3])
def test_a_draw_scores_what_relabelling_and_centring_anew_gives(
    make_profiles, noise_treatments, monkeypatch, n_wells
):
    profiles = make_profiles(noise_treatments(5, n_wells), effects={"G0": 1.0}, n_controls=9)
    table = well_table(profiles)
    treatment, gene = treatments_of(table, "compound")[2], treatments_named(table, "gene", "G0")[0]
    kept = []

    def watch(strata, *, n_draws, random):
        kept.append((strata, draw_wells(strata, n_draws=n_draws, random=random)))
        return kept[-1][1]

    monkeypatch.setattr("napari_tide.discovery.control_null.draw_wells", watch)
    probes = one_question(mean_profiles(table, [gene]), [gene.rows_n])
    found = ControlNull(table).draw(treatment, probes, n_draws=60, key=(0, 0, 0))[:, 0]
    plates = table.wells["plate"].to_numpy()
    pool = np.concatenate(
        [
            np.concatenate(
                [
                    np.flatnonzero(table.is_control & (plates == plate)),
                    treatment.rows_n[plates[treatment.rows_n] == plate],
                ]
            )
            for plate in ("P0", "P1")
        ]
    )
    expected = [relabelled_score(profiles, table, treatment, gene, pool[row]) for row in kept[0][1]]
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("n_plates", "n_wells", "n_controls", "gene_wells", "effect"),
    [(2, 1, 12, 2, 0.0), (2, 1, 12, 2, 1.0), (1, 3, 8, 4, 0.0), (1, 4, 16, 6, 0.0)],
)
def test_p_of_inert_compounds_is_uniform(
    make_profiles, noise_treatments, n_plates, n_wells, n_controls, gene_wells, effect
):
    random = np.random.default_rng(5)
    p_values = []
    for seed in range(60):
        profiles = make_profiles(
            noise_treatments(8, n_wells, 1, gene_wells),
            seed=seed,
            n_plates=n_plates,
            n_controls=n_controls,
            effects={"G0": effect * random.standard_normal(24)},
        )
        search = search_gene(well_table(profiles), "G0")
        groups = [[treatment] for treatment in search.treatments]
        null = ControlNull(search.table, seed=seed)
        p_values.append(rank_groups(search.table, groups, search.probes, null=null, n_draws=199))
    p = np.concatenate([ranking.p_GA[:, 0] for ranking in p_values])
    steps = p - random.random(len(p)) / 200
    assert kstest(steps, "uniform").pvalue > 1e-3
    assert (p <= 0.05).mean() <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / len(p))


def test_ignoring_the_shared_controls_makes_p_too_small(make_profiles, noise_treatments):
    """Why the null centres anew: the same draws without it call inert compounds alike."""
    p_values = []
    for seed in range(40):
        profiles = make_profiles(noise_treatments(8, 4, 1, 6), seed=seed, n_plates=1, n_controls=8)
        search = search_gene(well_table(profiles), "G0")
        blind = one_question(search.probes.vectors_QD)  # does not say which wells it is of
        groups = [[treatment] for treatment in search.treatments]
        null = ControlNull(search.table, seed=seed)
        ranking = rank_groups(search.table, groups, blind, null=null, n_draws=199)
        p_values.append(ranking.p_GA[:, 0])
    assert (np.concatenate(p_values) <= 0.05).mean() > 0.12


def test_one_well_among_few_controls_never_gets_a_small_p(make_profiles, noise_treatments):
    """25 ways to choose one well of 25 allow no p below about 1/25, however many are drawn."""
    effect = np.full(24, 5.0)
    profiles = make_profiles(
        noise_treatments(1, 1, 1, 1), n_plates=1, n_controls=24, effects={"C000": effect}
    )
    search = search_gene(well_table(profiles), "G0")
    null = ControlNull(search.table)
    groups = [[treatment] for treatment in search.treatments]
    ranking = rank_groups(search.table, groups, search.probes, null=null, n_draws=9999, tail="both")
    assert ranking.p_GA[0, 0] > 0.035


def test_the_same_seed_gives_the_same_draws(make_profiles, noise_treatments):
    table = well_table(make_profiles(noise_treatments()))
    treatment = treatments_of(table, "compound")[0]
    probes = one_question(table.rows_ND[:1])
    draws = [
        ControlNull(table, seed=seed).draw(treatment, probes, n_draws=20, key=(0, 0, 0))
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
