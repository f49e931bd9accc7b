import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.errors import TrainValueError
from tide_train.data.split import perturbations, split_rows


def table(rows):
    names = ["Metadata_Plate", "Metadata_Well", "Metadata_Site", "Metadata_Compound"]
    names += ["Metadata_Gene", "Metadata_Control"]
    return pd.DataFrame(rows, columns=names)


def plate(n_compounds=4, n_wells=3, n_sites=4):
    rows = [
        ("P1", f"{chr(65 + compound)}{well:02}", site, f"drug{compound}", "", "")
        for compound in range(n_compounds)
        for well in range(1, n_wells + 1)
        for site in range(n_sites)
    ]
    rows += [("P1", "H01", site, "DMSO", "", "negcon") for site in range(n_sites)]
    rows += [("P1", f"G{well:02}", 0, "", "TUBB", "") for well in (1, 2)]
    return table(rows)


def wells_of(metadata, rows):
    chosen = metadata.iloc[rows]
    return set(zip(chosen["Metadata_Well"], chosen["Metadata_Compound"], strict=True))


def test_controls_have_no_perturbation_and_genes_are_told_from_compounds():
    names = perturbations(plate())
    assert set(names) == {"drug0", "drug1", "drug2", "drug3", "gene:TUBB", ""}
    assert names[-3] == ""


def test_no_well_trains_and_validates():
    metadata = plate()
    split = split_rows(metadata, n_validation=2)
    together = np.sort(np.concatenate([split.training, split.validation]))
    np.testing.assert_array_equal(together, np.arange(len(metadata)))
    assert not wells_of(metadata, split.training) & wells_of(metadata, split.validation)
    assert {f"drug{n}" for n in range(4)} <= set(
        metadata["Metadata_Compound"].iloc[split.validation]
    )
    assert split.warnings == ()


def test_a_perturbation_in_one_well_is_split_within_it_and_said():
    split = split_rows(plate(n_wells=1), n_validation=2)
    assert "4 perturbations have one well only" in split.warnings[0]
    names = plate(n_wells=1)["Metadata_Compound"]
    for rows in (split.training, split.validation):
        assert {f"drug{n}" for n in range(4)} <= set(names.iloc[rows])


def test_held_out_compounds_are_in_neither():
    metadata = plate()
    split = split_rows(metadata, held_out_compounds=["drug2"])
    held = set(np.flatnonzero(metadata["Metadata_Compound"] == "drug2"))
    assert set(split.held_out) == held
    assert not held & {*split.training, *split.validation}


def test_a_compound_that_is_not_there_cannot_be_held_out():
    with pytest.raises(TrainValueError, match="'aspirin' is to be held out, but no image"):
        split_rows(plate(), held_out_compounds=["aspirin"])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.integers(1, 12), st.integers(0, 3)
)
def test_every_row_is_used_once_and_most_of_a_perturbation_trains(
    n_compounds, n_wells, n_sites, n_validation, seed
):
    metadata = plate(n_compounds, n_wells, n_sites)
    split = split_rows(metadata, n_validation=n_validation, seed=seed)
    together = np.sort(np.concatenate([split.training, split.validation]))
    np.testing.assert_array_equal(together, np.arange(len(metadata)))
    names = metadata["Metadata_Compound"].to_numpy()
    for compound in {*names} - {"", "DMSO"}:
        n_training = (names[split.training] == compound).sum()
        assert n_training >= (names[split.validation] == compound).sum()
