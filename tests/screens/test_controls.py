import pandas as pd
import pytest

from napari_tide.screens.controls import (
    Perturbation,
    WellContent,
    perturbation_of,
    recognise_controls,
)


@pytest.mark.parametrize(
    "name",
    ["DMSO", "dmso", "EMPTY_control", "EMPTY", "negcon", "negative_control", "Non-targeting",
     "no-guide", "untreated", "Vehicle", "JCP2022_033924"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["compound", "gene", "treatment"])
def test_negative_controls_are_known_by_name(name, column):
    found = perturbation_of(WellContent(**{column: name}))
    assert (found.control, found.perturbation_type) == ("negcon", "control")


@pytest.mark.parametrize(
    ("word", "control"),
    [
        ("negcon", "negcon"),
        ("negative_control", "negcon"),
        ("True", "negcon"),
        ("poscon", "poscon"),
        ("poscon_cp", "poscon"),
        ("poscon_diverse", "poscon"),
        ("poscon_orf", "poscon"),
        ("positive control", "poscon"),
        ("trt", ""),
        ("treatment", ""),
    ],
)
def test_a_control_column_is_read_in_every_usual_spelling(word, control):
    assert perturbation_of(WellContent(control=word, compound="x")).control == control


def test_a_control_column_has_the_last_word():
    assert perturbation_of(WellContent(control="treatment", compound="DMSO")).control == ""
    assert perturbation_of(WellContent(control="negcon", compound="taxol")).control == "negcon"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (WellContent(solvent="DMSO"), ("negcon", "control", "DMSO", "")),
        (WellContent(compound="dmso", solvent="DMSO"), ("negcon", "control", "DMSO", "")),
        (WellContent(broad_sample="BRD-K1", solvent="DMSO"), ("", "compound", "BRD-K1", "")),
        (WellContent(broad_sample="BRDN01"), ("", "crispr", "", "")),
        (WellContent(compound="taxol"), ("", "compound", "taxol", "")),
        (WellContent(gene="PLK1"), ("", "crispr", "", "PLK1")),
        (WellContent(sirna="s21721", control="treatment"), ("", "crispr", "", "s21721")),
        (
            WellContent(control="poscon_cp", compound="AMG900", perturbation_type="control"),
            ("poscon", "compound", "AMG900", ""),
        ),
        (
            WellContent(compound="CRISPR_control", perturbation_type="COMPOUND"),
            ("", "control", "CRISPR_control", ""),
        ),
        (
            WellContent(gene="EMPTY_control", perturbation_type="CRISPR"),
            ("negcon", "control", "", "EMPTY_control"),
        ),
        (WellContent(), ("", "", "", "")),
    ],
    ids=[
        "jump dmso", "named dmso", "sample", "guide", "compound", "gene", "sirna", "poscon",
        "rxrx3 crispr control", "rxrx3 empty", "nothing",
    ],
)  # fmt: skip
def test_wells_are_told_apart_by_what_they_hold(content, expected):
    found = perturbation_of(content)
    assert (found.control, found.perturbation_type, found.compound, found.gene) == expected


def test_the_gene_beside_a_compound_is_its_target():
    found = perturbation_of(WellContent(compound="taxol", gene="TUBB"))
    assert found == Perturbation("", "compound", "taxol", "", "TUBB")


def test_a_table_is_read_row_by_row_and_reading_it_again_changes_nothing():
    sites = pd.DataFrame(
        {
            "compound": ["taxol", "", "dmso", "", "CRISPR_control"],
            "gene": ["", "PLK1", "", "", ""],
            "control": ["poscon", "", "", "", ""],
            "solvent": ["DMSO", "", "DMSO", "DMSO", ""],
        },
        index=[7, 3, 5, 1, 0],
    )
    once, warnings = recognise_controls(sites)
    assert warnings == []
    assert once["control"].tolist() == ["poscon", "", "negcon", "negcon", ""]
    assert once["perturbation_type"].tolist() == [
        "compound", "crispr", "control", "control", "control",
    ]  # fmt: skip
    assert once["compound"].tolist() == ["taxol", "", "DMSO", "DMSO", "CRISPR_control"]
    assert once.index.tolist() == [7, 3, 5, 1, 0]
    pd.testing.assert_frame_equal(recognise_controls(once)[0], once)


def test_words_of_the_control_column_that_mean_nothing_are_told():
    sites = pd.DataFrame({"compound": ["a", "b"], "control": ["edge", "control"]})
    found, warnings = recognise_controls(sites)
    assert found["control"].tolist() == ["", ""]
    assert len(warnings) == 1
    assert "says 'edge', which is neither a negative nor a positive control" in warnings[0]
