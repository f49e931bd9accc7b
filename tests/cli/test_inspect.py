import json
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_tide.cli.inspect import parse_channels
from napari_tide.cli.main import app, main
from napari_tide.errors import ScreenValueError

TABLE = """plate,well,site,path_DNA,path_ch2
P1,A1,1,a.tif,b.tif
P1,A2,1,c.tif,d.tif
P1,A3,1,e.tif,f.tif
"""
MAP = "well,compound,dose (nM)\nA01,DMSO,\nA02,taxol,500\nA03,taxol,5\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "screen_in.csv").write_text(TABLE)
    (tmp_path / "map.csv").write_text(MAP)
    (tmp_path / "hub.tsv").write_text("pert_iname\tmoa\tsmiles\ntaxol\ttubulin\tCCO |c:1|")
    for name in "abcde":
        (tmp_path / f"{name}.tif").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tide(*words):
    return CliRunner().invoke(app, ["inspect", *words], catch_exceptions=False)


def failing(monkeypatch, capsys, *words):
    """Run as the installed command does, and give the one line on stderr."""
    monkeypatch.setattr(sys, "argv", ["tide", "inspect", *words])
    with pytest.raises(SystemExit, match="2"):
        main()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_json_is_one_object_with_the_promised_keys(folder):
    result = tide("screen_in.csv", "--platemap", "map.csv", "--metadata", "hub.tsv", "--json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["format"] == "screen_table"
    assert (summary["plates"], summary["wells"], summary["sites"]) == (1, 3, 3)
    assert summary["channels"] == ["DNA", "ch2"]
    assert (summary["compounds"], summary["genes"]) == (1, 0)
    assert summary["dose_values_um"] == [0.005, 0.5]
    assert summary["controls"] == {"negcon": 1, "poscon": 0}
    assert summary["missing_files"] == 1
    assert summary["pixel_size_um"] is None
    assert summary["warnings"][-1].startswith(f"1 image file missing, the first is {folder}")


def test_people_get_a_table_and_the_warnings(folder):
    result = tide("screen_in.csv", "--platemap", "map.csv")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["plates", "1", "(P1)"] in lines
    assert ["controls", "negcon", "1,", "poscon", "0", "wells"] in lines
    assert any("the stain of ch2 is not known" in line for line in result.stdout.splitlines())


def test_the_table_written_is_what_the_other_commands_read(folder):
    written = tide(
        "screen_in.csv", "--platemap", "map.csv", "--metadata", "hub.tsv", "--out", "o.parquet",
        "--json",
    )  # fmt: skip
    table = pd.read_parquet("o.parquet")
    assert table["smiles_standard"].tolist() == ["", "CCO", "CCO"]
    assert json.loads(tide("o.parquet", "--json").stdout) == json.loads(written.stdout)


def test_a_table_far_from_its_images_says_how_to_open_it(folder):
    (folder / "sub").mkdir()
    result = tide("screen_in.csv", "--out", "sub/o.parquet", "--json")
    assert (
        "names images outside its folder; open it with --allow-outside"
        in (json.loads(result.stdout)["warnings"][-1])
    )
    assert tide("sub/o.parquet", "--allow-outside", "--json").exit_code == 0


def test_an_output_is_never_overwritten_unasked(folder, monkeypatch, capsys):
    (folder / "o.parquet").write_text("precious")
    err = failing(monkeypatch, capsys, "screen_in.csv", "--out", "o.parquet")
    assert "is already there; choose another name, or replace it: --overwrite" in err
    assert (folder / "o.parquet").read_text() == "precious"
    assert tide("screen_in.csv", "--out", "o.parquet", "--overwrite").exit_code == 0
    assert len(pd.read_parquet("o.parquet")) == 3


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["absent.csv"], "absent.csv does not exist"),
        (["screen_in.csv", "--platemap", "absent.csv"], "absent.csv is not there"),
        (["screen_in.csv", "--platemap", "hub.tsv"], "has no column of wells"),
        (["screen_in.csv", "--channels", "ch2"], "expected it like ch1=DNA,ch2=ER"),
        (["screen_in.csv", "--require-channels", "DNA,Mito"], "no Mito channel. Available:"),
        (["screen_in.csv", "--require-channels", "DNA,,"], "has an empty name"),
        (["screen_in.csv", "--out", "o.txt"], "does not end in .parquet or .csv"),
        (["screen_in.csv", "--out", "."], "does not end in .parquet or .csv"),
        (["screen_in.csv", "--nope"], "No such option"),
        (["screen_in.csv", "--plane", "one"], "--plane"),
        ([], "Missing"),
    ],
)
def test_errors_are_one_line_with_a_way_out_and_write_nothing(
    folder, monkeypatch, capsys, words, why
):
    before = sorted(path.name for path in folder.iterdir())
    extra = [] if "--out" in words or not words else ["--out", "new.parquet"]
    assert why in failing(monkeypatch, capsys, *words, *extra)
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize("text", ["ch1", "ch1=", "=DNA", "ch1=DNA,", "ch1=DNA,ch1=ER"])
def test_channel_names_that_are_no_pairs_are_refused(text):
    with pytest.raises(ScreenValueError, match="is not a list of different pairs"):
        parse_channels(text)


def test_channel_names_are_read():
    assert parse_channels("ch1=DNA, ch 2 = ER") == {"ch1": "DNA", "ch 2": "ER"}
    assert parse_channels("") == {}


def test_the_command_runs_in_a_process_of_its_own(folder, repository):
    program = "from napari_tide.cli.main import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, "inspect", "screen_in.csv", "--platemap", "map.csv",
         "--json"],
        capture_output=True, text=True, check=False, cwd=folder,
        env={"PYTHONPATH": str(repository / "src"), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["compounds"] == 1
    assert result.stderr == ""
