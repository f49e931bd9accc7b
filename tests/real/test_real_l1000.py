import gzip

import h5py
import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ExpressionFormatError
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.expression_summary import summarise_expression
from napari_tide.transcriptomes.gctx_writer import write_gctx
from napari_tide.transcriptomes.replicates import condition_replicates, well_replicated
from napari_tide.transcriptomes.signature_table import read_signature_table

pytestmark = pytest.mark.real


@pytest.fixture
def l1000(real):
    return real / "l1000"


@pytest.fixture
def level3(l1000):
    return open_expression(l1000 / "test_l1000.gct.gz")


@pytest.fixture
def level4(l1000):
    return open_expression(l1000 / "test_l1000_highprecision.gctx")


def test_a_plates_level_3_and_4_have_the_same_samples_and_genes_in_order(level3, level4):
    assert (level3.level, level4.level) == ("3", "4")
    assert (level3.n_samples, level3.n_genes) == (377, 978)
    assert list(level3.samples.index) == list(level4.samples.index)
    assert list(level3.genes.index) == list(level4.genes.index)
    standard = ["cell_line", "compound", "dose_um", "time_h", "pert_type", "control", "plate"]
    pd.testing.assert_frame_equal(level3.samples[standard], level4.samples[standard])
    pd.testing.assert_frame_equal(
        level3.genes[["symbol", "is_landmark", "pr_gene_id"]],
        level4.genes[["symbol", "is_landmark", "pr_gene_id"]],
    )


def test_level_4_is_level_3_centred_on_the_plate(level3, level4):
    # z-scores keep the order of samples within a gene: the two files do pair up
    expression, z = level3.read().values, level4.read().values
    for gene in range(0, 978, 50):
        assert np.corrcoef(expression[:, gene], z[:, gene])[0, 1] > 0.99


def test_a_plates_summary(level3, level4):
    for file, format_ in ((level3, "gct"), (level4, "gctx")):
        summary = summarise_expression(file)
        assert summary.format == format_
        assert (summary.compounds, summary.cell_lines, summary.landmarks) == (59, 1, 978)
        assert summary.doses == (0.04, 0.12, 0.37, 1.11, 3.33, 10.0)
        assert summary.controls == {"negcon": 26, "poscon": 23}
        assert summary.warnings == ()


def test_gct_values_are_pandas(l1000, level3):
    n_top = 3 + 35
    with gzip.open(l1000 / "test_l1000.gct.gz", "rt", encoding="latin-1") as file:
        names = [file.readline() for _ in range(3)][2].rstrip("\n").split("\t")
    frame = pd.read_csv(
        l1000 / "test_l1000.gct.gz", sep="\t", skiprows=n_top, header=None, names=names,
        index_col=0,
    )  # fmt: skip
    table = level3.read()
    expected = frame.iloc[:, 11:].to_numpy(np.float64).T.astype(np.float32)
    np.testing.assert_array_equal(table.values, expected)
    assert list(table.genes.index) == list(frame.index)
    assert list(table.genes["symbol"]) == list(frame["pr_gene_symbol"])


def test_signatures_with_latin1_doses(l1000):
    path = l1000 / "modzs_n272x978.gctx"
    file = open_expression(path)
    summary = summarise_expression(file)
    assert (summary.level, summary.samples, summary.genes) == ("5", 272, 978)
    assert (summary.compounds, summary.cell_lines) == (3, 65)
    assert summary.doses == (0.1, 0.5, 1.0, 3.0, 10.0)
    assert file.samples["pert_idose"].value_counts()["10 µM"] == 218
    wanted = np.array([271, 3, 40])
    with h5py.File(path) as stored:
        expected = np.stack([stored["/0/DATA/0/matrix"][row] for row in sorted(wanted)])
        counts = stored["/0/META/COL/distil_nsample"][:]
    np.testing.assert_array_equal(file.read(samples=wanted).values, expected)
    assert condition_replicates(file.samples)["n_replicates"].sum() == counts.sum()
    assert well_replicated(file.samples).sum() == 178


def test_one_small_file_in_both_formats(l1000):
    text = open_expression(l1000 / "mini_gctoo_for_testing.gct")
    binary = open_expression(l1000 / "mini_gctoo_for_testing.gctx")
    np.testing.assert_array_equal(text.read().values, binary.read().values)
    columns = ["count_cv", "distil_nsample", "distil_ss", "mfc_plate_id", "zmad_ref"]
    pd.testing.assert_frame_equal(
        text.samples[columns], binary.samples[columns], check_column_type=False
    )
    assert text.samples["mfc_plate_id"].isna().all()
    assert text.level == binary.level == "5"


def test_a_plate_written_again_reads_the_same(level4, tmp_path):
    write_gctx(level4.read(), tmp_path / "again.gctx")
    again = open_expression(tmp_path / "again.gctx")
    np.testing.assert_array_equal(again.read().values, level4.read().values)
    pd.testing.assert_frame_equal(again.samples, level4.samples, check_names=False)
    pd.testing.assert_frame_equal(again.genes, level4.genes, check_names=False)
    assert again.level == "4"


def test_hdf5_and_tables_that_are_not_gctx_are_refused(l1000):
    with pytest.raises(ExpressionFormatError, match=r"HDF5 but not GCTX.*it holds \['canon"):
        open_expression(l1000 / "treated_control_pairs_100x978.h5")
    with pytest.raises(ExpressionFormatError, match="is not GCT: it begins with 'perturbagen"):
        open_expression(l1000 / "consensi-drugbank.tsv.gz")


def test_consensus_signatures_read_as_a_table(l1000):
    table = read_signature_table(
        l1000 / "consensi-drugbank.tsv.gz", gene_metadata=l1000 / "landmark_geneinfo.csv"
    )
    frame = pd.read_csv(l1000 / "consensi-drugbank.tsv.gz", sep="\t", index_col=0)
    assert table.values.shape == (1170, 978)
    np.testing.assert_array_equal(table.values, frame.to_numpy().astype(np.float32))
    assert list(table.genes["symbol"][:2]) == ["GNPDA1", "CDH3"]
    assert table.landmarks().n_genes == table.genes["is_landmark"].sum()
