import pandas as pd
import pytest

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.annotation_table import read_annotation_table
from napari_tide.screens.compound_metadata import join_metadata


@pytest.fixture
def join(tmp_path):
    def write_and_join(sites, text):
        path = tmp_path / "meta.csv"
        path.write_text(text)
        return join_metadata(pd.DataFrame(sites), read_annotation_table(path))

    return write_and_join


def test_samples_bring_their_compound_and_blank_samples_match_nothing(join):
    sites, warnings = join(
        {"broad_sample": ["B2", "", "B1", "B2"]},
        "broad_sample,pert_iname,smiles\nB1,one,C\nB2,two,CC\n,blank,CCC",
    )
    assert sites["compound"].tolist() == ["two", "", "one", "two"]
    assert sites["smiles"].tolist() == ["CC", "", "C", "CC"]
    assert warnings == []


def test_only_gaps_are_filled(join):
    sites, _ = join(
        {"compound": ["a", "b"], "moa": ["given", ""], "targets": ["", ""]},
        "pert_iname,moa,target\na,other,T1\nb,found,T2",
    )
    assert sites["moa"].tolist() == ["given", "found"]
    assert sites["targets"].tolist() == ["T1", "T2"]


def test_each_key_finds_what_the_one_before_it_did_not(join):
    sites, warnings = join(
        {
            "compound": ["known", "trade name", "trade name 2", "salt", "nowhere"],
            "inchikey": ["", "LFQSCWFLJHTTHZ-UHFFFAOYSA-N", "", "", ""],  # ethanol
            "smiles": ["", "", "CO |c:1|", "CC(=O)[O-].[Na+]", "CCCC"],
        },
        "compound,InChIKey,moa\n"
        "Known,X,by name\n"
        "ethanol,LFQSCWFLJHTTHZ-UHFFFAOYSA-N,by key\n"
        "methanol,OKKJLVBELUTLKV-UHFFFAOYSA-N,by structure\n"
        "acetic acid,QTBSBXVTEAMEQO-UHFFFAOYSA-N,by parent",
    )
    assert sites["moa"].tolist() == ["by name", "by key", "by structure", "by parent", ""]
    assert sites["compound"].tolist()[1] == "trade name"
    assert warnings == ["meta.csv lacks 1 of 5 compound values (nowhere)"]


def test_names_are_compared_as_written_before_case_is_ignored(join):
    sites, _ = join(
        {"compound": ["aztreonam", "Aztreonam", "TAXOL"]},
        "compound,smiles\nAztreonam,C\naztreonam,CC\ntaxol,CCC",
    )
    assert sites["smiles"].tolist() == ["CC", "C", "CCC"]


def test_identical_rows_count_once_and_annotations_of_several_rows_go_together(join):
    sites, _ = join(
        {"compound": ["a", "b"]},
        "compound,pert_id,moa,targets\na,1,m,T1|T2\na,2,m,T2|T3\nb,3,n,T4\nb,3,n,T4",
    )
    assert sites["moa"].tolist() == ["m", "n"]
    assert sites["targets"].tolist() == ["T1|T2|T3", "T4"]
    assert sites["pert_id"].tolist() == ["1|2", "3"]


def test_a_join_of_many_wells_to_many_rows_is_refused(join):
    with pytest.raises(ScreenFormatError, match="several dose_um values for compound 'a'"):
        join({"compound": ["a", "a"]}, "compound,dose\na,1\na,10")


def test_ambiguity_that_touches_no_well_is_none(join):
    text = "compound,smiles,moa\na,C,m\na,CC,m\nb,CCC,n"
    assert join({"compound": ["b"]}, text)[0]["smiles"].tolist() == ["CCC"]
    assert join({"compound": ["a"], "smiles": ["C"]}, text)[0]["moa"].tolist() == ["m"]
    with pytest.raises(ScreenFormatError, match="several smiles values for compound 'a'"):
        join({"compound": ["a"], "smiles": [""]}, text)


def test_genes_reagents_and_plates_are_keys_too(join):
    sites, _ = join({"sirna": ["s9", "s1"]}, "sirna,target_gene\ns1,JAG1\ns9,AGPAT1")
    assert sites["gene"].tolist() == ["AGPAT1", "JAG1"]
    sites, _ = join({"plate": ["P2", "P1"]}, "Metadata_Plate,Metadata_Batch\nP1,b1\nP2,b2")
    assert sites["batch"].tolist() == ["b2", "b1"]
    assert sites["plate"].tolist() == ["P2", "P1"]


def test_a_table_that_matches_nothing_says_so(join):
    sites, warnings = join({"compound": ["a", "b", "DMSO"]}, "compound,moa\nx,m")
    assert sites.columns.tolist() == ["compound"]
    assert warnings == ["meta.csv lacks 2 of 2 compound values (a, b)"]


def test_a_table_without_a_shared_column_is_refused(join):
    with pytest.raises(ScreenFormatError, match="shares no column with the screen"):
        join({"compound": ["a"]}, "smiles,moa\nC,m")
