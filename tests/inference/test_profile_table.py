import numpy as np
import pandas as pd
import pytest
import torch

from napari_tide.errors import StudentValueError
from napari_tide.inference.profile_table import embed_table
from napari_tide.profiles.profiles import Profiles

COLUMNS = ("Cells_Area", "Cells_Texture", "Nuclei_Area")


def table(names=("Nuclei_Area", "Cells_Area", "other", "Cells_Texture")):
    rows = np.random.default_rng(0).normal(size=(9, len(names)))
    metadata = pd.DataFrame(
        {"Metadata_Plate": "P1", "Metadata_Well": [f"A{i:02d}" for i in range(9)]}
    )
    return Profiles(metadata, rows, tuple(names), "well")


def test_columns_are_found_by_name(make_bundle, embedder_of):
    bundle = make_bundle(kind="features", channels=COLUMNS)
    profiles = table()
    profiles.features[3, 1] = np.nan
    profiles.features[4, 0] = 1e300  # more than float32 holds
    found = embed_table(profiles, bundle, embedder=embedder_of(bundle))
    ordered = profiles.features[:, [1, 3, 0]].copy()
    ordered[3, 0] = ordered[4, 2] = 0.0  # the untrained student's mean
    with torch.inference_mode():
        expected = bundle.student(torch.from_numpy(ordered.astype(np.float32))).pooled_BD.numpy()
    np.testing.assert_allclose(found.features, expected, atol=1e-6)
    assert found.metadata.equals(profiles.metadata)
    assert (found.level, found.student) == ("well", bundle.id)
    assert found.feature_names[:2] == ("tide_0000", "tide_0001")


def test_missing_columns_and_students_of_images_are_refused(make_bundle, embedder_of):
    bundle = make_bundle(kind="features", channels=COLUMNS)
    with pytest.raises(StudentValueError, match="does not have: Cells_Texture; export"):
        embed_table(table(("Nuclei_Area", "Cells_Area")), bundle, embedder=embedder_of(bundle))
    images = make_bundle()
    with pytest.raises(StudentValueError, match="reads images, but this is a profile table"):
        embed_table(table(), images, embedder=embedder_of(images))
