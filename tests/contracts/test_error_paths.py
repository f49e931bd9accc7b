"""What a user sees when an input is wrong: one line that names the file and a way out, status 2.

Each case damages an input in one way and gives the command; `FINE` are the cases that look wrong
and are not.
"""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_tide.cli.main import main

HEADER = (
    "FileName_OrigDNA,PathName_OrigDNA,FileName_OrigER,PathName_OrigER,"
    "Metadata_Plate,Metadata_Well,Metadata_Site"
)
WAYS_OUT = (
    "--", "copy it again", "export it again", "keep one", "expected", "make it again", "save the",
    "open the", "rename", "give ", "check ", "add a column",
)  # fmt: skip


def write_load_data(folder, *rows, header=HEADER):
    (folder / "load_data.csv").write_text("\n".join([header, *rows, ""]))


def plane(seed=0):
    return np.random.default_rng(seed).integers(100, 4000, (64, 64)).astype(np.uint16)


def write_screen(folder):
    rows = []
    for n, well in enumerate(("A01", "A02", "A03")):
        for channel in ("DNA", "ER"):
            tifffile.imwrite(folder / f"{well}_{channel}.tif", plane(n))
        rows.append(f"{well}_DNA.tif,,{well}_ER.tif,,P1,{well},1")
    write_load_data(folder, *rows)


# ways in which an input is wrong; each is given a folder with a sound screen in it


def sound(folder):
    """Leave it as it is; the command asks for the impossible."""


def absent_images(folder):
    images = "".join(
        f"<Image><id>{n}</id><URL>r01c01-ch{n}.tiff</URL><Row>1</Row><Col>1</Col><FieldID>1"
        f"</FieldID><PlaneID>1</PlaneID><ChannelID>{n}</ChannelID><ChannelName>{name}</ChannelName>"
        "</Image>"
        for n, name in ((1, "HOECHST 33342"), (2, "Alexa 488"))
    )
    (folder / "phenix").mkdir()
    (folder / "phenix/Index.idx.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?><EvaluationInputData '
        'xmlns="43B2A954-E3C3-47E1-B392-6635266B0DD3/HarmonyV7"><Plates><Plate><PlateID>P1'
        f"</PlateID></Plate></Plates><Images>{images}</Images></EvaluationInputData>"
    )


def cut_short(folder):
    path = folder / "A02_ER.tif"
    path.write_bytes(path.read_bytes()[:3000])


def duplicate_wells(folder):
    write_load_data(folder, *["A01_DNA.tif,,A01_ER.tif,,P1,A01,1"] * 2)


def missing_columns(folder):
    write_load_data(folder, "A01_DNA.tif,A01", header="FileName_OrigDNA,Metadata_Nothing")


def no_images_named(folder):
    write_load_data(folder, "P1,A01", header="Metadata_Plate,Metadata_Well")


def leaving_path(folder):
    (folder.parent / "outside.tif").touch()
    write_load_data(folder, f"outside.tif,{folder.parent},A01_ER.tif,,P1,A01,1")


def leaving_path_in_table(folder):
    (folder / "t.csv").write_text("plate,well,site,path_DNA\nP1,A01,1,../../etc/passwd\n")


def text_as_gctx(folder):
    (folder / "l1000.gctx").write_text("#1.3\n1\t1\t0\t0\nid\ta\nb\t1\n")


def text_as_gct(folder):
    (folder / "l1000.gct").write_text("hello\n")


def bad_map(folder):
    (folder / "map.csv").write_text("well,dose\nA01,lots\n")


def bad_zip(folder):
    (folder / "load_data.csv.gz").write_bytes(gzip.compress(b"FileName_OrigDNA\n" * 99)[:-12])


def only_a_readme(folder):
    (folder / "notes").mkdir()
    (folder / "notes/README.md").write_text("# A screen\n")


def empty_folder(folder):
    (folder / "empty").mkdir()


def holiday_photos(folder):
    (folder / "photos").mkdir()
    for name in ("IMG_0001.jpg", "IMG_0002.JPG"):
        (folder / "photos" / name).write_bytes(b"\xff\xd8\xff\xe0")


def plain_text(folder):
    (folder / "notes.txt").write_text("Remember the milk.\n")


