import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch

from napari_tide.errors import OutputExistsError, ScreenValueError, StudentValueError
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.journal import ChunkRecord, Journal
from napari_tide.inference.profile_screen import profile_screen, settings_to_go_on
from napari_tide.profiles.store import read_profiles
from napari_tide.screens.readers.screen_table import save_screen


def test_embeddings_are_those_of_a_slow_loop_over_tiles(
    tmp_path, make_screen, make_bundle, embedder_of
):
    screen, bundle = make_screen(), make_bundle()
    run = profile_screen(screen, bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle))
    profiles = read_profiles(tmp_path / "p.parquet")
    assert run.is_complete
    assert len(profiles) == 6 * 4
    for i in (0, 5, 23):
        place = profiles.metadata.iloc[i]
        planes = [
            tifffile.imread(
                f"{screen.root}/{place.Metadata_Well}_{place.Metadata_Site}_{stain}.tif"
            )
            for stain in screen.channel_names
        ]
        top, left = 32 * place.Metadata_Tile_Row, 32 * place.Metadata_Tile_Col
        tile = np.stack(planes)[:, top : top + 32, left : left + 32]
        unit = np.clip((tile.astype(np.float64) - 100) / 3900, 0, 1).astype(np.float32)
        with torch.inference_mode():
            expected = bundle.student(torch.from_numpy(unit)[None]).pooled_BD[0].numpy()
        np.testing.assert_allclose(profiles.features[i], expected, atol=2e-5)


def test_profiles_carry_the_screens_metadata_in_its_order(
    tmp_path, make_screen, make_bundle, embedder_of
):
    bundle = make_bundle()
    profile_screen(
        make_screen(), bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle), level="well"
    )
    profiles = read_profiles(tmp_path / "p.parquet")
    assert profiles.level == "well"
    assert profiles.student == bundle.id
    assert list(profiles.metadata["Metadata_Well"]) == ["A01", "A02", "B01"]
    assert list(profiles.metadata["Metadata_Compound"]) == ["DMSO", "taxol", "taxol"]
    assert profiles.is_control.tolist() == [True, False, False]


@pytest.mark.parametrize(("level", "keys"), [("site", ["Well", "Site"]), ("well", ["Well"])])
def test_coarser_levels_are_means_of_the_tiles(
    tmp_path, make_screen, make_bundle, embedder_of, level, keys
):
    bundle, screen = make_bundle(), make_screen()
    for name in ("tile", level):
        out = tmp_path / f"{name}.parquet"
        profile_screen(screen, bundle, out, embedder=embedder_of(bundle), level=name)
    tiles, coarse = (read_profiles(tmp_path / f"{name}.parquet") for name in ("tile", level))
    names = [f"Metadata_{key}" for key in keys]
    expected = pd.DataFrame(tiles.features).groupby([tiles.metadata[n] for n in names]).mean()
    np.testing.assert_allclose(coarse.features, expected.to_numpy(), atol=1e-6)


