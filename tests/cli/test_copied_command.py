"""What *Copy the command* in the Train dock gives, pasted into a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from napari_tide._napari.recipe_listing import list_recipes
from napari_tide.screens.open_screen import open_screen
from napari_tide.students.bundle import load_bundle
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.viewmodels.data_check import check_screen
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.training import TrainingViewModel
from tide_train.run_folder import RunFolder

SMALL = {"encoder.image_px": "32", "data.tile_px": "112", "n_steps": "4"}
WORDS = "Anna's screen, 20x"


@pytest.fixture
def shell(repository, tmp_path, monkeypatch):
    """A shell in which ``tide`` is this checkout's."""
    tide = tmp_path / "bin" / "tide"
    tide.parent.mkdir()
    run = "from napari_tide.cli.main import main; main()"
    tide.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{run}" "$@"\n')
    tide.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tide.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{repository / 'src'}:{repository / 'train'}")

    def paste(command):
        return subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return paste


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a command for a POSIX shell")
def test_the_copied_command_trains_the_student_of_the_form(repository, tmp_path, shell):
    data = tmp_path / "my plate's data"
    shutil.copytree(repository / "sample_data", data)
    screen, l1000 = open_screen(data), data / "l1000.gctx"
    setup = TrainingViewModel(Session(), home=tmp_path).setup
    setup.set_catalogue(list_recipes())
    setup.choose_data(data)
    setup.choose_l1000([l1000])
    setup.checked(check_screen(screen, data, l1000=[open_expression(l1000).samples]))
    setup.choose_recipe("debug_tide")
    setup.choose_out(tmp_path / "the run")
    for key, text in {**SMALL, "card.description": WORDS}.items():
        setup.set_text(key, text)
    assert setup.blockers() == []
    command = setup.request().command()
    done = shell(command)
    assert done.returncode == 0, done.stderr
    assert "a student after 4 steps" in done.stdout
    config = RunFolder(tmp_path / "the run").config()
    assert (config.n_steps, config.encoder.image_px, config.card.description) == (4, 32, WORDS)
    student = load_bundle(tmp_path / "the run" / "student")
    assert len(student.config.drugs) > 1
    assert (student.folder / "rna_teacher").is_dir()
    again = shell(command)
    assert again.returncode == 2
    assert "holds a run already; pass --resume" in again.stderr
    assert shell(f"{command} --resume").returncode == 0
