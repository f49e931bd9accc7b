import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ExpressionValueError, TrainValueError
from napari_tide.simulate.facts import landmark_genes
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx
from tide_train.data.expression_inputs import expression_inputs, read_expression_inputs
from tide_train.data.pairing import pair

GENES = ("A", "B", "C")


def make_table(rows, *, genes=GENES, level="3", seed=0, landmarks=None):
    """Rows are (compound, line, dose, control)."""
    samples = pd.DataFrame(rows, columns=["compound", "cell_line", "dose_um", "control"])
    samples = samples.assign(smiles="", plate="P", n_replicates=np.nan)
    samples.index = pd.Index([f"s{seed}_{row}" for row in range(len(rows))], name="cid")
    values = np.random.default_rng(seed).normal(8, 1, (len(rows), len(genes)))
    described = pd.DataFrame({"symbol": genes}, index=pd.Index(genes, name="rid"))
    if landmarks is not None:
        described["is_landmark"] = landmarks
    return ExpressionTable(values.astype(np.float32), samples, described, level)


DMSO = [("DMSO", "U2OS", np.nan, "negcon")] * 4 + [("DMSO", "A549", np.nan, "negcon")] * 3
ROWS = [
    *DMSO,
    *[("taxol", "U2OS", 1.0, "")] * 5,
    *[("taxol", "U2OS", 10.0, "")] * 2,
    *[("taxol", "A549", 1.0, "")] * 5,
    *[("gold", "A549", 1.0, "poscon")] * 6,
]


def test_treated_samples_and_controls_part_and_rare_doses_go():
    table = make_table(ROWS)
    inputs = expression_inputs([table])
    assert inputs.samples["compound"].tolist() == ["taxol"] * 10 + ["gold"] * 6
    assert inputs.group_N.tolist() == [0] * 5 + [1] * 5 + [2] * 6
    np.testing.assert_array_equal(inputs.values_NG, table.values[[*range(7, 12), *range(14, 25)]])
    np.testing.assert_array_equal(inputs.basal["U2OS"], table.values[:4])
    np.testing.assert_array_equal(inputs.basal["A549"], table.values[4:7])
    np.testing.assert_array_equal(inputs.untreated.values_MG, table.values[:7])
    assert inputs.untreated.samples["plate"].tolist() == ["P"] * 7
    assert inputs.notes == ("2 samples of doses with fewer than 5 replicates were left out",)


def test_where_no_dose_has_five_replicates_all_stay_and_a_note_says_so():
    rows = [row for row in ROWS if row[0] != "gold" and row[2] != 1.0]
    inputs = expression_inputs([make_table(rows)])
    assert len(inputs.samples) == 2
    assert inputs.notes == ("no dose has 5 replicates; every dose was kept",)
    with pytest.raises(TrainValueError, match="measured 3 times at one dose; lower min_replicates"):
        expression_inputs([make_table(rows)], min_replicates=3)


def test_replicates_are_averaged_as_a_slow_loop_does():
    inputs = expression_inputs([make_table(ROWS)], min_replicates=1)
    mean = expression_inputs([make_table(ROWS)], min_replicates=1, replicates="mean")
    assert mean.samples["dose_um"].tolist() == [1.0, 10.0, 1.0, 1.0]
    for group in range(4):
        expected = inputs.values_NG[inputs.group_N == group].mean(axis=0)
        np.testing.assert_allclose(mean.values_NG[group], expected, rtol=1e-6)


def test_the_teacher_reads_differences_from_its_own_lines_controls():
    inputs = expression_inputs([make_table(ROWS)])
    scaled = inputs.for_teacher()
    for row, line in enumerate(inputs.samples["cell_line"]):
        control = inputs.basal[line].astype(np.float64)
        floor = 0.25 * np.median(control.std(axis=0, ddof=1))
        for gene in range(3):
            spread = max(control[:, gene].std(ddof=1), floor)
            z = (inputs.values_NG[row, gene] - control[:, gene].mean()) / spread
            assert scaled[row, gene] == pytest.approx(np.clip(z, -10, 10), rel=1e-4)
    np.testing.assert_array_equal(inputs.for_teacher("raw"), inputs.values_NG)


