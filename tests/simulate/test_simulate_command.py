"""``tide simulate``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from napari_tide.cli import main as command_line


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["tide", "simulate", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        command_line.main()
    return end.value.code, capsys.readouterr()


def test_json_is_one_object_and_equals_world_json(monkeypatch, capsys, tmp_path):
    out = tmp_path / "out"
    arguments = (out, "--preset", "sample", "--seed", "3", "--features-only", "--json")
    code, printed = run(monkeypatch, capsys, *arguments, "--rna-coverage", "1", "--off-target", "0")
    assert code == 0
    described = json.loads(printed.out)
    assert described == json.loads((out / "world.json").read_text())
    assert described["options"]["off_target"] == 0
    assert described["options"]["rna_coverage"] == 1
    assert described["sizes"]["wells"] == 96


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--preset", "huge"), "no preset 'huge'"),
        (("--seed", "-2"), "--seed is -2"),
        (("--off-target", "-1"), "--off-target is -1.0"),
        (("--rna-coverage", "2"), "--rna-coverage is 2.0"),
    ],
)
def test_impossible_options_are_one_line_and_status_2(
    arguments, sentence, monkeypatch, capsys, tmp_path
):
    out = tmp_path / "out"
    code, printed = run(monkeypatch, capsys, out, "--features-only", *arguments)
    assert code == 2
    assert sentence in printed.err
    assert printed.err.strip().count("\n") == 0
    assert not out.exists()


def test_occupied_folders_need_leave(monkeypatch, capsys, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    code, printed = run(monkeypatch, capsys, tmp_path, "--features-only")
    assert (code, "--overwrite" in printed.err) == (2, True)
    code, _ = run(monkeypatch, capsys, tmp_path, "--features-only", "--overwrite")
    assert code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_feature_mode_and_the_command_line_load_no_torch():
    code = (
        "import sys; import napari_tide.cli.main; assert 'pandas' not in sys.modules; "
        "import napari_tide.simulate.simulate_screen; assert 'torch' not in sys.modules; "
        "assert 'rdkit' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