def test_an_unreadable_site_is_listed_and_the_rest_goes_on(
    tmp_path, make_screen, make_bundle, embedder_of
):
    bundle = make_bundle()
    screen = make_screen(broken={("A02", 1)})
    run = profile_screen(screen, bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle))
    profiles = read_profiles(tmp_path / "p.parquet")
    assert len(profiles) == 5 * 4
    assert [(site.well, site.site) for site in run.skipped] == [("A02", 1)]
    with (tmp_path / "p.parquet.skipped.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert "A02_1_ER.tif" in row["reason"]


def test_a_cancelled_run_goes_on_where_it_stopped_with_the_same_result(
    tmp_path, make_screen, make_bundle, embedder_of
):
    bundle, screen = make_bundle(), make_screen(broken={("B01", 2)})
    seen = []
    first = profile_screen(
        screen,
        bundle,
        tmp_path / "p.parquet",
        embedder=embedder_of(bundle),
        progress=lambda done, total: seen.append(done),
        is_cancelled=lambda: len(seen) >= 3,
    )
    assert not first.is_complete
    assert not (tmp_path / "p.parquet").exists()
    second = profile_screen(screen, bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle))
    assert second.is_complete
    assert second.n_resumed == seen[-1] >= 2
    profile_screen(screen, bundle, tmp_path / "whole.parquet", embedder=embedder_of(bundle))
    assert (tmp_path / "p.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not list(tmp_path.glob("*.journal*"))


def test_an_unfinished_run_keeps_the_precision_it_chose_by_itself(
    tmp_path, make_screen, make_bundle, embedder_of
):
    screen, bundle, out = make_screen(), make_bundle(), tmp_path / "p.parquet"
    assert settings_to_go_on(out, "auto", None) == ("auto", None)
    begun = Embedder(bundle.student, "cpu", "bf16", batch_tiles=4)
    profile_screen(screen, bundle, out, embedder=begun, is_cancelled=lambda: True)
    assert settings_to_go_on(out, "auto", None) == ("bf16", 4)
    assert settings_to_go_on(out, "fp32", 8) == ("fp32", 8)
    precision, batch_tiles = settings_to_go_on(out, "auto", None)
    again = Embedder(bundle.student, "cpu", precision, batch_tiles)
    assert profile_screen(screen, bundle, out, embedder=again).is_complete


def test_an_unfinished_run_of_another_student_is_not_mixed_in(
    tmp_path, make_screen, make_bundle, embedder_of
):
    screen, first, other = make_screen(), make_bundle(), make_bundle(seed=1)
    out = tmp_path / "p.parquet"
    profile_screen(screen, first, out, embedder=embedder_of(first), is_cancelled=lambda: True)
    with pytest.raises(OutputExistsError, match="another screen, student or setting"):
        profile_screen(screen, other, out, embedder=embedder_of(other))
    profile_screen(screen, first, out, embedder=embedder_of(first))
    with pytest.raises(OutputExistsError, match="already there"):
        profile_screen(screen, first, out, embedder=embedder_of(first))


def test_students_for_other_channels_are_refused_and_subsets_taken_where_possible(
    tmp_path, make_screen, make_bundle, embedder_of
):
    screen = make_screen()
    needs_more = make_bundle(channels=("DNA", "ER", "Golgi"))
    with pytest.raises(StudentValueError, match="needs Golgi, but"):
        profile_screen(screen, needs_more, tmp_path / "a", embedder=embedder_of(needs_more))
    agnostic = make_bundle(kind="channel_vit", channels=("Golgi", "Mito", "DNA"))
    run = profile_screen(
        screen, agnostic, tmp_path / "b.parquet", embedder=embedder_of(agnostic), level="well"
    )
    assert run.is_complete


def test_a_screen_without_a_readable_site_writes_nothing(
    tmp_path, make_screen, make_bundle, embedder_of
):
    screen = make_screen(wells=("A01",), n_sites=1, broken={("A01", 1)})
    bundle = make_bundle()
    with pytest.raises(ScreenValueError, match="no site could be read"):
        profile_screen(screen, bundle, tmp_path / "p.parquet", embedder=embedder_of(bundle))
    assert not (tmp_path / "p.parquet").exists()


def test_a_record_cut_short_is_written_again(tmp_path):
    records = [
        ChunkRecord(i, {"sites": [{"rows": 1, "columns": 2}]}, np.full((2, 3), i, np.float32))
        for i in range(3)
    ]
    path = tmp_path / "x.journal"
    with Journal(path) as journal:
        journal.begin({"identity": "abc"})
        for record in records:
            journal.append(record)
    whole = path.read_bytes()
    for n_lost in range(1, 60, 7):
        path.write_bytes(whole[:-n_lost])
        with Journal(path) as journal:
            assert journal.finished == {0, 1}
            journal.append(records[2])
            np.testing.assert_array_equal(journal.read(2).embeddings_ND, records[2].embeddings_ND)
        assert path.read_bytes() == whole
    flipped = bytearray(whole)
    flipped[-2] ^= 255
    path.write_bytes(flipped)
    with Journal(path) as journal:
        assert journal.finished == {0, 1}


def test_a_run_under_way_is_not_disturbed_by_a_second(tmp_path):
    second = Journal(tmp_path / "x.journal")
    said = f"written by process {os.getpid()}"
    with Journal(second.path), pytest.raises(OutputExistsError, match=said):
        second.__enter__()
    (tmp_path / "x.journal.lock").write_text("999999 1.0")  # its process was killed
    with Journal(tmp_path / "x.journal") as journal:
        assert journal.finished == set()


RUN = """
import sys
from pathlib import Path
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.profile_screen import profile_screen, settings_to_go_on
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.students.bundle import load_bundle
screen = read_screen(Path(sys.argv[1]), ReadOptions())
bundle = load_bundle(Path(sys.argv[2]))
print("ready", flush=True)
embedder = Embedder(bundle.student, "cpu", "fp32", 4)
profile_screen(screen, bundle, Path(sys.argv[3]), embedder=embedder)
"""


@pytest.mark.slow
def test_kill_at_ten_random_moments_loses_and_repeats_nothing(
    tmp_path, make_screen, make_bundle, embedder_of
):
    wells = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]
    screen, bundle = make_screen(wells=wells, n_sites=4), make_bundle()
    save_screen(screen, screen.root / "screen.parquet")
    paths = (screen.root, bundle.folder, tmp_path / "p.parquet")
    command = [sys.executable, "-c", RUN, *map(str, paths)]
    rng = np.random.default_rng()
    sizes = []
    for _ in range(10):
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.6))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        if (tmp_path / "p.parquet").exists():  # done before the kill; its journal is gone
            break
        journal = tmp_path / "p.parquet.journal"
        sizes.append(journal.stat().st_size if journal.exists() else 0)
    assert sizes == sorted(sizes)
    if not (tmp_path / "p.parquet").exists():
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    profile_screen(screen, bundle, tmp_path / "whole.parquet", embedder=embedder_of(bundle))
    found, whole = (read_profiles(tmp_path / f"{name}.parquet") for name in ("p", "whole"))
    np.testing.assert_array_equal(found.features, whole.features)
    places = ["Metadata_Well", "Metadata_Site", "Metadata_Tile_Row", "Metadata_Tile_Col"]
    assert not found.metadata.duplicated(places).any()
    assert len(found) == 96 * 4 * 4
