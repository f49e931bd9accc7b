import contextlib
import gzip

import numpy as np
import pytest

from napari_tide.errors import ExpressionFormatError
from napari_tide.transcriptomes.expression_file import open_expression

GCT13 = (
    "#1.3\n"
    "2\t3\t1\t2\n"
    "id\tpr_gene_symbol\ts1\ts2\ts3\n"
    "pert_iname\tna\tDMSO\tdrug µ\tdrug µ\n"
    "pert_idose\tna\t-666\t10 µM\t9.999 um\n"
    "7157\tTP53\t1.5\t-666\t-2e-1\n"
    "4609\tMYC\t0\t\tNaN\n"
)
GCT12 = "#1.2\r\n1\t2\r\nNAME\tDescription\ta\tb\r\n7157\tTP53\t1\t2\r\n"


def opened(tmp_path, content, name="t.gct"):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_expression(tmp_path / name)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("name", ["t.gct", "t.gct.gz"])
def test_gct_1_3_gives_values_and_metadata(tmp_path, encoding, name):
    content = GCT13.encode(encoding)
    file = opened(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    table = file.read()
    assert file.format == "gct"
    np.testing.assert_array_equal(
        table.values, np.array([[1.5, 0], [np.nan, np.nan], [-0.2, np.nan]], np.float32)
    )
    assert list(table.samples.index) == ["s1", "s2", "s3"]
    assert list(table.samples["compound"]) == ["DMSO", "drug µ", "drug µ"]
    np.testing.assert_array_equal(table.samples["dose_um"], [np.nan, 10, 10])
    assert list(table.genes["symbol"]) == ["TP53", "MYC"]


def test_gct_1_2_with_windows_line_ends_has_a_description(tmp_path):
    table = opened(tmp_path, GCT12).read()
    assert table.values.tolist() == [[1], [2]]
    assert list(table.genes["Description"]) == ["TP53"]


def test_quotes_are_plain_characters(tmp_path):
    table = opened(tmp_path, GCT13.replace("TP53", '"TP"53')).read()
    assert list(table.genes["symbol"]) == ['"TP"53', "MYC"]


def test_an_empty_table_is_read(tmp_path):
    assert opened(tmp_path, "#1.3\n0\t2\t0\t0\nid\ta\tb\n").read().values.shape == (2, 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("#1.3", "#1.4", "begins with '#1.4', expected '#1.2' or '#1.3'"),
        ("2\t3\t1\t2", "2\t3\t1", "as its size; expected 4 counts"),
        ("2\t3\t1\t2", "2\t3\t-1\t2", "as its size; expected 4 counts"),
        ("2\t3\t1\t2", "2\t" + "9" * 5000 + "\t1\t2", "as its size; expected 4 counts"),
        ("2\t3\t1\t2", "2\t4\t1\t2", "announces 4 samples and 1 gene columns.* line 3 has 5"),
        ("2\t3\t1\t2", "3\t3\t1\t2", "announces 3 genes but holds 2"),
        ("2\t3\t1\t2", "1\t3\t1\t2", "announces 1 genes but holds 2"),
        ("2\t3\t1\t2", "2\t3\t1\t3", "announces 2 genes but holds 1"),
        ("2\t3\t1\t2", "2\t3\t1\t1", "has '10 µM' for gene 'pert_idose' in sample 's2'"),
        ("2\t3\t1\t2", "2\t3\t1\t99999999", "line 8 has 0; correct its second line"),
        ("\t1.5\t", "\tlots\t", "has 'lots' for gene '7157' in sample 's1'; expected a number"),
        ("\t1.5\t", "\t1_5\t", "has '1_5' for gene '7157' in sample 's1'"),
        ("\t1.5\t", "\t1.5\t7\t", "line 6 has 6"),
        ("4609", "7157", "names gene '7157' more than once"),
        ("s2", "s1", "names sample 's1' more than once"),
    ],
)
def test_a_header_or_cell_that_lies_is_one_sentence(tmp_path, old, new, said):
    with pytest.raises(ExpressionFormatError, match=said):
        opened(tmp_path, GCT13.replace(old, new, 1))


def test_cut_gzip_is_damaged(tmp_path):
    with pytest.raises(ExpressionFormatError, match="damaged or cut short"):
        opened(tmp_path, gzip.compress(GCT13.encode())[:-20], "t.gct.gz")


def test_every_cut_of_a_file_is_read_or_refused_in_our_words(tmp_path):
    content = GCT13.encode()
    refused = {}
    for length in range(1, len(content)):
        with contextlib.suppress(ExpressionFormatError):
            opened(tmp_path, content[:length])
            continue
        refused[length] = True
    # only the last value can lose its end unnoticed
    assert set(refused) >= set(range(1, len(content) - len("\tNaN\n")))
