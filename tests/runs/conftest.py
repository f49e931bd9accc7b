"""A small pack and its transcriptomes, made once from the bundled plate."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_tide.screens.open_screen import open_screen
from tide_train.data.write_pack import PackSettings, write_pack


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
