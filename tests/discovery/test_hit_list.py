import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, kstest

from napari_tide.discovery.hit_list import HitSettings, choose_null, find_hits
from napari_tide.discovery.hit_table import COLUMNS
from napari_tide.discovery.hit_trends import dose_wells, trends_of
from napari_tide.discovery.known_targets import KnownTargets
from napari_tide.discovery.queries import (
    rows_of_wells,
    search_compound,
    search_gene,
    search_pairs,
    search_similar,
    search_wells,
)
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import ProfileValueError

DOSES = (1.0, 4.0, 16.0)
FEW = HitSettings(n_draws=199)


@pytest.fixture(scope="module")
def planted(make_profiles, noise_treatments):
    """C000 acts like G0, more so at higher doses, and C001 the other way round."""
    effect = 1.5 * np.random.default_rng(3).standard_normal(24)
    treatments = noise_treatments(12, 1, 4, 3, DOSES)
    profiles = make_profiles(treatments, effects={"G0": effect}, n_plates=3)
    features = profiles.features.copy()
    dose = profiles.metadata["Metadata_Dose_uM"].to_numpy()
    for name, sign in (("C000", 1), ("C001", -1)):
        rows = (profiles.metadata["Metadata_Compound"] == name).to_numpy()
        features[rows] += sign * effect * (np.log(dose[rows]) / np.log(16))[:, None]
    return well_table(profiles.with_features(features))


def test_a_planted_target_is_found_and_its_opposite_is_last(planted):
    table = find_hits([search_gene(planted, "G0")], FEW).table
    assert tuple(table.columns) == COLUMNS
    assert table["compound"].iloc[[0, -1]].tolist() == ["C000", "C001"]
    assert table["rank"].tolist() == list(range(1, 13))
    assert table["dose_um"].iloc[0] == 16.0
    assert table["p_value"].iloc[0] <= 3 / 200
    assert table["direction"].iloc[[0, -1]].tolist() == ["match", "anti-match"]
    assert table["p_value"].iloc[-1] > 0.3


def test_the_opposite_comes_first_where_it_is_asked_for(planted):
    search = search_gene(planted, "G0")
    table = find_hits([search], HitSettings(tail="anti-match", n_draws=199)).table
    assert table["compound"][0] == "C001"
    assert table["p_value"][0] <= 3 / 200
    both = find_hits([search], HitSettings(tail="both", n_draws=199)).table
    assert set(both["compound"][:2]) == {"C000", "C001"}
    assert both["score"].abs().is_monotonic_decreasing


def test_a_compound_finds_its_gene_at_its_best_dose(planted):
    table = find_hits([search_compound(planted, "C000")], FEW).table
    assert table.loc[0, ["compound", "gene", "dose_um", "smiles"]].tolist() == [
        "C000", "G0", 16.0, "CCO"
    ]  # fmt: skip
    each = find_hits(
        [search_compound(planted, "C000", is_per_dose=True)], HitSettings(doses="each", n_draws=199)
    ).table
    assert len(each) == 4 * len(DOSES)
    assert sorted(each.loc[each["gene"] == "G0", "dose_um"]) == list(DOSES)


def test_doses_are_rows_of_their_own_or_one_mean(planted):
    search = search_gene(planted, "G0")
    each = find_hits([search], HitSettings(doses="each", n_draws=199)).table
    assert len(each) == 36
    mean = find_hits([search], HitSettings(doses="mean", n_draws=199)).table
    assert mean["dose_um"].isna().all()
    assert mean["n_replicates"].tolist() == [9] * 12
    of_c000 = each.loc[each["compound"] == "C000", "score"].mean()
    assert mean.loc[mean["compound"] == "C000", "score"].iloc[0] == pytest.approx(of_c000)


def test_compounds_similar_to_one_leave_it_out(planted):
    table = find_hits([search_similar(planted, "C000")], FEW).table
    assert "C000" not in set(table["compound"])
    assert (table["gene"] == "").all()


def test_selected_wells_find_compounds_and_genes_in_one_list(planted):
    wells = planted.wells
    chosen = wells[(wells["name"] == "C000") & (wells["dose_um"] == 16.0)]
    names = (chosen["plate"] + ":" + chosen["well"]).tolist()
    rows = rows_of_wells(planted, names)
    searches = [search_wells(planted, rows, kind) for kind in ("compound", "gene")]
    found = find_hits(searches, FEW)
    assert set(found.table.loc[:1, "gene"] + found.table.loc[:1, "compound"]) <= {"G0", "C000"}
    assert found.n_tested == 12 + 4
    assert not set(names) & {name for text in found.table["wells"] for name in text.split("|")}


