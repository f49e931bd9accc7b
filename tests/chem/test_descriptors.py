import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError
from rdkit import Chem
from rdkit.Chem import Crippen, rdMolDescriptors

from napari_tide.chem.descriptors import (
    descriptor_names,
    fit_descriptors,
    raw_descriptors,
    scale_descriptors,
)
from napari_tide.chem.feature_settings import DescriptorSettings
from napari_tide.errors import MoleculeValueError

SMILES = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "CCCCCCCC", "c1ccccc1"]
MOLECULES = [Chem.MolFromSmiles(smiles) for smiles in SMILES]


def test_values_are_those_of_rdkits_own_functions():
    found = raw_descriptors(MOLECULES, ["MolLogP", "TPSA", "ExactMolWt"])
    for row, molecule in zip(found, MOLECULES, strict=True):
        expected = [
            Crippen.MolLogP(molecule),
            rdMolDescriptors.CalcTPSA(molecule),
            rdMolDescriptors.CalcExactMolWt(molecule),
        ]
        np.testing.assert_allclose(row, expected)


def test_scaling_is_median_and_quartiles_where_values_spread():
    column = np.array([1.0, 2.0, 4.0, 8.0, 1000.0])
    fitted = fit_descriptors(column[:, None], ["x"])
    assert fitted.centres == (4.0,)
    assert fitted.scales[0] == pytest.approx((8 - 2) / 1.349)
    expected = [-3 / (6 / 1.349), -2 / (6 / 1.349), 0, 4 / (6 / 1.349), 10]  # the last is clipped
    np.testing.assert_allclose(scale_descriptors(column[:, None], fitted)[:, 0], expected)


def test_a_normal_sample_gets_deviation_one_by_either_scale():
    rng = np.random.default_rng(0)
    spread = rng.normal(3, 7, 20_000)
    mostly_equal = np.where(rng.random(20_000) < 0.6, 5.0, spread)
    fitted = fit_descriptors(np.stack([spread, mostly_equal], axis=1), ["a", "b"])
    assert fitted.scales[0] == pytest.approx(7, rel=0.03)
    assert fitted.scales[1] == pytest.approx(np.abs(mostly_equal - 5).mean() * 1.2533, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 8), st.integers(1, 4)),
        elements=st.floats(width=64) | st.sampled_from([np.nan, np.inf, -np.inf, 1e300, 5e-324]),
    )
)
def test_any_values_become_finite_and_bounded_and_statistics_survive_json(values):
    names = [f"d{i}" for i in range(values.shape[1])]
    fitted = fit_descriptors(values, names)
    scaled = scale_descriptors(values, fitted)
    assert np.isfinite(scaled).all()
    assert np.abs(scaled).max() <= 10
    assert (scaled[np.isnan(values)] == 0).all()
    again = DescriptorSettings.model_validate_json(fitted.model_dump_json())
    np.testing.assert_array_equal(scale_descriptors(values, again), scaled)


def test_metals_and_single_atoms_have_descriptors_too():
    odd = [Chem.MolFromSmiles(s) for s in ("[Na+].[Cl-]", "[H][H]", "C", "[Pt](Cl)(Cl)(N)N", "*")]
    odd.append(Chem.MolFromSmiles("C" * 90))
    names = descriptor_names()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raw = raw_descriptors([*MOLECULES, *odd], names)
    assert np.isnan(raw).any()  # so the test sees what it is about
    scaled = scale_descriptors(raw, fit_descriptors(raw, names))
    assert np.isfinite(scaled).all()


def test_impossible_settings_are_refused():
    with pytest.raises(MoleculeValueError, match=r"has no descriptors \['Elegance'\]"):
        raw_descriptors(MOLECULES, ["MolLogP", "Elegance"])
    with pytest.raises(MoleculeValueError, match="cannot be scaled without a molecule"):
        fit_descriptors(np.empty((0, 2)), ["a", "b"])
    with pytest.raises(ValidationError, match="2 names, 1 of them distinct"):
        DescriptorSettings(names=("a", "a"), centres=(0, 0), scales=(1, 1))
    with pytest.raises(ValidationError, match="greater than 0"):
        DescriptorSettings(names=("a",), centres=(0,), scales=(0,))
    with pytest.raises(ValidationError, match="finite"):
        DescriptorSettings(names=("a",), centres=(float("nan"),), scales=(1,))
