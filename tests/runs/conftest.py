"""A small pack and its transcriptomes, made once from the bundled plate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.site_metadata import metadata_of_sites
from napari_tide.profiles.store import write_profiles
from napari_tide.screens.open_screen import open_screen
from tide_train.data.write_pack import PackSettings, write_pack
from tide_train.overrides import with_overrides
from tide_train.recipes.registry import find_recipe
from tide_train.run import RunRequest, run


@pytest.fixture(scope="session")
def sample_pack(tmp_path_factory, repository) -> Path:
    """Return the bundled plate as 32 px tiles, four a site."""
    out = tmp_path_factory.mktemp("pack") / "sample.pack"
    screen = open_screen(repository / "sample_data" / "screen.parquet")
    write_pack(screen, out, settings=PackSettings(tile_size_px=112, image_px=32))
    return out


@pytest.fixture(scope="session")
def sample_l1000(repository) -> Path:
    """Return the bundled plate's expression file."""
    return repository / "sample_data" / "l1000.gctx"


@pytest.fixture(scope="session")
def sample_profiles(tmp_path_factory, repository) -> Path:
    """Return invented profiles of the bundled plate's sites, apart by drug."""
    metadata = metadata_of_sites(open_screen(repository / "sample_data" / "screen.parquet").sites)
    random = np.random.default_rng(3)
    drugs = pd.factorize(metadata["Metadata_Compound"])[0]
    features = random.normal(size=(drugs.max() + 1, 24))[drugs]
    features = (features + random.normal(size=features.shape)).astype(np.float32)
    out = tmp_path_factory.mktemp("profiles") / "profiles.parquet"
    write_profiles(Profiles(metadata, features, embedding_names(24), "site"), out)
    return out


@pytest.fixture(scope="session")
def trained():
    """Return a function that runs a recipe and gives its events."""

    def train(name, data, out, *, l1000=(), settings=(), stop_at=None, is_resumed=False):
        events = []

        def is_asked_to_stop():
            steps = [happened["step"] for happened in events if happened["event"] == "step"]
            return stop_at is not None and bool(steps) and steps[-1] >= stop_at

        request = RunRequest(
            config=with_overrides(find_recipe(name), settings),
            data=data,
            out=out,
            l1000=tuple(l1000),
            is_resumed=is_resumed,
        )
        run(request, announce=events.append, should_stop=is_asked_to_stop)
        return events

    return train


@pytest.fixture(scope="session")
def curve():
    """Return a function that gives the losses among events."""

    def losses(events):
        return [happened["loss"] for happened in events if happened["event"] == "step"]

    return losses
