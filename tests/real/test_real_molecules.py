import pandas as pd
import pytest

from napari_tide.chem.inchikeys import inchikey_or_blank
from napari_tide.chem.smiles import clean_smiles, standard_or_blank, standardise_smiles

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def rxrx3_smiles(real):
    table = pd.read_parquet(
        real / "platemaps" / "metadata_rxrx3_trimmed.parquet", columns=["SMILES"]
    )
    return table["SMILES"].dropna().unique().tolist()


@pytest.fixture(scope="module")
def jump(real):
    paths = sorted((real / "platemaps").glob("JUMP-*_compound_metadata.tsv"))
    return pd.concat([pd.read_csv(path, sep="\t") for path in paths], ignore_index=True)


def test_every_rxrx3_smiles_is_read_despite_its_suffix(rxrx3_smiles):
    assert len(rxrx3_smiles) == 1674
    assert sum(" |" in text for text in rxrx3_smiles) > 1500
    assert not any(" " in clean_smiles(text) for text in rxrx3_smiles)
    assert all(standard_or_blank(text) for text in rxrx3_smiles)


def test_the_standard_form_is_that_of_rdkits_charge_parent(rxrx3_smiles, jump):
    from rdkit import Chem, rdBase
    from rdkit.Chem.MolStandardize import rdMolStandardize

    texts = [*rxrx3_smiles[::20], *jump["smiles"].dropna().unique()]
    with rdBase.BlockLogs():
        molecules = [Chem.MolFromSmiles(clean_smiles(text)) for text in texts]
        parents = [
            Chem.MolToSmiles(rdMolStandardize.ChargeParent(molecule)) if molecule else ""
            for molecule in molecules
        ]
    assert [standard_or_blank(text) for text in texts] == parents


def test_standardising_again_changes_nothing(rxrx3_smiles):
    standard = [standard_or_blank(text) for text in rxrx3_smiles[::10]]
    assert [standardise_smiles(text) for text in standard] == standard


def test_inchikeys_are_those_jump_prints(jump):
    known = jump.dropna(subset=["smiles", "InChIKey"]).drop_duplicates("smiles")
    ours = known["smiles"].map(inchikey_or_blank)
    read = ours != ""
    agree = (ours[read] == known["InChIKey"][read]).mean()
    assert read.mean() > 0.99
    assert agree > 0.97  # JUMP's own keys come from another version of InChI and RDKit
