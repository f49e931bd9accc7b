import json
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_tide.errors import (
    ImagingValueError,
    OutputExistsError,
    OutputWriteError,
    PackFormatError,
    PackMissingError,
    ScreenValueError,
    TrainValueError,
)
from napari_tide.imaging.intensity import IntensityRange
from napari_tide.imaging.prepared_field import prepare_field
from napari_tide.inference.screen_fields import fields_of, preparation_for
from napari_tide.profiles.profiles import METADATA_COLUMNS
from napari_tide.screens.open_screen import open_screen
from napari_tide.students.bundle_config import BundleConfig, ChannelIntensity, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import StudentConfig
from tide_train.data.tile_pack import open_pack
from tide_train.data.write_pack import PackSettings, write_pack

SMALL = PackSettings(tile_size_px=32, image_px=16, tiles_per_shard=10)


@pytest.fixture
def screen(plate_folder):
    """27 sites of 64 x 64 pixels in 3 channels; every field differs from the others."""
    for number, path in enumerate(sorted(plate_folder.rglob("*.tif"))):
        plane = np.random.default_rng(number).integers(50, 4000, (64, 64)).astype(np.uint16)
        tifffile.imwrite(path, plane)
    return open_screen(plate_folder / "screen.parquet")


@contextmanager
def files_of_at_most(n_bytes):
    """A full disk, as far as a process can make one: no file may grow beyond so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def bundle_config(pack):
    """What a student trained on a pack says about pixels."""
    encoder = EncoderConfig(
        channels=pack.channels, width=24, depth=1, heads=2, image_px=pack.image_px
    )
    codebook = CodebookConfig(n_drugs=1, n_features=16, hidden=8)
    return BundleConfig(
        name="packed",
        student=StudentConfig(encoder=encoder, codebook=codebook),
        drugs=(Drug(name="a"),),
        intensity={
            name: ChannelIntensity(low=limits.low, high=limits.high)
            for name, limits in pack.intensity.items()
        },
        tile_px=pack.tile_size_px,
        pixel_size_um=pack.pixel_size_um,
    )


@pytest.mark.parametrize(("dtype", "tile_px"), [("uint8", 224), ("uint16", 224), ("uint8", 150)])
def test_the_bundled_screen_becomes_the_tiles_that_profiling_would_see(
    repository, tmp_path, dtype, tile_px
):
    screen = open_screen(repository / "sample_data" / "screen.parquet")
    settings = PackSettings(
        tile_size_px=tile_px, image_px=112, dtype=dtype, channels=("ER", "DNA", "Mito")
    )
    run = write_pack(screen, tmp_path / "pack", settings=settings)
    pack = open_pack(tmp_path / "pack")
    n_each = 1 if tile_px == 224 else 4
    assert (run.n_tiles, len(pack), run.is_complete) == (96 * n_each, 96 * n_each, True)
    assert (pack.channels, pack.max_value) == (
        ("ER", "DNA", "Mito"),
        2 ** (8 * np.dtype(dtype).itemsize) - 1,
    )
    preparation = preparation_for(screen, bundle_config(pack))
    assert preparation.tile_type == "float32"
    for row in (0, 17, 95):
        expected = prepare_field(fields_of(screen)[row], preparation).tiles
        stored = pack.read(np.arange(row * n_each, (row + 1) * n_each))
        assert stored.dtype == dtype
        assert expected.std() > 0.05
        steps = np.abs(stored / pack.max_value - expected).max() * pack.max_value
        assert steps <= (0.501 if dtype == "uint8" else 0.51)


def test_metadata_are_those_of_profiles_with_annotation_and_quality(screen, tmp_path):
    sites = screen.sites.copy()
    sites["moa"] = np.where(sites["compound"] == "etoposide", "TOP inhibitor", "")
    sites["batch"] = "week 7"
    write_pack(screen.with_sites(sites), tmp_path / "pack", settings=SMALL)
    metadata = open_pack(tmp_path / "pack").metadata
    assert list(metadata.columns) == [*METADATA_COLUMNS, "Metadata_MoA", "Metadata_QC"]
    assert len(metadata) == 27 * 4
    row = metadata.iloc[4 * 5 + 2]
    site = sites.iloc[5]
    assert (row["Metadata_Plate"], row["Metadata_Well"]) == (site["plate"], site["well"])
    assert (row["Metadata_Tile_Row"], row["Metadata_Tile_Col"]) == (1, 0)
    assert row["Metadata_Batch"] == "week 7"
    is_etoposide = metadata["Metadata_Compound"] == "etoposide"
    assert set(metadata.loc[is_etoposide, "Metadata_MoA"]) == {"TOP inhibitor"}
    assert is_etoposide.sum() == 4 * (sites["compound"] == "etoposide").sum()


def test_a_pack_knows_how_it_was_made(screen, tmp_path):
    given = {name: IntensityRange(10, 3000) for name in ("DNA", "ER", "Mito")}
    settings = PackSettings(tile_size_px=32, image_px=16, intensity=given, percentiles=(1, 99))
    write_pack(screen, tmp_path / "pack", settings=settings)
    pack = open_pack(tmp_path / "pack")
    assert pack.intensity == given
    assert (pack.tile_size_px, pack.image_px, pack.pixel_size_um) == (32, 16, 0.6)
    assert pack.screen_name == "plates/screen.parquet"
    assert pack.intensity_percentiles == (1, 99)
    assert str(tmp_path) not in (tmp_path / "pack" / "pack.json").read_text()


def test_tiles_are_read_in_any_order_and_repeatedly_and_numpy_opens_a_shard(screen, tmp_path):
    write_pack(screen, tmp_path / "pack", settings=SMALL)
    pack = open_pack(tmp_path / "pack")
    shards = [np.load(path) for path in sorted((tmp_path / "pack").glob("tiles-*.npy"))]
    assert [len(shard) for shard in shards] == [10] * 10 + [8]
    whole = np.concatenate(shards)
    rows = np.array([107, 3, 3, 55, 0, 99, 10, 9, 3])
    np.testing.assert_array_equal(pack.read(rows), whole[rows])
    assert pack.read(np.zeros(0, np.int64)).shape == (0, 3, 16, 16)
    for row in (-1, 108):
        with pytest.raises(TrainValueError, match=rf"no tile {row} in .*pack; it has 108"):
            pack.read(np.array([0, row]))


def test_sites_that_cannot_be_read_are_skipped_and_listed(screen, plate_folder, tmp_path):
    for name in ("B03_s2_ER.tif", "D02_s1_DNA.tif"):
        path = plate_folder / "P1" / name
        path.write_bytes(path.read_bytes()[:200])
    run = write_pack(screen, tmp_path / "pack", settings=SMALL)
    assert run.is_complete
    assert [(site.well, site.site) for site in run.skipped] == [("B03", 2), ("D02", 1)]
    listed = pd.read_csv(tmp_path / "pack" / "skipped.csv")
    assert list(listed["well"]) == ["B03", "D02"]
    assert "B03_s2_ER.tif" in listed["reason"][0]
    pack = open_pack(tmp_path / "pack")
    assert (len(pack), pack.config.n_skipped) == (25 * 4, 2)
    here = pack.metadata["Metadata_Well"] + pack.metadata["Metadata_Site"].astype(str)
    assert not set(here) & {"B032", "D021"}


def test_a_screen_without_a_readable_site_leaves_no_pack(screen, plate_folder, tmp_path):
    huge = PackSettings(tile_size_px=500)
    with pytest.raises(ImagingValueError, match="tiles of 500 px do not fit a field of 64 x 64"):
        write_pack(screen, tmp_path / "pack", settings=huge)
    assert not (tmp_path / "pack").exists()
    for path in plate_folder.rglob("*_ER.tif"):  # the field that is looked at first is fine
        tifffile.imwrite(path, np.ones((20, 20), np.uint16))
    with pytest.raises(ScreenValueError, match=r"nothing to pack; the first says: .*\(20, 20\)"):
        write_pack(screen, tmp_path / "pack", settings=SMALL)
    assert contents(tmp_path / "pack") == {}
    for path in plate_folder.rglob("*.tif"):
        path.write_bytes(b"")
    with pytest.raises(ImagingValueError, match="none of 27 sampled fields can be read"):
        write_pack(screen, tmp_path / "pack", settings=SMALL)


def test_bytes_do_not_depend_on_the_number_of_reading_threads(screen, tmp_path, monkeypatch):
    for n_threads in (1, 5):
        with ThreadPoolExecutor(n_threads) as pool:
            for module in ("prepared_field", "intensity_estimate"):
                where = f"napari_tide.imaging.{module}.reading_threads"
                monkeypatch.setattr(where, lambda pool=pool: pool)
            write_pack(screen, tmp_path / f"pack{n_threads}", settings=SMALL)
    assert contents(tmp_path / "pack1") == contents(tmp_path / "pack5")


def test_the_hash_changes_with_pixels_metadata_and_settings_and_nothing_else(
    screen, plate_folder, tmp_path
):
    def hash_of(name, settings=SMALL, screen=screen):
        write_pack(screen, tmp_path / name, settings=settings)
        return open_pack(tmp_path / name).data_hash

    sites = screen.sites.copy()
    sites.loc[3, "compound"] = "another"
    hashes = [
        hash_of("a"),
        hash_of("b", PackSettings(tile_size_px=32, image_px=16, tiles_per_shard=10, edge="drop")),
        hash_of("c", screen=screen.with_sites(sites)),
    ]
    assert hash_of("a-again") == hashes[0]
    path = plate_folder / "P1" / "C05_s1_ER.tif"
    plane = tifffile.imread(path)
    plane[:20] //= 2
    tifffile.imwrite(path, plane)
    hashes.append(hash_of("d"))
    assert len(set(hashes)) == 4


def test_a_cancelled_pack_goes_on_and_is_the_same(screen, tmp_path):
    write_pack(screen, tmp_path / "whole", settings=SMALL)
    done = []
    for limit in (0, 1, 4, 11):
        calls = []

        def is_cancelled(calls=calls, limit=limit):
            return len(calls) > limit

        run = write_pack(
            screen, tmp_path / "pack", settings=SMALL,
            progress=lambda *at, calls=calls: calls.append(at), is_cancelled=is_cancelled,
        )  # fmt: skip
        assert not run.is_complete
        assert calls[0] == (run.n_resumed, 27)
        done.append((run.n_resumed, run.n_done))
        with pytest.raises(PackFormatError, match="is not finished; run the same tide pack again"):
            open_pack(tmp_path / "pack")
    assert done[0][0] == 0
    assert [n for n, _ in done[1:]] == [n for _, n in done[:-1]]
    run = write_pack(screen, tmp_path / "pack", settings=SMALL)
    assert (run.n_resumed, run.n_done) == (done[-1][1], 27)
    assert done[-1][1] > 4
    assert contents(tmp_path / "pack") == contents(tmp_path / "whole")


PACKING_SLOWLY = """
import sys, time
from pathlib import Path
from napari_tide.imaging import prepared_field
from napari_tide.screens.open_screen import open_screen
from tide_train.data.write_pack import PackSettings, write_pack
read = prepared_field.read_plane
prepared_field.read_plane = lambda address: (time.sleep(0.03), read(address))[1]
settings = PackSettings(tile_size_px=32, image_px=16, tiles_per_shard=10)
screen = open_screen(Path(sys.argv[1]))
write_pack(screen, Path(sys.argv[2]), settings=settings, progress=lambda n, _: print(n, flush=True))
"""


@pytest.mark.slow  # a second interpreter imports torch
def test_a_kill_loses_only_the_site_under_way(screen, plate_folder, tmp_path):
    (plate_folder / "P1" / "B02_s2_ER.tif").write_bytes(b"torn")
    write_pack(screen, tmp_path / "whole", settings=SMALL)
    out = tmp_path / "pack"
    words = [sys.executable, "-c", PACKING_SLOWLY, str(plate_folder / "screen.parquet"), str(out)]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    while int(child.stdout.readline()) < 7:
        pass
    child.send_signal(signal.SIGKILL)
    child.communicate()
    with (out / "tiles-00002.npy").open("ab") as file:
        file.write(b"torn write" * 100)  # and the worst moment: a site half-written
    run = write_pack(screen, out, settings=SMALL)
    assert 7 <= run.n_resumed < 27
    assert contents(out) == contents(tmp_path / "whole")


def test_a_full_disk_is_one_sentence_and_the_pack_goes_on_later(screen, tmp_path):
    write_pack(screen, tmp_path / "whole", settings=SMALL)
    for n_bytes in (100, 2_000, 4_500):
        with (
            files_of_at_most(n_bytes),
            pytest.raises(OutputWriteError, match=r"cannot write .* \(File too large"),
        ):
            write_pack(screen, tmp_path / "pack", settings=SMALL)
    run = write_pack(screen, tmp_path / "pack", settings=SMALL)
    assert run.n_resumed > 0
    assert contents(tmp_path / "pack") == contents(tmp_path / "whole")


def test_a_disk_that_fills_at_the_end_loses_nothing(screen, tmp_path):
    write_pack(screen, tmp_path / "whole", settings=SMALL)
    limit = (tmp_path / "whole" / "metadata.parquet").stat().st_size - 100
    big_enough = PackSettings(tile_size_px=32, image_px=16, tiles_per_shard=2)
    with (
        files_of_at_most(limit),
        pytest.raises(OutputWriteError, match="free some space and run the same command again"),
    ):
        write_pack(screen, tmp_path / "pack", settings=big_enough)
    assert not (tmp_path / "pack" / "pack.json").exists()
    run = write_pack(screen, tmp_path / "pack", settings=big_enough)
    assert run.is_complete
    assert {path.suffix for path in (tmp_path / "pack").iterdir()} == {".npy", ".json", ".parquet"}


def test_a_taken_folder_is_refused_before_any_work(screen, tmp_path):
    out = tmp_path / "pack"
    write_pack(screen, out, settings=SMALL)
    before = contents(out)
    with pytest.raises(OutputExistsError, match="is packed already; choose another name, or repl"):
        write_pack(screen, out, settings=SMALL)
    assert contents(out) == before
    other = PackSettings(tile_size_px=64, image_px=16)
    run = write_pack(screen, out, settings=other, overwrite=True)
    assert run.n_tiles == len(open_pack(out)) == 27
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").write_bytes(b"1")
    with pytest.raises(OutputExistsError, match=r"holds other files \(thesis.docx\)"):
        write_pack(screen, tmp_path / "mine", settings=SMALL, overwrite=True)
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(OutputWriteError, match=r"file cannot be a pack's folder \(Not a directory"):
        write_pack(screen, tmp_path / "file", settings=SMALL)


def test_an_unfinished_pack_of_other_settings_is_kept(screen, tmp_path):
    out = tmp_path / "pack"
    shown = []
    write_pack(
        screen, out, settings=SMALL,
        progress=lambda n, _: shown.append(n), is_cancelled=lambda: len(shown) > 2,
    )  # fmt: skip
    before = contents(out)
    with pytest.raises(OutputExistsError, match="unfinished pack of another screen or setting"):
        write_pack(screen, out, settings=PackSettings(tile_size_px=64, image_px=16))
    assert contents(out) == before
    (out / "tiles-00000.npy").unlink()
    with pytest.raises(OutputExistsError, match=r"tiles-00000.npy has lost tiles"):
        write_pack(screen, out, settings=SMALL)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dtype": "float32"}, "cannot be stored as 'float32'"),
        ({"image_px": 0}, "expected whole numbers from 1"),
        ({"percentiles": (99, 1)}, "expected 0 <= low < high <= 100"),
    ],
)
def test_impossible_settings_are_refused(settings, said):
    with pytest.raises(TrainValueError, match=said):
        PackSettings(**settings)


def test_an_unknown_channel_is_refused(screen, tmp_path):
    with pytest.raises(ScreenValueError, match="Golgi"):
        write_pack(screen, tmp_path / "pack", settings=PackSettings(channels=("Golgi",)))
    assert not (tmp_path / "pack").exists()


def break_shard(folder):
    path = folder / "tiles-00003.npy"
    os.truncate(path, path.stat().st_size - 1)


def break_config(folder, **values):
    path = folder / "pack.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (break_shard, r"tiles-00003.npy has 7,807 bytes, expected 7,808; copy it again"),
        (lambda p: (p / "tiles-00010.npy").unlink(), r"tiles-00010.npy is not there"),
        (lambda p: (p / "metadata.parquet").write_bytes(b"PAR1"), r"metadata.parquet cannot be re"),
        (lambda p: (p / "metadata.parquet").unlink(), r"metadata.parquet cannot be read"),
        (lambda p: (p / "pack.json").write_text("{"), r"pack.json cannot be read"),
        (lambda p: (p / "pack.json").write_bytes(b"\xff"), r"pack.json cannot be read"),
        (lambda p: break_config(p, format_version=9), "has format_version 9, this napari-tide rea"),
        (lambda p: break_config(p, colour="red"), "colour: Extra inputs are not permitted"),
        (lambda p: break_config(p, n_tiles=107), "has 108 rows for 107 tiles"),
        (lambda p: break_config(p, channels=["DNA"]), "has intensity of .* for channels"),
    ],
    ids=[
        "cut",
        "gone",
        "parquet",
        "no parquet",
        "json",
        "bytes",
        "version",
        "extra",
        "rows",
        "chan",
    ],
)
def test_damage_is_named_when_the_pack_is_opened(screen, tmp_path, damage, said):
    write_pack(screen, tmp_path / "pack", settings=SMALL)
    damage(tmp_path / "pack")
    with pytest.raises(PackFormatError, match=said):
        open_pack(tmp_path / "pack")


def test_a_shard_cut_short_while_training_is_named(screen, tmp_path):
    write_pack(screen, tmp_path / "pack", settings=SMALL)
    pack = open_pack(tmp_path / "pack")
    break_shard(tmp_path / "pack")
    assert len(pack.read(np.array([30, 38]))) == 2
    with pytest.raises(PackFormatError, match=r"tiles-00003.npy is cut short; copy it again"):
        pack.read(np.array([39]))
    (tmp_path / "pack" / "tiles-00003.npy").unlink()
    with pytest.raises(PackFormatError, match=r"tiles-00003.npy cannot be read \(No such file"):
        pack.read(np.array([0, 30]))


def test_what_is_no_pack_is_told(tmp_path):
    with pytest.raises(PackMissingError, match="is no pack; make one with tide pack SCREEN --out"):
        open_pack(tmp_path / "nothing")
