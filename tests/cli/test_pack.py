import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_tide.cli.main import app, main
from tide_train.data.tile_pack import open_pack

SMALL = ("--tile-size", "32", "--image-size", "16")


def tide(*words):
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def failing(monkeypatch, capsys, *words):
    """Run as the installed command does, and give the one line on stderr."""
    monkeypatch.setattr(sys, "argv", ["tide", *(str(word) for word in words)])
    with pytest.raises(SystemExit, match="2"):
        main()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_screen_becomes_a_pack_and_json_says_how(plate_folder, tmp_path):
    broken = plate_folder / "P1" / "B03_s2_ER.tif"
    broken.write_bytes(broken.read_bytes()[:200])
    out = tmp_path / "pack"
    words = ("pack", plate_folder, "--out", out, *SMALL, "--dtype", "uint16", "--only", "ER,DNA")
    facts = json.loads(tide(*words, "--json").stdout)
    assert (facts["n_sites"], facts["n_tiles"], facts["is_complete"]) == (27, 26 * 4, True)
    assert (facts["channels"], facts["dtype"]) == (["ER", "DNA"], "uint16")
    assert facts["skipped"][0]["well"] == "B03"
    pack = open_pack(out)
    assert facts["data_hash"] == pack.data_hash
    assert set(facts["intensity"]) == {"DNA", "ER"}
    assert pack.read(np.array([5])).shape == (1, 2, 16, 16)
    assert facts["n_bytes"] > 26 * 4 * 2 * 16 * 16 * 2


def test_people_are_told_where_it_went_and_what_was_skipped(plate_folder, tmp_path):
    (plate_folder / "P2" / "C03_s1_DNA.tif").unlink()
    out = tmp_path / "pack"
    result = tide("pack", plate_folder, "--out", out, "--tile-size", "64", "--image-size", "32")
    first, second, third = result.stdout.splitlines()
    assert first.startswith(f"26 of 27 sites, 26 tiles of DNA, ER, Mito, 0.1 MB: {out} (")
    assert second == f"skipped 1, listed in {out / 'skipped.csv'}:"
    assert third.startswith("  P2 C03 site 1: ")
    assert "tide pack: 27 of 27 sites" in result.stderr
    assert list(pd.read_csv(out / "skipped.csv")["plate"]) == ["P2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "Golgi"), "Golgi"),
        (("--dtype", "float32"), "float32"),
        (("--tile-size", "500"), "tiles of 500 px do not fit a field of 64 x 64 px"),
        (("--tile-size", "32", "--stride", "40"), "a stride of 40 px leaves gaps"),
        (("--percentiles", "99", "1"), "expected 0 <= low < high <= 100"),
        (("--channels", "DNA"), "expected it like ch1=DNA,ch2=ER"),
    ],
    ids=["stain", "dtype", "tile", "stride", "percentiles", "channels"],
)
def test_bad_options_are_one_line(plate_folder, tmp_path, monkeypatch, capsys, words, said):
    out = tmp_path / "pack"
    assert said in failing(monkeypatch, capsys, "pack", plate_folder, "--out", out, *words)
    assert not out.exists()


def test_a_finished_pack_is_replaced_only_when_asked(plate_folder, tmp_path, monkeypatch, capsys):
    words = ("pack", plate_folder, "--out", tmp_path / "pack", *SMALL)
    tide(*words)
    assert "is packed already" in failing(monkeypatch, capsys, *words)
    tide(*words, "--overwrite", "--only", "ER")
    assert open_pack(tmp_path / "pack").channels == ("ER",)


SLOWLY = """
import sys, time
from napari_tide.imaging import prepared_field
read = prepared_field.read_plane
prepared_field.read_plane = lambda address: (time.sleep(0.05), read(address))[1]
from napari_tide.cli.main import main
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process there")
def test_ctrl_c_stops_between_sites_and_says_how_to_go_on(plate_folder, tmp_path):
    out = tmp_path / "pack"
    words = ["pack", plate_folder, "--out", out, *SMALL]
    command = [sys.executable, "-c", SLOWLY, *map(str, words)]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert "tide pack: 0 of 27 sites" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    printed, said = child.communicate(timeout=60)
    assert (child.returncode, printed) == (130, "")
    assert "run the same command again to go on" in said.splitlines()[-1]
    resumed = tide(*words, "--json")
    assert json.loads(resumed.stdout)["is_complete"]