def test_z_scores_and_signatures_are_contrasts_already():
    rows = [row for row in ROWS if row[3] != "negcon"]
    inputs = expression_inputs([make_table(rows, level="5")])
    assert inputs.is_contrast
    np.testing.assert_array_equal(inputs.for_teacher(), inputs.values_NG)
    expression = expression_inputs([make_table(rows)])
    with pytest.raises(TrainValueError, match="'U2OS' has fewer than 2 DMSO samples"):
        expression.for_teacher()


def test_a_gene_that_never_varies_among_controls_does_not_explode():
    table = make_table(ROWS)
    table.values[:7] = 8.0
    scaled = expression_inputs([table]).for_teacher()
    np.testing.assert_allclose(
        scaled, np.clip(expression_inputs([table]).values_NG - 8, -10, 10), atol=1e-6
    )


def test_genes_of_several_files_meet_in_the_order_of_the_first():
    first = make_table(ROWS, seed=1)
    second = make_table(ROWS, genes=("C", "X", "A"), seed=2)
    inputs = expression_inputs([first, second], min_replicates=1)
    assert inputs.genes == ("A", "C")
    n = len(inputs.values_NG) // 2
    np.testing.assert_array_equal(inputs.values_NG[:n], first.values[7:][:, [0, 2]])
    np.testing.assert_array_equal(inputs.values_NG[n:], second.values[7:][:, [2, 0]])


def test_missing_values_cost_the_gene_or_the_sample():
    table = make_table(ROWS)
    table.values[3:, 1] = np.nan
    table.values[7, 0] = np.nan
    inputs = expression_inputs([table], min_replicates=1)
    assert inputs.genes == ("A", "C")
    assert len(inputs.samples) == len(ROWS) - 7 - 1
    assert inputs.notes == (
        "1 genes are missing in most samples; left out",
        "1 samples lack values; left out",
    )


def test_files_that_cannot_be_used_are_refused():
    with pytest.raises(TrainValueError, match="no expression file was given"):
        expression_inputs([])
    with pytest.raises(TrainValueError, match=r"levels \['3', '4'\] do not mix"):
        expression_inputs([make_table(ROWS), make_table(ROWS, level="4")])
    with pytest.raises(TrainValueError, match="share no gene symbol"):
        expression_inputs([make_table(ROWS), make_table(ROWS, genes=("X", "Y", "Z"))])
    with pytest.raises(TrainValueError, match="no sample treated with a compound"):
        expression_inputs([make_table(DMSO)])


def test_only_wanted_samples_and_landmarks_are_read(tmp_path):
    write_gctx(make_table(ROWS, landmarks=[1, 0, 1]), tmp_path / "a.gctx")
    inputs = read_expression_inputs([tmp_path / "a.gctx"], compounds=["TAXOL"], cell_lines=["u2os"])
    assert inputs.genes == ("A", "C")
    assert {*inputs.samples["compound"]} == {"taxol"}
    assert list(inputs.basal) == ["U2OS"]


def test_landmarks_a_file_does_not_mark_are_known_by_symbol(tmp_path):
    known = landmark_genes()[5]
    write_gctx(make_table(ROWS, genes=("no gene", known, "none")), tmp_path / "a.gctx")
    assert read_expression_inputs([tmp_path / "a.gctx"]).genes == (known,)
    write_gctx(make_table(ROWS), tmp_path / "b.gctx")
    with pytest.raises(ExpressionValueError, match="does not say which genes are landmarks"):
        read_expression_inputs([tmp_path / "b.gctx"])


def test_its_samples_pair_with_images_row_by_row():
    inputs = expression_inputs([make_table(ROWS)], min_replicates=1)
    images = pd.DataFrame(
        [("Taxol", "U-2 OS", 2.5, "")], columns=["compound", "cell_line", "dose_um", "control"]
    )
    (rows,) = pair(images, inputs.samples).rna_of_group
    assert inputs.samples.loc[rows, "cell_line"].tolist() == ["U2OS"] * 7


def test_structures_are_filled_in_by_name():
    inputs = expression_inputs([make_table(ROWS)]).with_structures({"TAX-OL": "CCO"})
    assert inputs.samples["smiles"].tolist() == ["CCO"] * 10 + [""] * 6
    assert inputs.with_structures({"taxol": "C", "gold": "N"}).samples["smiles"].iloc[0] == "CCO"
