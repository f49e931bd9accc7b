"""Known relations in a real knock-out map, and real target lists, against published figures."""

from __future__ import annotations

import pandas as pd
import pytest

from napari_tide.discovery.compound_index import index_compounds
from napari_tide.discovery.drug_gene_tables import read_drug_gene_truth
from napari_tide.discovery.gene_relations import GenePairs, read_gene_relations, relations_recall
from napari_tide.profiles.foreign_tables import from_foreign_table
from napari_tide.profiles.store import read_profiles

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def periscope(real):
    table = read_profiles(real / "profiles" / "periscope_hela_hplm_gene_pcs.csv.gz")
    return GenePairs.of(table.features, table.metadata.iloc[:, 0].tolist())


@pytest.mark.parametrize(
    ("source", "recall"),
    [
        ("CORUM", 0.156),
        ("HuMAP", 0.248),
        ("Reactome", 0.211),
        ("SIGNOR", 0.174),
        ("StringDB", 0.278),
    ],
)
def test_recall_of_the_periscope_map_is_the_published_one(periscope, real, source, recall):
    relations = read_gene_relations(real / "annotation" / f"{source}.txt.gz")
    found = relations_recall(periscope, relations, source=source)
    assert found.recall == pytest.approx(recall, abs=0.003)
    assert found.chance == pytest.approx(0.10, abs=0.001)
    assert found.interval.low > found.chance


def test_the_repurposing_hub_knows_most_jump_target_compounds(real):
    listed = pd.read_csv(real / "platemaps" / "JUMP-Target-1_compound_metadata.tsv", sep="\t")
    listed = listed[["broad_sample", "InChIKey", "pert_iname", "smiles"]].add_prefix("Metadata_")
    listed["feature"] = 0.0
    index = index_compounds(from_foreign_table(listed, real))
    hub = read_drug_gene_truth(real / "platemaps" / "repurposing_simple.tsv.gz", index).truth
    own = read_drug_gene_truth(
        real / "platemaps" / "JUMP-Target-1_compound_metadata.tsv", index
    ).truth
    shared = hub.positives.keys() & own.positives.keys()
    assert len(own.positives) == 302
    assert len(shared) > 270
    agree = [bool(hub.positives[name] & own.positives[name]) for name in shared]
    assert sum(agree) / len(agree) > 0.9
