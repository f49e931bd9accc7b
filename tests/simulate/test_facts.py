"""The facts that carry a world."""

from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pytest

from napari_tide.chem.fingerprints import circular_fingerprint
from napari_tide.chem.smiles import standardise_many
from napari_tide.simulate import facts


def test_every_compound_well_of_the_source_is_listed():
    with (facts.DATA / "jump_target_1_compounds.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 306
    assert len({row["compound"] for row in rows}) == 302
    assert "DMSO" not in {row["compound"] for row in rows}


def test_compounds_genes_and_landmarks_are_complete():
    assert len(facts.compounds()) == 302
    assert len(facts.knocked_out_genes()) == 160
    assert len(facts.landmark_genes()) == len({*facts.landmark_genes()}) == 978
    assert {*facts.knocked_out_genes()} <= {*facts.all_targets()}


def test_known_drugs_have_their_known_targets():
    by_name = {compound.name: compound for compound in facts.compounds()}
    assert by_name["AMG900"].targets == ("AURKA", "AURKB", "AURKC")
    assert by_name["FK-866"].targets == ("NAMPT",)
    assert by_name["dexamethasone"].inchikey == "GJFCONYVAUNLKB-UHFFFAOYSA-N"


def test_stored_fingerprints_are_those_of_the_structures():
    stored_DF = facts.fingerprints(facts.compounds())
    computed = [circular_fingerprint(compound.smiles, "ecfp4") for compound in facts.compounds()]
    np.testing.assert_array_equal(stored_DF, np.stack(computed))


def test_stored_standard_structures_are_those_of_the_package():
    given = [compound.smiles for compound in facts.compounds()]
    assert [compound.smiles_standard for compound in facts.compounds()] == standardise_many(given)


def test_positive_controls_hit_knocked_out_genes():
    by_name = {compound.name: compound for compound in facts.compounds()}
    for name in facts.POSITIVE_CONTROLS:
        assert {*by_name[name].targets} & {*facts.knocked_out_genes()}


def test_every_table_is_attributed():
    text = (facts.DATA / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert all(table.name in text for table in facts.DATA.glob("*.csv"))
    assert "MIT" in text


@pytest.mark.slow
@pytest.mark.real
def test_the_script_makes_the_same_tables(real, repository, tmp_path):
    sources = (
        real / "platemaps" / "JUMP-Target-1_compound_metadata.tsv",
        real / "platemaps" / "JUMP-Target-1_crispr_metadata.tsv",
        real / "l1000" / "landmark_geneinfo.csv",
    )
    script = repository / "scripts" / "make_simulation_facts.py"
    command = [sys.executable, script, *sources, "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    for table in facts.DATA.glob("*.csv"):
        assert (tmp_path / table.name).read_bytes() == table.read_bytes()
