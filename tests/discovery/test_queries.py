import numpy as np
import pytest

from napari_tide.discovery.queries import (
    Query,
    rows_of_wells,
    search_compound,
    search_gene,
    search_pairs,
    search_similar,
    search_wells,
)
from napari_tide.discovery.similar_names import did_you_mean, nearest_names
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import PlateValueError, ProfileValueError


@pytest.fixture
def table(make_profiles):
    treatments = {
        ("compound", "imatinib", 1.0): 1,
        ("compound", "imatinib", 10.0): 2,
        ("compound", "nilotinib", 1.0): 1,
        ("gene", "ABL1", np.nan): 2,
        ("gene", "TUBB", np.nan): 1,
    }
    return well_table(make_profiles(treatments))


def test_a_compound_asks_with_all_its_doses_in_one_question(table):
    search = search_compound(table, "imatinib")
    assert [treatment.name for treatment in search.treatments] == ["ABL1", "TUBB"]
    assert search.probes.question_Q.tolist() == [0, 0]
    expected = table.rows_ND[(table.wells["dose_um"] == 10.0).to_numpy()].mean(axis=0)
    np.testing.assert_allclose(search.probes.vectors_QD[1], expected, rtol=1e-5)


def test_a_compound_asks_with_each_dose_by_itself(table):
    assert search_compound(table, "imatinib", is_per_dose=True).probes.question_Q.tolist() == [0, 1]


def test_a_gene_asks_for_compounds_at_each_dose(table):
    search = search_gene(table, "abl1")  # case does not matter where it is clear
    found = [(treatment.name, treatment.dose_um) for treatment in search.treatments]
    assert found == [("imatinib", 1.0), ("imatinib", 10.0), ("nilotinib", 1.0)]
    assert search.question_names == ("ABL1",)


def test_pairs_ask_a_question_a_gene(table):
    assert search_pairs(table).question_names == ("ABL1", "TUBB")


def test_a_compound_is_not_similar_to_itself(table):
    search = search_similar(table, "imatinib")
    assert [treatment.name for treatment in search.treatments] == ["nilotinib"]


def test_an_unknown_name_gets_the_nearest_ones(table):
    with pytest.raises(ProfileValueError, match=r"no compound 'imatanib'.*did you mean imatinib\?"):
        search_compound(table, "imatanib")
    with pytest.raises(ProfileValueError, match=r"no gene 'XYZ9'.*expected one of 2: ABL1, TUBB"):
        search_gene(table, "XYZ9")


def test_profiles_without_genes_say_which_column_is_empty(make_profiles):
    table = well_table(make_profiles({("compound", "a", 1.0): 2}))
    with pytest.raises(ProfileValueError, match=r"no gene to rank \(Metadata_Gene is empty\)"):
        search_compound(table, "a")
    with pytest.raises(ProfileValueError, match="they hold no gene at all"):
        search_gene(table, "ABL1")
    with pytest.raises(ProfileValueError, match="the only compound"):
        search_similar(table, "a")


def test_wells_are_found_on_one_plate_or_on_all(table):
    assert len(rows_of_wells(table, ["A13"])) == 2
    rows = rows_of_wells(table, ["P1:a13", "P1:A13"])
    assert table.wells.iloc[rows][["plate", "well"]].to_numpy().tolist() == [["P1", "A13"]]


def test_wells_that_are_not_there_are_named(table):
    with pytest.raises(ProfileValueError, match="well H12 has no profile"):
        rows_of_wells(table, ["H12"])
    with pytest.raises(ProfileValueError, match="no plate 'P7' in these profiles"):
        rows_of_wells(table, ["P7:A13"])
    with pytest.raises(PlateValueError, match="'13' is not a well name"):
        rows_of_wells(table, ["13"])
    with pytest.raises(ProfileValueError, match="no well is selected"):
        search_wells(table, np.zeros(0, np.int64), "gene")


def test_selected_wells_are_no_part_of_the_answer(table):
    rows = np.flatnonzero((table.wells["name"] == "nilotinib").to_numpy())
    search = search_wells(table, rows, "compound")
    assert {treatment.name for treatment in search.treatments} == {"imatinib"}
    np.testing.assert_allclose(
        search.probes.vectors_QD[0], table.rows_ND[rows].mean(axis=0), rtol=1e-5
    )


def test_near_names_are_those_alike_or_holding_the_word():
    known = ["imatinib", "nilotinib", "imatinib-mesylate", "taxol"]
    assert nearest_names("IMATINIB", known)[0] == "imatinib"
    assert "imatinib-mesylate" in nearest_names("imat", known)
    assert did_you_mean("zzz", ["a"], of="gene") == "expected one of 1: a"


def test_a_query_says_itself_in_words():
    assert str(Query("gene", ("ABL1",))) == "compounds that act like the knock-out of ABL1"
    assert str(Query("wells", tuple("ABCDEFG"))).endswith("wells A, B, C, D, E ...")
