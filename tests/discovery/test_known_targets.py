from dataclasses import replace

import pandas as pd
import pytest

from napari_tide.discovery.known_targets import read_known_targets, targets_in_profiles
from napari_tide.errors import ScreenFormatError, ScreenMissingError


@pytest.mark.parametrize(
    "text",
    [
        "compound,gene\nImatinib,ABL1\nImatinib,KIT\n",
        "compound,gene,is_target\nimatinib,ABL1,True\nimatinib,KIT,yes\nimatinib,TUBB,False\n",
        "pert_iname,target_list\nimatinib,ABL1|KIT\n",
        "Metadata_Compound,targets\nimatinib,ABL1; KIT\ntaxol,\n",
    ],
    ids=["pairs", "pairs with a mark", "lists", "lists of another spelling"],
)
def test_targets_are_read_from_pairs_or_lists(tmp_path, text):
    path = tmp_path / "truth.csv"
    path.write_text(text)
    targets = read_known_targets(path)
    assert [targets.is_target("imatinib", gene) for gene in ("abl1", "KIT", "TUBB")] == [
        True, True, False
    ]  # fmt: skip
    assert targets.is_target("taxol", "ABL1") is None


def test_targets_that_profiles_carry_are_used(make_profiles, noise_treatments):
    profiles = make_profiles(noise_treatments(2))
    assert targets_in_profiles(profiles) is None
    carried = replace(profiles, metadata=profiles.metadata.assign(Metadata_Targets="A|B"))
    assert targets_in_profiles(carried).is_target("C000", "b")


def test_other_tables_are_refused(tmp_path):
    path = tmp_path / "truth.csv"
    pd.DataFrame({"a": ["1"], "b": ["2"]}).to_csv(path, index=False)
    with pytest.raises(ScreenFormatError, match="expected compound and gene"):
        read_known_targets(path)
    with pytest.raises(ScreenMissingError, match="is not there"):
        read_known_targets(tmp_path / "nowhere.csv")
