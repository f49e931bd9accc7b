import gzip

import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ExpressionFormatError, ExpressionMissingError
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx

SIGINFO = (
    "pert_id\tsig_id\tcmap_name\tcell_iname\tnearest_dose\tpert_dose_unit\n"
    "B1\ts2\tdrug µ\tMCF7\t10\tuM\n"
    "B2\tother\tnot mine\tA549\t1\tuM\n"
    "B3\ts1\tDMSO\tMCF7\t\t-666\n"
)


@pytest.fixture
def file(tmp_path):
    samples = pd.DataFrame(index=["s1", "s2", "s3"])
    genes = pd.DataFrame({"symbol": ["7157", "46"]}, index=["7157", "46"])
    path = tmp_path / "level5.gctx"
    write_gctx(ExpressionTable(np.zeros((3, 2), np.float32), samples, genes, "5"), path)
    return open_expression(path)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("name", ["siginfo.txt", "siginfo.txt.gz"])
def test_sample_metadata_join_by_the_column_that_holds_the_ids(file, tmp_path, name, encoding):
    content = SIGINFO.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    joined = file.with_sample_metadata(tmp_path / name)
    assert list(joined.samples.index) == ["s1", "s2", "s3"]
    assert list(joined.samples["compound"]) == ["DMSO", "drug µ", ""]
    assert list(joined.samples["cell_line"]) == ["MCF7", "MCF7", ""]
    np.testing.assert_array_equal(joined.samples["dose_um"], [np.nan, 10, np.nan])
    assert list(joined.samples["control"]) == ["negcon", "", ""]
    assert joined.warnings == (f"{name} says nothing of 1 of 3 samples",)
    assert joined.read(samples=["s2"]).samples["compound"].tolist() == ["drug µ"]


def test_gene_metadata_give_symbols_and_landmarks(file, tmp_path):
    (tmp_path / "genes.csv").write_text(
        "gene_id,gene_symbol,gene_title,feature_space\n"
        '46,MYC,"a, b",inferred\n'
        "7157,TP53,c,landmark\n"
    )
    joined = file.with_gene_metadata(tmp_path / "genes.csv")
    # the file's own column symbol says no more than the ids do
    assert list(joined.genes["symbol"]) == ["TP53", "MYC"]
    assert list(joined.genes["gene_title"]) == ["c", "a, b"]
    assert list(joined.landmarks()) == ["7157"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sig_id\tx\nnone\t1\n", "no column of .* holds sample ids such as 's1'.*'sig_id'"),
        ("sig_id\tx\ns1\t1\ns1\t2\n", "has sample 's1' more than once in column sig_id"),
        ("sig_id\tx\ns1\n", "cannot be read as a table"),
        ("sig_id\tsig_id\ns1\ts1\n", "is not a table"),
        ("", "is not a table"),
    ],
)
def test_a_table_that_does_not_fit_is_one_sentence(file, tmp_path, content, said):
    (tmp_path / "siginfo.txt").write_text(content)
    with pytest.raises(ExpressionFormatError, match=said):
        file.with_sample_metadata(tmp_path / "siginfo.txt")


def test_an_absent_or_cut_table_is_one_sentence(file, tmp_path):
    with pytest.raises(ExpressionMissingError, match="is not there"):
        file.with_sample_metadata(tmp_path / "none.txt")
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(SIGINFO.encode())[:-9])
    with pytest.raises(ExpressionFormatError, match="damaged"):
        file.with_gene_metadata(tmp_path / "cut.txt.gz")