@dataclass(frozen=True)
class Case:
    """An input made wrong, the words of the command, and what must stand in the one line."""

    damage: Callable
    words: tuple[str, ...]
    says: tuple[str, ...]
    prints_before: bool = False
    """Reading every plane prints what was found before it fails."""


def case(damage, words, *says, prints_before=False):
    return Case(damage, tuple(words.split(" ")), says, prints_before)


CASES = {
    "nothing there": case(sound, "nowhere", "nowhere", "does not exist"),
    "empty folder": case(empty_folder, "empty", "empty", "is empty"),
    "only a readme": case(only_a_readme, "notes", "notes", "README.md", "none of the supported"),
    "text": case(plain_text, "notes.txt", "notes.txt", "none of the supported"),
    "photos": case(holiday_photos, "photos", "photos", "IMG_0001.jpg", "--pattern"),
    "absent TIFFs": case(
        absent_images,
        "phenix --check-pixels",
        "2 of 2 planes cannot be read",
        "r01c01-ch1.tiff",
        "--images",
        prints_before=True,
    ),
    "truncated TIFF": case(
        cut_short,
        "load_data.csv --check-pixels",
        "1 of 6 planes cannot be read",
        "A02_ER.tif",
        "the others are fine",
        prints_before=True,
    ),
    "no DNA channel": case(
        sound,
        "load_data.csv --channels DNA=Golgi --require-channels DNA",
        "load_data.csv",
        "no DNA channel. Available: ['Golgi', 'ER']",
    ),
    "channel that is not there": case(
        sound, "load_data.csv --channels ch9=DNA", "load_data.csv", "'ch9'", "Available"
    ),
    "duplicate wells": case(
        duplicate_wells, "load_data.csv", "load_data.csv", "plate P1 well A01 site 1", "keep one"
    ),
    "missing columns": case(missing_columns, "load_data.csv", "load_data.csv", "Metadata_Well"),
    "no image columns": case(no_images_named, "load_data.csv", "load_data.csv", "FileName_"),
    "a path that leaves the folder": case(
        leaving_path, "load_data.csv", "load_data.csv", "outside", "--allow-outside"
    ),
    "a path that leaves a table's folder": case(
        leaving_path_in_table, "t.csv", "t.csv", "outside", "--allow-outside"
    ),
    "GCTX that is text": case(text_as_gctx, "l1000.gctx", "l1000.gctx"),
    "GCT that is none": case(text_as_gct, "l1000.gct", "l1000.gct"),
    "GCTX that is not there": case(sound, "absent.gctx", "absent.gctx", "expected a GCT"),
    "a map for expression": case(
        text_as_gct, "l1000.gct --check-pixels", "l1000.gct", "--check-pixels"
    ),
    "a dose that is none": case(
        bad_map, "load_data.csv --platemap map.csv", "map.csv, line 2", "'lots'", "expected"
    ),
    "a map that is not there": case(
        sound, "load_data.csv --platemap absent.csv", "absent.csv", "is not there"
    ),
    "a damaged .gz": case(bad_zip, "load_data.csv.gz", "load_data.csv.gz", "copy it again"),
    "an output no disk can have": case(
        sound, f"load_data.csv --out {'x' * 300}.parquet", "--out", "too long", "choose another"
    ),
    "an output below a file": case(
        sound,
        "load_data.csv --out load_data.csv/screen.parquet",
        "screen.parquet",
        "--out",
        "load_data.csv is a file",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a sound screen of three wells and two stains."""
    here = tmp_path / "here"
    here.mkdir()
    write_screen(here)
    monkeypatch.chdir(here)
    return here


def contents(folder):
    return {str(path): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def words_of(wrong):
    return ["inspect", *wrong.words, *([] if "--out" in wrong.words else ["--out", "new.parquet"])]


def check_line(err, wrong):
    assert err.count("\n") == 1, err
    assert err.startswith("tide: ")
    assert all(said in err for said in wrong.says), err
    assert any(way in err for way in WAYS_OUT), err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_one_line_and_nothing_is_written(folder, monkeypatch, capsys, name):
    wrong = CASES[name]
    wrong.damage(folder)
    before = contents(folder)
    words = words_of(wrong)
    if wrong.words[0].endswith((".gct", ".gctx")):
        words = ["inspect", *wrong.words]
    monkeypatch.setattr(sys, "argv", ["tide", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    check_line(err, wrong)
    assert bool(out) == wrong.prints_before
    assert contents(folder) == before


@pytest.mark.parametrize("name", ["truncated TIFF", "duplicate wells"])
def test_the_same_holds_for_the_installed_command(folder, repository, name):
    wrong = CASES[name]
    wrong.damage(folder)
    before = contents(folder)
    program = "from napari_tide.cli.main import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, *words_of(wrong)],
        capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(repository / "src")},
    )  # fmt: skip
    assert result.returncode == 2
    check_line(result.stderr, wrong)
    assert contents(folder) == before


# what looks wrong and is not


def inspected(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["tide", "inspect", *words, "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capsys.readouterr()
    assert (stopped.value.code, err) == (0, ""), err
    return json.loads(out)


def test_absent_images_are_counted_as_long_as_no_pixel_is_asked_for(folder, monkeypatch, capsys):
    absent_images(folder)
    summary = inspected(monkeypatch, capsys, "phenix")
    assert summary["missing_files"] == 2
    assert any("r01c01-ch1.tiff" in warning for warning in summary["warnings"])


def test_planes_compressed_in_different_ways_are_read_as_one_field(folder, monkeypatch, capsys):
    tifffile.imwrite(folder / "A01_DNA.tif", plane(), compression="lzw")
    tifffile.imwrite(folder / "A01_ER.tif", plane(), compression="zlib", byteorder=">")
    pixels = inspected(monkeypatch, capsys, "load_data.csv", "--check-pixels")["pixels"]
    assert (pixels["planes"], pixels["unreadable"]) == (6, [])


def test_saturated_and_near_empty_fields_are_flagged_not_refused(folder, monkeypatch, capsys):
    bright = plane(1)
    bright[:8] = 65535
    tifffile.imwrite(folder / "A01_DNA.tif", bright)
    for channel in ("DNA", "ER"):
        tifffile.imwrite(folder / f"A02_{channel}.tif", np.full((64, 64), 120, np.uint16))
    pixels = inspected(monkeypatch, capsys, "load_data.csv", "--check-pixels")["pixels"]
    assert pixels["unreadable"] == []
    flags = {site["well"]: site["flags"] for site in pixels["flagged_sites"]}
    assert "saturated" in flags["A01"]
    assert "empty" in flags["A02"]
    assert pixels["flagged"]["saturated"] == 1


def test_a_screen_whose_stains_are_unknown_says_how_to_name_them(folder, monkeypatch, capsys):
    summary = inspected(monkeypatch, capsys, "load_data.csv", "--channels", "DNA=Golgi")
    assert any("no DNA channel among" in warning for warning in summary["warnings"])


@pytest.mark.parametrize("name", ["My screen (copy) 2", "écran µM №3", "100% done; rm -rf #1&c=1"])
def test_folders_may_have_any_name(tmp_path, monkeypatch, capsys, name):
    folder = tmp_path / name
    folder.mkdir()
    write_screen(folder)
    summary = inspected(monkeypatch, capsys, str(folder), "--check-pixels")
    assert (summary["missing_files"], summary["pixels"]["unreadable"]) == (0, [])


def test_a_path_from_home_is_understood(folder, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert inspected(monkeypatch, capsys, "~/here")["sites"] == 3


def test_a_folder_that_may_not_be_read_is_said_to_be_so(folder, monkeypatch, capsys):
    def refuse(path=".", *_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(sys, "argv", ["tide", "inspect", str(Path.cwd())])
    with pytest.raises(SystemExit, match="2"):
        main()
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "cannot be read (Permission denied)" in err


@pytest.mark.parametrize("columns", ["{name},{where}", "{old},"], ids=["path", "name"])
@pytest.mark.parametrize("old", [r"images\A01_DNA.tif", r"D:\raw\images\A01_DNA.tif"])
def test_separators_of_windows_in_a_table_are_followed(folder, monkeypatch, capsys, old, columns):
    (folder / "images").mkdir()
    (folder / "A01_DNA.tif").rename(folder / "images/A01_DNA.tif")
    where, _, name = old.rpartition("\\")
    write_load_data(folder, f"{name},{where},A01_ER.tif,,P1,A01,1", f"{old},,A02_ER.tif,,P1,A02,1")
    assert inspected(monkeypatch, capsys, "load_data.csv")["missing_files"] == 0
