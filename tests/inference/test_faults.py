import os
import resource
import shutil
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile
import torch

from napari_tide.errors import (
    OutOfMemoryError,
    OutputExistsError,
    OutputWriteError,
    ScreenValueError,
)
from napari_tide.inference.journal import Journal
from napari_tide.inference.profile_screen import profile_screen
from napari_tide.profiles.store import read_profiles

WELLS = tuple(f"A{column:02d}" for column in range(1, 13))


@contextmanager
def files_of_at_most(n_bytes):
    """A full disk, as far as a process can make one: no file may grow beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("level", ["tile", "well"])
def test_a_full_disk_loses_nothing_and_the_run_goes_on_later(
    tmp_path, make_screen, make_bundle, embedder_of, level
):
    screen, bundle = make_screen(wells=WELLS), make_bundle()
    settings = {"embedder": embedder_of(bundle), "level": level}
    profile_screen(screen, bundle, tmp_path / "whole.parquet", **settings)
    out, journal = tmp_path / "p.parquet", tmp_path / "p.parquet.journal"
    for n_bytes, kept in ((10, 0), (50, 0), (3_000, 2_000), (6_000, 5_000)):
        with (
            files_of_at_most(n_bytes),
            pytest.raises(OutputWriteError, match=r"cannot write .*p\.parquet.* \(File too large"),
        ):
            profile_screen(screen, bundle, out, **settings)
        assert n_bytes >= journal.stat().st_size >= kept if kept else True
    run = profile_screen(screen, bundle, out, **settings)
    assert run.n_resumed > 4
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert {path.name for path in tmp_path.glob("p.parquet*")} == {"p.parquet"}


@pytest.mark.parametrize("name", ["p.parquet", "p.h5ad"])
def test_a_table_that_does_not_fit_is_not_half_written(
    tmp_path, make_screen, make_bundle, embedder_of, name, monkeypatch
):
    screen, bundle = make_screen(), make_bundle()
    settings = {"embedder": embedder_of(bundle)}
    profile_screen(screen, bundle, tmp_path / "p.parquet", **settings, is_cancelled=lambda: False)
    size = (tmp_path / "p.parquet").stat().st_size
    (tmp_path / "p.parquet").unlink()
    out = tmp_path / name
    with (
        files_of_at_most(min(size - 100, 8_000)),
        pytest.raises(OutputWriteError, match="cannot write"),
    ):
        profile_screen(screen, bundle, out, **settings)
    assert {path.name for path in tmp_path.glob("p.*")} == {f"{name}.journal"}
    run = profile_screen(screen, bundle, out, **settings)
    assert run.n_resumed == 6
    assert out.exists()


def test_a_failed_record_leaves_the_earlier_ones_whole(tmp_path, make_screen, make_bundle):
    """The journal keeps no bytes back that would land behind the next record."""
    from napari_tide.inference.journal import ChunkRecord

    record = ChunkRecord(0, {"sites": []}, np.ones((500, 8), np.float32))
    with Journal(tmp_path / "x.journal") as journal:
        journal.begin({"identity": "a"})
        size = journal.path.stat().st_size
        said = "free some space and run the same command again"
        with files_of_at_most(size + 1000), pytest.raises(OutputWriteError, match=said):
            journal.append(record)
        assert journal.path.stat().st_size == size
        journal.append(record)
    with Journal(tmp_path / "x.journal") as journal:
        np.testing.assert_array_equal(journal.read(0).embeddings_ND, record.embeddings_ND)


def test_the_first_sites_may_be_unreadable(tmp_path, make_screen, make_bundle, embedder_of):
    wells = [f"{row}{column:02d}" for row in "AB" for column in range(1, 13)]
    broken = {(well, 1) for well in wells[:-1]}
    bundle, screen = make_bundle(), make_screen(wells=wells, n_sites=1, broken=broken)
    for well in wells[:-1]:
        for path in screen.root.glob(f"{well}_*.tif"):
            path.write_bytes(b"")
    run = profile_screen(screen, bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle))
    assert len(run.skipped) == 23
    assert set(read_profiles(tmp_path / "p.parquet").metadata["Metadata_Well"]) == {"B12"}
    shutil.rmtree(screen.root)
    with pytest.raises(ScreenValueError, match=r"no site could be read \(24 tried, the first is"):
        profile_screen(screen, bundle, tmp_path / "q.parquet", embedder=embedder_of(bundle))


def test_sites_of_other_shapes_are_profiled_or_skipped_by_themselves(
    tmp_path, make_screen, make_bundle, embedder_of
):
    bundle, screen = make_bundle(), make_screen(n_sites=1, wells=("A01", "A02", "A03", "A04"))
    rng = np.random.default_rng(0)
    for stain in ("DNA", "ER", "Mito"):  # a larger field, and one smaller than a tile
        for well, side in (("A02", 96), ("A03", 20)):
            plane = rng.integers(0, 4000, (side, side)).astype(np.uint16)
            tifffile.imwrite(screen.root / f"{well}_1_{stain}.tif", plane)
    tifffile.imwrite(screen.root / "A04_1_ER.tif", np.ones((64, 60), np.uint16))
    run = profile_screen(screen, bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle))
    n_tiles = read_profiles(tmp_path / "p.parquet").metadata["Metadata_Well"].value_counts()
    assert n_tiles.to_dict() == {"A01": 4, "A02": 9}
    assert [site.well for site in run.skipped] == ["A03", "A04"]
    assert "(64, 60)" in run.skipped[1].reason


def test_an_embedding_that_is_no_number_stays_alone(
    tmp_path, make_screen, make_bundle, embedder_of, monkeypatch
):
    bundle, screen = make_bundle(), make_screen(n_sites=2)
    profile_screen(screen, bundle, tmp_path / "good.parquet", embedder=embedder_of(bundle))
    for stain in ("DNA", "ER", "Mito"):
        black = np.zeros((64, 64), np.uint16)
        black[:32] = tifffile.imread(screen.root / f"A02_1_{stain}.tif")[:32]
        tifffile.imwrite(screen.root / f"A02_1_{stain}.tif", black)
    forward = bundle.student.encoder.forward

    def dividing_by_the_mean(images, channels=None):
        encoded = forward(images, channels)
        encoded.pooled_BD.mul_((images.mean((1, 2, 3)) / images.mean((1, 2, 3)))[:, None])
        return encoded

    monkeypatch.setattr(bundle.student.encoder, "forward", dividing_by_the_mean)
    for level in ("tile", "well"):
        out = tmp_path / f"{level}.parquet"
        profile_screen(screen, bundle, out, embedder=embedder_of(bundle), level=level)
    good, tiles = (read_profiles(tmp_path / f"{name}.parquet") for name in ("good", "tile"))
    is_nan = np.isnan(tiles.features).all(axis=1)
    assert is_nan.sum() == 2
    np.testing.assert_allclose(tiles.features[~is_nan], good.features[~is_nan], rtol=1e-6)
    flagged = tiles.metadata["Metadata_QC"].str.contains("not finite")
    assert flagged.sum() == 4  # the site's tiles
    assert np.isfinite(read_profiles(tmp_path / "well.parquet").features).all()


def test_two_runs_to_one_name_do_not_meet(tmp_path, make_screen, make_bundle, embedder_of):
    bundle, screen = make_bundle(), make_screen(wells=WELLS)
    out, refusals = tmp_path / "p.parquet", []

    def run_again(done, _total):
        if done and not refusals:
            with pytest.raises(OutputExistsError, match="is being written by process") as caught:
                profile_screen(screen, bundle, out, embedder=embedder_of(bundle))
            refusals.append(str(caught.value))

    run = profile_screen(screen, bundle, out, embedder=embedder_of(bundle), progress=run_again)
    assert run.is_complete
    assert refusals
    (tmp_path / "q.parquet.journal.lock").write_text("1 1.0 elsewhere")
    with pytest.raises(OutputExistsError, match=r"process 1 on elsewhere .if that one is gone"):
        Journal(tmp_path / "q.parquet.journal").__enter__()
    lock = f"{os.getpid()} 1.0 {socket.gethostname()}"  # another process had this number once
    (tmp_path / "q.parquet.journal.lock").write_text(lock)
    with Journal(tmp_path / "q.parquet.journal") as journal:
        assert journal.finished == set()


def test_cancelling_from_another_thread_at_any_time(
    tmp_path, make_screen, make_bundle, embedder_of
):
    bundle, screen = make_bundle(), make_screen(wells=WELLS)
    for delay_s in (0.0, 0.02, 0.05):
        stop = threading.Event()
        timer = threading.Timer(delay_s, stop.set)
        timer.start()
        began = time.monotonic()
        run = profile_screen(
            screen, bundle, tmp_path / "p.parquet",
            embedder=embedder_of(bundle), is_cancelled=stop.is_set, overwrite=True,
        )  # fmt: skip
        timer.join()
        assert time.monotonic() - began < 20
        assert run.n_done >= run.n_resumed
        if run.is_complete:
            break
    profile_screen(
        screen, bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle), overwrite=True
    )
    profile_screen(screen, bundle, tmp_path / "q.parquet", embedder=embedder_of(bundle))
    assert (tmp_path / "p.parquet").read_bytes() == (tmp_path / "q.parquet").read_bytes()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
    ids=["gpu", "cpu", "python"],
)
def test_out_of_memory_names_a_smaller_batch(make_bundle, embedder_of, monkeypatch, error):
    bundle = make_bundle()

    def fail(*_):
        raise error

    monkeypatch.setattr(bundle.student.encoder, "forward", fail)
    with pytest.raises(
        OutOfMemoryError, match="ran out of memory on 4 tiles; lower --batch-size to 2"
    ):
        embedder_of(bundle).embed(np.zeros((4, 3, 32, 32), np.float32))
