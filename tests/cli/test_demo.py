import os
import sys

import imagecodecs
import pytest
from typer.testing import CliRunner

from napari_tide.cli import app as app_command
from napari_tide.cli import demo, display
from napari_tide.cli.main import app
from napari_tide.errors import MissingExtraError, OutputWriteError, ScreenMissingError

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")


@pytest.fixture
def sample(plate_folder, monkeypatch):
    monkeypatch.setattr("napari_tide.screens.sample_data.sample_folder", lambda: plate_folder)
    return plate_folder


@pytest.fixture
def no_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@linux
def test_without_a_display_or_xvfb_the_demo_says_so(sample, no_display, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    picture = imagecodecs.png_decode((tmp_path / "out" / "montage.png").read_bytes())
    assert picture.shape[2] == 3
    assert "There is no display" in result.output
    assert "montage.png" in result.output
    assert "Xvfb is not installed" in result.output


def test_without_napari_the_demo_still_writes_the_montage(sample, monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["demo", "--headless", "--out", str(tmp_path)])
    assert (tmp_path / "montage.png").is_file()
    assert 'pip install "napari-tide[napari]"' in result.output


@linux
@pytest.mark.gui
@pytest.mark.slow
def test_under_xvfb_the_demo_takes_a_picture_of_the_window(
    sample, no_display, monkeypatch, tmp_path
):
    monkeypatch.setenv("NAPARI_CONFIG", str(tmp_path / "settings.yaml"))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    result = CliRunner().invoke(app, ["demo", "--headless", "--out", str(tmp_path)])
    assert f"picture of the window: {tmp_path / 'screenshot.png'}" in result.output
    picture = imagecodecs.png_decode((tmp_path / "screenshot.png").read_bytes())
    assert picture.shape[0] > 600
    assert picture[..., :3].std() > 20


def test_an_output_folder_that_is_a_file_is_refused(sample, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputWriteError, match="choose another --out"):
        demo.run(headless=True, out=tmp_path / "file")


def test_the_app_asks_for_napari_in_one_sentence(monkeypatch):
    monkeypatch.setattr(app_command, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "napari-tide\[napari\]"'):
        app_command.run(None)


@linux
def test_the_app_without_a_display_names_the_demo(no_display):
    with pytest.raises(MissingExtraError, match="tide demo --headless"):
        app_command.run(None)


def test_the_app_refuses_a_path_that_is_not_there(tmp_path):
    with pytest.raises(ScreenMissingError, match="does not exist"):
        app_command.run(tmp_path / "nowhere")


@linux
def test_a_display_is_what_the_environment_names():
    assert display.has_display({"DISPLAY": ":0"})
    assert display.has_display({"WAYLAND_DISPLAY": "wayland-0"})
    assert not display.has_display({"DISPLAY": ""})
