"""The manifest: an invalid one makes the plugin vanish with a single log line."""

from fnmatch import fnmatch

import pytest
from npe2 import PluginManifest
from npe2.cli import app
from npe2.manifest.utils import import_python_name
from typer.testing import CliRunner

pytestmark = pytest.mark.gui  # importing what the manifest names needs a Qt binding

COPY = "src/napari_tide/napari.yaml"


@pytest.fixture(scope="module")
def manifest(repository):
    return PluginManifest.from_file(repository / "napari.yaml")


def test_the_package_carries_the_same_manifest(repository):
    assert (repository / "napari.yaml").read_bytes() == (repository / COPY).read_bytes()


def test_npe2_finds_nothing_wrong(repository):
    result = CliRunner().invoke(app, ["validate", str(repository / "napari.yaml")])
    assert result.exit_code == 0, result.output
    assert "valid!" in result.output


def test_everything_named_is_there(manifest):
    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name))


def test_every_contribution_names_a_command(manifest):
    known = {command.id for command in manifest.contributions.commands}
    parts = manifest.contributions
    used = [*parts.readers, *parts.sample_data, *parts.widgets]
    used += [item for menu in parts.menus.values() for item in menu]
    assert {item.command for item in used} <= known


@pytest.mark.parametrize(
    "name",
    ["screen.parquet", "load_data.csv", "load_data_with_illum.csv", "Index.xml",
     "Index.idx.xml", "index.xml", "plate.ome.zarr", "plate.zarr"],
)  # fmt: skip
def test_the_reader_is_asked_for_every_kind_of_screen(manifest, name):
    (reader,) = manifest.contributions.readers
    assert reader.accepts_directories
    assert any(fnmatch(name, pattern.lower()) for pattern in reader.filename_patterns)


@pytest.mark.parametrize("name", ["cells.tif", "cells.png", "table.csv", "notes.xml"])
def test_plain_files_are_left_to_others(manifest, name):
    (reader,) = manifest.contributions.readers
    assert not any(fnmatch(name, pattern.lower()) for pattern in reader.filename_patterns)