def test_q_is_over_all_tests_before_rows_are_left_out(planted):
    whole = find_hits([search_pairs(planted)], FEW)
    np.testing.assert_allclose(
        whole.table["q_value"], false_discovery_control(whole.table["p_value"]), rtol=1e-9
    )
    some = find_hits([search_pairs(planted)], HitSettings(n_draws=199, top=2, min_score=0.1))
    assert some.n_tested == whole.n_tested == 48
    assert some.table.groupby("gene").size().max() <= 2
    assert (some.table["score"] >= 0.1).all()
    merged = some.table.merge(whole.table, on=["compound", "gene"])
    np.testing.assert_array_equal(merged["q_value_x"], merged["q_value_y"])


def test_known_targets_and_flags_are_marked(planted):
    targets = KnownTargets({"c000": frozenset({"g0"}), "c002": frozenset({"x"})})
    table = find_hits([search_gene(planted, "G0")], FEW, targets=targets).table
    known = table.set_index("compound")["known_target"]
    assert known[["C000", "C001", "C002"]].tolist() == ["yes", "", "no"]
    wells = table["wells"][0].split("|")
    assert wells[0].startswith("P0:")
    assert table["plates"][0] == "P0|P1|P2"
    on_edge = [
        well for well in wells if well.split(":")[1][0] == "A" or well.endswith(("01", "24"))
    ]
    expected = f"edge well ({len(on_edge)} of 3)" if on_edge else ""
    assert table["flags"][0] == expected


def test_single_wells_and_bad_images_are_flagged(make_profiles, noise_treatments):
    profiles = make_profiles(noise_treatments(3), n_plates=1)
    qc = np.where(profiles.metadata["Metadata_Compound"] == "C001", "out of focus|blank", "")
    flagged = type(profiles)(
        profiles.metadata.assign(Metadata_QC=qc),
        profiles.features,
        profiles.feature_names,
        profiles.level,
        profiles.student,
    )
    table = find_hits([search_gene(well_table(flagged), "G0")], FEW).table
    flags = table.set_index("compound")["flags"]
    assert "< 2 replicates" in flags["C000"]
    assert "QC (1 of 1: out of focus, blank)" in flags["C001"]


def test_labels_are_the_null_where_controls_are_few_and_it_is_said(make_profiles, noise_treatments):
    search = search_gene(well_table(make_profiles(noise_treatments(), n_controls=4)), "G0")
    found = find_hits([search], FEW)
    assert found.null == "labels"
    assert "fewer than 8 negative controls" in found.null_reason
    with pytest.raises(ProfileValueError, match="use --null labels"):
        find_hits([search], HitSettings(null="controls"))


def test_the_null_is_chosen_by_rule_or_as_asked(planted):
    search = search_gene(planted, "G0")
    assert choose_null(search, None)[0] == "controls"
    assert choose_null(search, "labels") == (
        "labels",
        "labels of treated wells were shuffled, as asked",
    )


@pytest.mark.parametrize("null", ["controls", "labels"])
def test_an_inert_screen_has_no_more_hits_than_the_rate(make_profiles, noise_treatments, null):
    lists, p_values = [], []
    for seed in range(30):
        table = well_table(make_profiles(noise_treatments(20, 1, 1, 2, (1.0, 4.0)), seed=seed))
        found = find_hits(
            [search_gene(table, "G0")], HitSettings(null=null, n_draws=399, seed=seed)
        ).table
        lists.append((found["q_value"] <= 0.2).any())
        p_values += found["p_value"].tolist()
    # where nothing is true, every list with a hit is false: at most 0.2 of them, give or take
    assert np.mean(lists) <= 0.2 + 2.5 * np.sqrt(0.2 * 0.8 / 30)
    assert kstest(p_values, "uniform").pvalue > 1e-4


def test_dose_trends_are_of_the_compounds_own_wells(planted):
    found = find_hits([search_gene(planted, "G0")], FEW)
    trends = trends_of(found)
    assert trends[1].rho > 0.5
    assert trends[1].p_value < 0.05
    wells = dose_wells(found.sources[0])
    assert sorted(wells.doses_n) == sorted([*DOSES] * 3)
    assert abs(wells.control_scores.mean()) < 0.1
    genes = find_hits([search_compound(planted, "C000")], FEW)
    assert trends_of(genes)[1].rho == pytest.approx(trends[1].rho, abs=0.15)


def test_the_same_seed_gives_the_same_list(planted):
    first, second = (find_hits([search_gene(planted, "G0")], FEW).table for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_impossible_settings_are_refused():
    with pytest.raises(ProfileValueError, match="0 draws"):
        HitSettings(n_draws=0)


def test_nothing_to_rank_is_said(make_profiles):
    table = well_table(make_profiles({("compound", "a", 1.0): 2}))
    search = search_wells(table, np.array([0]), "gene")
    with pytest.raises(ProfileValueError, match="no compound or gene to rank"):
        find_hits([search], FEW)
