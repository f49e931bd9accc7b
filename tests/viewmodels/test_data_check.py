"""Saying in words what a training would find in the data."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.open_screen import open_screen
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.viewmodels.data_check import (
    Treatments,
    check_profiles,
    check_rows,
    check_screen,
    fold_name,
)


def transcriptomes(*rows):
    return pd.DataFrame(rows, columns=["compound", "cell_line", "control"])


def metadata(compounds, **columns):
    table = pd.DataFrame({"Metadata_Compound": compounds, "Metadata_Plate": "P1"})
    return table.assign(**{f"Metadata_{name}": value for name, value in columns.items()})


def texts(check):
    return " / ".join(finding.text for finding in check.findings)


def changed(screen, **columns):
    return screen.with_sites(screen.sites.assign(**columns))


def test_a_screen_is_counted_in_one_line(screen, plate_folder):
    check = check_screen(screen, plate_folder)
    wells = screen.sites.drop_duplicates(["plate", "well"])
    assert check.headline == f"{len(wells)} wells, 3 channels, 2 plates, 1 compound"
    assert check.facts[0] == f"{screen.n_sites} fields in DNA, ER, Mito"
    n_dmso = int((wells["control"] == "negcon").sum())
    assert f"{n_dmso} negative-control wells" in check.facts[1]
    assert "positive-control wells" in check.facts[1]
    assert "only one; add plates" in texts(check)
    assert not check.can_train


def test_the_bundled_screen_meets_its_transcriptomes(repository):
    screen = open_screen(repository / "sample_data")
    samples = open_expression(repository / "sample_data" / "l1000.gctx").samples
    check = check_screen(screen, repository / "sample_data", l1000=[samples])
    treated = screen.sites[(screen.sites["compound"] != "") & (screen.sites["control"] == "")]
    both = set(treated["compound"]) & set(samples["compound"])
    assert check.n_paired == len(both) > 2
    assert check.can_train
    assert check.headline.startswith("96 wells, 5 channels, 1 plate, ")
    assert check.headline.endswith("with L1000")


def test_pairs_are_those_that_training_finds(repository):
    from tide_train.data.pairing import fold_name as folded_by_training
    from tide_train.data.pairing import pair

    screen = open_screen(repository / "sample_data")
    samples = open_expression(repository / "sample_data" / "l1000.gctx").samples
    samples = samples[samples["control"] != "negcon"]
    check = check_screen(screen, repository / "sample_data", l1000=[samples])
    table = pair(Treatments.of_screen(screen).table, samples).table
    assert check.n_paired == table.loc["all", "drugs_in_paired_images"]
    for name in ("Taxol", "BRD-K 12_3", "U2OS", "U-2 OS", "", "a\tb"):
        assert fold_name(name) == folded_by_training(name)


def test_names_meet_without_regard_to_case_and_hyphens(screen, plate_folder):
    there = changed(screen, cell_line="U-2 OS")
    check = check_screen(there, plate_folder, l1000=[transcriptomes(("Noco-dazole", "u2os", ""))])
    assert check.n_paired == 1
    assert check.headline.endswith("1 compound with L1000")
    assert "1 transcriptome of these compounds in U-2 OS" in check.facts


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (("aspirin", "U2OS", ""), "no compound of the images is in the L1000 file: nocodazole"),
        (("nocodazole", "A549", ""), "cell line of the images is not named and L1000 has A549"),
        (("DMSO", "U2OS", "negcon"), "the L1000 file has none"),
    ],
)
def test_why_nothing_meets_is_said(screen, plate_folder, sample, said):
    check = check_screen(screen, plate_folder, l1000=[transcriptomes(sample)])
    assert said in texts(check)
    assert check.n_paired == 0


def test_a_screen_without_treatments_names_the_next_click(screen, plate_folder):
    blank = changed(screen, compound="", control="", dose_um=np.nan)
    check = check_screen(blank, plate_folder)
    assert not check.can_train
    assert "join a plate map in the Plate dock" in texts(check)


def test_missing_images_and_missing_controls_are_told(screen, plate_folder):
    planes = sorted(plate_folder.rglob("*.tif"))
    planes[0].unlink()
    none = changed(
        screen, control="", compound=[f"drug {row % 2}" for row in range(screen.n_sites)]
    )
    check = check_screen(none, plate_folder)
    assert "1 image file missing" in texts(check)
    assert "no well is a negative control" in texts(check)
    assert check.can_train
    for plane in planes[1:]:
        plane.unlink()
    check = check_screen(none, plate_folder)
    assert "none of the images is there" in texts(check)
    assert not check.can_train


def test_profiles_and_packs_are_counted_by_their_rows(tmp_path):
    table = metadata(["a", "a", "b", "b", "c", "DMSO"], Control=["", "", "", "", "", "negcon"])
    profiles = Profiles(table, np.ones((6, 3), np.float32), ("f1", "f2", "f3"), level="well")
    check = check_profiles(profiles, tmp_path, l1000=[transcriptomes(("A", "", ""))])
    assert check.headline == "6 profiles, 3 features, 1 plate, 1 of 3 compounds with L1000"
    assert "1 compound (c) with a single profile" in texts(check)
    pack = check_rows(table, tmp_path, kind="pack", channels=["DNA", "ER"])
    assert pack.headline == "6 tiles, 2 channels, 1 plate, 3 compounds"
    assert pack.facts[0] == "tiles in DNA, ER"


def test_metadata_that_lacks_columns_is_read_as_empty(tmp_path):
    check = check_rows(
        pd.DataFrame({"Metadata_Well": ["A01"]}), tmp_path, kind="profiles", channels=["f"]
    )
    assert not check.can_train
    assert "Metadata_Compound" in texts(check)


def test_a_table_that_lacks_columns_is_told_which(tmp_path):
    rows = pd.DataFrame({"Metadata_Compound": ["a", "a", "b", "b"], "Metadata_Well": "A01"})
    sample = transcriptomes(("a", "U2OS", ""))
    check = check_rows(rows, tmp_path, kind="profiles", channels=["f"], l1000=[sample])
    assert check.can_train
    assert "name it the same in a column Metadata_Cell_Line" in texts(check)
    assert "give SMILES in a column Metadata_SMILES" in texts(check)
    assert "mark them negcon in a column Metadata_Control" in texts(check)


def test_genes_of_a_knock_out_screen_are_counted(screen, plate_folder):
    there = changed(
        screen,
        gene=[("TP53", "MYC")[row % 2] for row in range(screen.n_sites)],
        compound="",
        control="",
    )
    check = check_screen(there, plate_folder)
    assert any("2 genes" in fact for fact in check.facts)


def test_a_check_can_be_made_of_a_screen_changed_since(screen, plate_folder):
    check = check_screen(screen, plate_folder, is_as_on_disk=False)
    assert not check.is_as_on_disk
    assert replace(check, is_as_on_disk=True).path == plate_folder
