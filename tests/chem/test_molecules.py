import pytest

from napari_tide.chem.molecules import read_molecules

SALT = "CC(=O)Oc1ccccc1C(=O)[O-].[Na+]"
ACID = "CC(=O)Oc1ccccc1C(=O)O"


def test_a_salt_is_its_parent_or_itself_as_asked():
    assert read_molecules([SALT]).smiles == (ACID,)
    as_given = read_molecules([SALT], form="as_given")
    assert as_given.smiles == (SALT,)
    assert as_given.structures[0].GetNumAtoms() == 14


@pytest.mark.parametrize("form", ["parent", "as_given"])
def test_what_cannot_be_read_is_listed_with_its_place(form):
    found = read_molecules(["CCO", "C1CC", "", "C[C@H](N)O |&1:1|", "  "], form=form)
    assert found.rows.tolist() == [0, 3]
    assert [(drug.row, drug.given, drug.reason) for drug in found.rejected] == [
        (1, "C1CC", "RDKit cannot read the SMILES"),
        (2, "", "no SMILES is given"),
        (4, "  ", "no SMILES is given"),
    ]


def test_no_molecule_gives_no_row():
    found = read_molecules([])
    assert (len(found.structures), len(found.rows), found.rejected) == (0, 0, ())
