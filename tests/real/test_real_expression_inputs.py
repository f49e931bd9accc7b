import numpy as np
import pytest

from napari_tide.transcriptomes.expression_file import open_expression
from tide_train.data.expression_inputs import read_expression_inputs
from tide_train.data.structures import read_structures
from tide_train.methods.expression_response import (
    ExpressionResponseConfig,
    fit_expression_response,
)

pytestmark = pytest.mark.real


@pytest.fixture
def plate(real):
    return read_expression_inputs([real / "l1000" / "test_l1000.gct.gz"])


@pytest.fixture
def structures(real):
    names = (
        "JUMP-MOA_compound_metadata.tsv",
        "JUMP-Target-1_compound_metadata.tsv",
        "metadata_rxrx3_trimmed.parquet",
    )
    return read_structures([real / "platemaps" / name for name in names])


def test_a_plate_gives_its_treated_wells_and_its_dmso(plate):
    assert plate.values_NG.shape == (351, 978)
    assert {line: len(profiles) for line, profiles in plate.basal.items()} == {"A375": 26}
    assert plate.samples["compound"].nunique() == 59
    assert plate.group_N.max() + 1 == 351
    assert plate.notes == ("no dose has 5 replicates; every dose was kept",)


def test_scaling_by_dmso_agrees_with_the_published_z_scores(plate, real):
    published = open_expression(real / "l1000" / "test_l1000_highprecision.gctx").read()
    treated = (published.samples["control"] != "negcon").to_numpy()
    z_NG, ours_NG = published.values[treated], plate.for_teacher()
    # level 4 centres on the plate's median and we on its DMSO: equal up to a line a gene
    agreement = [np.corrcoef(z_NG[:, g], ours_NG[:, g])[0, 1] for g in range(978)]
    assert np.median(agreement) > 0.99


def test_structures_come_from_tables_of_other_screens(plate, structures):
    samples = plate.with_structures(structures).samples
    known = samples[samples["smiles"] != ""]
    assert known["compound"].nunique() == 22
    assert len(known) == 130


@pytest.mark.slow
def test_held_out_drugs_are_predicted_better_than_no_change(plate, structures):
    inputs = plate.with_structures(structures)
    config = ExpressionResponseConfig(seed=100, n_steps=150)
    rows = fit_expression_response(inputs, config).report.rows
    assert rows["scFM"]["mse"] < rows["control"]["mse"]
