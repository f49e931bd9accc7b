import numpy as np
import pytest

from napari_tide.errors import ExpressionFormatError
from napari_tide.transcriptomes.signature_table import read_signature_table


def test_a_table_of_signatures_has_compounds_and_genes(tmp_path):
    (tmp_path / "t.tsv").write_text("perturbagen\t46\t7157\nDB1\t-0.5\t-666\nDB2\t1e-1\t2\n")
    (tmp_path / "genes.csv").write_text("gene_id,gene_symbol\n7157,TP53\n46,MYC\n")
    table = read_signature_table(tmp_path / "t.tsv", gene_metadata=tmp_path / "genes.csv")
    np.testing.assert_array_equal(
        table.values, np.array([[-0.5, np.nan], [0.1, 2]], dtype=np.float32)
    )
    assert list(table.samples["compound"]) == ["DB1", "DB2"]
    assert list(table.genes["symbol"]) == ["MYC", "TP53"]
    assert table.level == "5"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("p\t46\nDB1\tlots\n", "has 'lots' for gene 46; expected a number"),
        ("p\t46\nDB1\t1\nDB1\t2\n", "has 'DB1' more than once in column p"),
        ("p\n", "is not a table"),
    ],
)
def test_a_table_that_is_none_is_one_sentence(tmp_path, content, said):
    (tmp_path / "t.tsv").write_text(content)
    with pytest.raises(ExpressionFormatError, match=said):
        read_signature_table(tmp_path / "t.tsv")
