import numpy as np
import pytest

from napari_tide.errors import MoleculeValueError
from napari_tide.inference.new_drugs import NewDrugs
from napari_tide.viewmodels.new_drug import find_neighbours, place_between


def test_a_pasted_smiles_finds_its_like_by_structure(bundle):
    found = find_neighbours(NewDrugs(bundle), " Cn1cnc2c1c(=O)[nH]c(=O)n2C theobromine")
    assert found.smiles == "Cn1cnc2c1c(=O)[nH]c(=O)n2C"
    assert {near.name for near in found.nearest["chemistry"][:2]} == {"caffeine", "theophylline"}
    assert "codebook" not in found.nearest  # this student knows no chemistry, and says so
    assert "knows no chemistry" in found.problem


@pytest.mark.parametrize("text", ["paclitaxel", "C1CC", ""])
def test_what_is_no_smiles_is_a_sentence(bundle, text):
    with pytest.raises(MoleculeValueError, match="nor a SMILES; try another"):
        find_neighbours(NewDrugs(bundle), text)


def test_a_known_drug_lies_on_itself():
    places = np.array([[0, 0], [4, 2], [np.nan, np.nan]])
    assert place_between(places, [(0, 1.0), (1, 0.5)]) == pytest.approx((0, 0), abs=1e-4)
    assert place_between(places, [(0, 0.5), (1, 0.5), (2, 0.9)]) == pytest.approx((2, 1))
    assert place_between(places, [(2, 0.9)]) is None
    assert place_between(places, []) is None
