import pandas as pd
import pytest

from napari_tide.errors import TrainValueError
from tide_train.data.structures import read_structures, structures_of


def samples(**columns):
    return pd.DataFrame(columns)


def test_ids_win_over_names_and_lots_do_not_matter(tmp_path):
    path = tmp_path / "samples.txt"
    path.write_text(
        "!Title\tHub\nbroad_id\tpert_iname\tsmiles\n"
        "BRD-K00000001-001-02-4\tTAX OL\tCCO\n"
        "BRD-K00000002-001-01-1\tgold\tCC, CC.Cl\n"
        "BRD-K00000003-001-01-1\tempty\t\n"
    )
    found = read_structures([path])
    assert found["BRD-K00000001"] == found["taxol"] == "CCO"
    given = samples(
        pert_id=["BRD-K00000002", "BRD-K99999999", "BRD-K00000003", "DMSO"],
        compound=["taxol", "Tax-ol", "empty", "DMSO"],
    )
    assert structures_of(given, found) == ["CC", "CCO", "", ""]
    assert structures_of(samples(compound=["Gold"]), {"gold": "C"}) == ["C"]


def test_tables_of_several_kinds_are_read_and_the_first_wins(tmp_path):
    samples(compound=["a", "b"], smiles=["C", "N"]).to_csv(tmp_path / "a.csv", index=False)
    samples(treatment=["b", "c"], SMILES=["O", "S"]).to_parquet(tmp_path / "b.parquet")
    assert read_structures([tmp_path / "a.csv", tmp_path / "b.parquet"]) == {
        "a": "C", "b": "N", "c": "S"
    }  # fmt: skip


def test_tables_without_structures_are_refused(tmp_path):
    samples(compound=["a"], moa=["x"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(TrainValueError, match=r"a\.csv names no structures: it has columns"):
        read_structures([tmp_path / "a.csv"])
    with pytest.raises(TrainValueError, match=r"no\.csv cannot be read"):
        read_structures([tmp_path / "no.csv"])
    (tmp_path / "a.parquet").write_bytes(b"text")
    with pytest.raises(TrainValueError, match=r"a\.parquet cannot be read"):
        read_structures([tmp_path / "a.parquet"])
