import pandas as pd
import pytest

from napari_tide.transcriptomes.gene_vocabulary import describe_genes


def described(**columns):
    return describe_genes(pd.DataFrame(columns, index=["1", "2"]))


@pytest.mark.parametrize("name", ["symbol", "pr_gene_symbol", "gene_symbol"])
def test_symbols_are_found_and_else_the_id_stands(name):
    assert list(described(**{name: ["TP53", "-666"]})["symbol"]) == ["TP53", "2"]


@pytest.mark.parametrize(
    "columns",
    [
        {"pr_is_lm": [1, 0]},
        {"pr_is_lmark": ["1", "0"]},
        {"is_lm": [1.0, -666.0]},
        {"is_landmark": [True, False]},
        {"is_landmark": ["Y", "N"]},
        {"feature_space": ["landmark", "best inferred"]},
    ],
    ids=str,
)
def test_landmarks_are_found_in_every_spelling(columns):
    genes = described(**columns)
    assert list(genes["is_landmark"]) == [True, False]
    assert genes["is_landmark"].dtype == bool
    assert set(columns) <= set(genes.columns)


def test_unknown_landmarks_are_not_made_up():
    assert list(described(title=["a", "b"]).columns) == ["symbol", "title"]
