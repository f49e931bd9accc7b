"""A simulated screen on disk, with pixels."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_tide.errors import OutputWriteError, SimulationValueError
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.simulate import images
from napari_tide.simulate.images import choose_device
from napari_tide.simulate.optics import draw_optics
from napari_tide.simulate.presets import PRESETS
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings, simulate


@pytest.fixture(scope="module")
def settings(tiny):
    return SimulationSettings(tiny, seed=4)


@pytest.fixture(scope="module")
def written(settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("screen") / "out"
    told = []
    described = simulate_screen(out, settings, progress=lambda *news: told.append(news))
    return out, described, told


def test_the_screen_opens_with_every_plane_in_place(written, tiny):
    out, described, _ = written
    screen = read_screen(out, ReadOptions())
    assert screen.channel_names == ["DNA", "ER", "RNA", "AGP", "Mito"]
    assert screen.n_sites == described["sizes"]["sites"]
    assert screen.pixel_size_um == tiny.pixel_size_um
    assert screen.plate_format.n_wells == 24
    assert screen.missing_files() == []
    assert {*screen.sites["control"]} == {"", "negcon", "poscon"}


def test_the_checksum_is_of_the_decoded_pixels_in_table_order(written, tiny):
    out, described, _ = written
    table = pd.read_csv(out / "load_data.csv")
    digest = hashlib.sha256()
    for row in table.to_dict("records"):
        for channel in ("DNA", "ER", "RNA", "AGP", "Mito"):
            path = out / row[f"PathName_Orig{channel}"] / row[f"FileName_Orig{channel}"]
            plane = tifffile.imread(path)
            assert plane.dtype == np.uint16
            assert plane.shape == (tiny.image_px, tiny.image_px)
            digest.update(plane.astype("<u2").tobytes())
    assert digest.hexdigest() == described["sha256"]["pixels"]


def test_load_data_has_cellprofiler_columns(written):
    out, _, _ = written
    table = pd.read_csv(out / "load_data.csv")
    assert {"Metadata_Plate", "Metadata_Well", "Metadata_Site"} <= {*table.columns}
    assert not any(path.startswith("/") for path in table["PathName_OrigDNA"])
    assert not table.duplicated(["Metadata_Plate", "Metadata_Well", "Metadata_Site"]).any()


def test_load_data_names_the_same_planes_as_the_screen_table(written):
    out, _, _ = written
    screen = read_screen(out, ReadOptions())
    listed = read_screen(out / "load_data.csv", ReadOptions())
    assert listed.channel_names == screen.channel_names
    assert listed.n_sites == screen.n_sites
    for row in range(screen.n_sites):
        assert listed.site_at(row).planes == screen.site_at(row).planes


def test_progress_counts_sites_to_the_end(written):
    _, described, told = written
    n_sites = described["sizes"]["sites"]
    rendered = [done for stage, done, total in told if total == n_sites]
    assert rendered == sorted(rendered)
    assert rendered[-1] == n_sites


def test_pixels_do_not_depend_on_the_size_of_batches(written, settings, tmp_path, monkeypatch):
    _, described, _ = written
    monkeypatch.setattr(images, "BATCH_OF", {"cpu": 5, "cuda": 5})
    again = simulate_screen(tmp_path / "again", settings)
    assert again["sha256"] == described["sha256"]


def test_a_plane_that_cannot_be_written_stops_the_run(settings, tmp_path, monkeypatch):
    def full_disk(path, _plane, **_options):
        message = f"{path} cannot be written (No space left on device); check space"
        raise OutputWriteError(message)

    monkeypatch.setattr(images, "write_plane_tiff", full_disk)
    with pytest.raises(OutputWriteError, match="No space left on device"):
        simulate_screen(tmp_path / "out", settings)
    assert not (tmp_path / "out" / "world.json").exists()
    assert not (tmp_path / "out" / "screen.parquet").exists()


def test_plates_differ_in_gain_and_wells_in_stain():
    simulation = simulate(SimulationSettings(PRESETS["mini"], 0))
    sites = simulation.sites
    optics = draw_optics(0, sites, simulation.layout.plate_format)
    log_gain = pd.DataFrame(np.log(optics.gain)).groupby(sites["plate"])
    assert log_gain.mean().std().mean() == pytest.approx(0.2, abs=0.08)
    assert log_gain.std().mean().mean() == pytest.approx(0.17, abs=0.03)
    offset = pd.DataFrame(optics.offset).groupby(sites["plate"])
    assert not (offset.max() - offset.min()).any(axis=None)
    assert ((optics.vignette > 0) & (optics.vignette < 0.4)).all()


def test_only_wells_at_the_edge_lose_light_toward_it():
    simulation = simulate(SimulationSettings(PRESETS["sample"], 0))
    sites, format_ = simulation.sites, simulation.layout.plate_format
    edge = draw_optics(0, sites, format_).edge
    inner = sites["row"].between(1, format_.rows - 2) & sites["column"].between(
        1, format_.columns - 2
    )
    assert not edge[inner].any()
    strength = np.linalg.norm(edge[~inner], axis=1)
    assert ((strength > 0.04) & (strength < 0.26)).all()
    assert (edge[sites["column"] == 0, 0] < 0).all()
    assert (edge[sites["row"] == format_.rows - 1, 1] > 0).all()


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "cuda:x", ""])
def test_absent_devices_are_refused(device):
    with pytest.raises(SimulationValueError, match="is not there; expected auto, cpu or one of"):
        choose_device(device)


def test_the_device_is_checked_before_anything_is_written(tiny, tmp_path):
    with pytest.raises(SimulationValueError, match="--device tpu is not there"):
        simulate_screen(tmp_path / "out", SimulationSettings(tiny, seed=4, device="tpu"))
    assert not (tmp_path / "out").exists()
