import numpy as np
import pandas as pd
import pytest

from napari_tide.discovery.compound_index import index_compounds
from napari_tide.discovery.drug_gene_tables import read_drug_gene_truth, truth_from_profiles
from napari_tide.errors import TruthFormatError
from napari_tide.profiles.profiles import Profiles

SMILES = {"AMG900": "", "fluoxetine": "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1", "aspirin": ""}


def profiles_of(**columns) -> Profiles:
    metadata = pd.DataFrame({f"Metadata_{name}": values for name, values in columns.items()})
    return Profiles(metadata, np.zeros((len(metadata), 2)), ("a", "b"))


@pytest.fixture
def index():
    return index_compounds(
        profiles_of(
            Compound=list(SMILES),
            SMILES=list(SMILES.values()),
            broad_sample=["BRD-K01234567-001-01-1", "", "BRD-K99999999-004-08-2"],
        )
    )


def read(tmp_path, text, index=None, **options):
    path = tmp_path / "truth.csv"
    path.write_text(text)
    return read_drug_gene_truth(path, index, **options)


def test_targets_lists_affinities_and_pairs_say_the_same(tmp_path, index):
    texts = (
        "pert_iname,target_list\nAMG-900,AURKA|AURKB\naspirin,PTGS1\n",
        "treatment,gene_symbol,nM_value\nAMG900,AURKA,5\nAMG900,AURKB,<1\naspirin,PTGS1,1000\n",
        "Compound,Gene\namg 900,AURKA\namg 900,AURKB\naspirin,PTGS1\n",
        "compound,gene,is_target,ec50_um\nAMG900,AURKA,True,9\nAMG900,AURKB,True,\naspirin,PTGS1,True,\n",
        "broad_sample,target\nBRD-K01234567-003-02-9,AURKA;AURKB\nBRD-K99999999,PTGS1\n",
    )
    for text in texts:
        truth = read(tmp_path, text, index).truth
        assert truth.targets_of("AMG900") == {"AURKA", "AURKB"}, text
        assert truth.targets_of("aspirin") == {"PTGS1"}
        assert truth.genes == {"AURKA", "AURKB", "PTGS1"}
        assert truth.n_links == 3


def test_affinities_sort_pairs_and_limits_lie_beyond_themselves(tmp_path, index):
    text = (
        "compound,gene,Ki (nM)\naspirin,A,1000\naspirin,B,1001\naspirin,C,10000\n"
        "aspirin,D,>10000\naspirin,E,\naspirin,F,n.d.\n"
    )
    reading = read(tmp_path, text, index)
    assert reading.truth.targets_of("aspirin") == {"A"}
    assert reading.truth.unclear_of("aspirin") == {"B", "C"}
    assert reading.truth.genes == {"A", "B", "C", "D"}
    assert "2 pairs of truth.csv left out: no affinity" in reading.notes


def test_compounds_elsewhere_tell_only_which_genes_are_annotated(tmp_path, index):
    truth = read(tmp_path, "compound,targets\naspirin,PTGS1\nibuprofen,PTGS2\n", index).truth
    assert truth.positives == {"aspirin": {"PTGS1"}}
    assert truth.genes == {"PTGS1", "PTGS2"}


def test_an_affinity_column_can_be_named(tmp_path, index):
    text = "compound,gene,pot\naspirin,A,5\naspirin,B,20000\n"
    truth = read(tmp_path, text, index, affinity_column="pot").truth
    assert truth.targets_of("aspirin") == {"A"}
    with pytest.raises(TruthFormatError, match="no column 'Kd'"):
        read(tmp_path, text, index, affinity_column="Kd")


def test_structures_are_found_by_inchikey_and_smiles_whatever_the_name(tmp_path, index):
    key = "RTHCYVBBDHJXIQ-UHFFFAOYSA-N"
    for text in (
        f"name,InChIKey,target\nprozac,{key},SLC6A4\n",
        "drug,smiles,target\nprozac,FC(F)(F)c1ccc(cc1)OC(CCNC)c1ccccc1,SLC6A4\n",
        f"InChIKey,target\n{key.replace('UHFFFAOYSA', 'MRXNPFEDSA')},SLC6A4\n",
    ):
        assert read(tmp_path, text, index).truth.targets_of("fluoxetine") == {"SLC6A4"}, text


def test_a_structure_two_compounds_share_points_at_neither():
    both = index_compounds(profiles_of(Compound=["R-x", "S-x"], SMILES=["CCO", "OCC"]))
    assert both.find("LFQSCWFLJHTTHZ-UHFFFAOYSA-N") == ""
    assert both.find("r x") == "R-x"


def test_without_a_screen_names_stay_as_they_are(tmp_path):
    truth = read(tmp_path, "pert_iname,target\nAMG-900,AURKA\n").truth
    assert truth.targets_of("AMG-900") == {"AURKA"}


def test_targets_may_stand_in_the_profiles_themselves():
    profiles = profiles_of(Compound=["a", "a", "b"], target_list=["X|Y", "X|Y", None])
    truth = truth_from_profiles(profiles, index_compounds(profiles)).truth
    assert truth.positives == {"a": {"X", "Y"}}
    with pytest.raises(TruthFormatError, match="list no targets"):
        truth_from_profiles(profiles_of(Compound=["a"]), index_compounds(profiles))


def test_tables_of_something_else_are_refused(tmp_path, index):
    with pytest.raises(TruthFormatError, match=r"needs a column of compounds .* it has \['a', 'b'"):
        read(tmp_path, "a,b\n1,2\n", index)
    with pytest.raises(TruthFormatError, match="names no compound of this screen"):
        read(tmp_path, "compound,target\nibuprofen,PTGS2\n", index)
