"""What the trainer refuses, and takes, of a table of profiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import TrainValueError
from napari_tide.profiles.profiles import Profiles, embedding_names
from tide_train.data.training_data import TrainingTable
from tide_train.overrides import with_overrides
from tide_train.prepare import prepare
from tide_train.recipes.real_tables import real_table_recipe

SMILES = ("CCO", "c1ccccc1", "CC(=O)O", "CCN")


def table_of(counts):
    names = [f"drug{i}" for i, n in enumerate(counts) for _ in range(n)]
    smiles = [SMILES[i] for i, n in enumerate(counts) for _ in range(n)]
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": [f"A{i + 1:02d}" for i in range(len(names))],
            "Metadata_Compound": names,
            "Metadata_SMILES": smiles,
        }
    )
    rows = np.random.default_rng(0).standard_normal((len(names), 5)).astype(np.float32)
    return TrainingTable.from_profiles(Profiles(metadata, rows, embedding_names(5)))


def config_of(*settings):
    return with_overrides(real_table_recipe("labels"), ["batch_size=2", *settings])


def test_a_compound_with_two_images_trains_on_one_and_is_checked_on_the_other():
    ready = prepare(config_of("data.keeps_singles=false"), table_of([2, 2, 4, 4]))
    assert len(ready.drugs) == 4
    assert len(ready.split.validation) == 4


def test_single_images_are_refused_dropped_or_kept():
    table = table_of([1, 4, 4])
    with pytest.raises(TrainValueError, match=r"1 compounds have a single image.*keeps_singles"):
        prepare(config_of("data.keeps_singles=false"), table)
    dropped = prepare(config_of("data.keeps_singles=false", "data.drops_singles=true"), table)
    assert dropped.drugs.names == ("drug1", "drug2")
    kept = prepare(config_of("data.keeps_singles=true"), table)
    assert kept.drugs.names == ("drug0", "drug1", "drug2")
    assert 0 in kept.split.training
    assert 0 not in kept.split.validation


@pytest.mark.parametrize(
    ("setting", "said"),
    [("encoder.kind=vit", "encoder.kind=features")],
)
def test_an_encoder_of_images_is_refused_for_a_table(setting, said):
    with pytest.raises(TrainValueError, match=said):
        prepare(config_of(setting), table_of([4, 4]))
