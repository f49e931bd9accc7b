"""Wheel, sdist and editable install: each in a fresh environment shows the plugin."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

pytestmark = pytest.mark.slow

LOOK = """
import json, pathlib, napari_tide, tide_train
from npe2 import PluginManager
from npe2.manifest.utils import import_python_name
from napari_tide.screens.sample_data import sample_folder
manager = PluginManager()
manager.discover()
manifest = manager.get_manifest("napari-tide")
try:
    sample = str(sample_folder())
except Exception as error:
    sample = type(error).__name__
print(json.dumps({
    "callables": [
        callable(import_python_name(command.python_name))
        for command in manifest.contributions.commands
    ],
    "settings": list(manifest.contributions.configurations),
    "docks": [widget.display_name for widget in manifest.contributions.widgets],
    "samples": [sample.display_name for sample in manifest.contributions.sample_data],
    "package": str(pathlib.Path(napari_tide.__file__).parent),
    "sample": sample,
}))
"""


def build(checkout, out, kind):
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir"]
    subprocess.run([*command, str(out), str(checkout)], check=True, capture_output=True)
    (built,) = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def installed(target, folder, *options):
    """Install into a fresh environment that borrows this one's libraries; say what it shows."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    flags = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*command, *flags, *options, str(target)], check=True, capture_output=True)
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", LOOK],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env=alone,
    )
    tide = subprocess.run(
        [str(folder / "bin" / "tide"), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=alone,
    )
    assert "demo" in tide.stdout
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def checkout(repository, tmp_path):
    """A copy of what is tracked, with a stand-in sample where the checkout carries none."""
    copy = tmp_path / "checkout"
    left = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "demo")
    shutil.copytree(repository, copy, ignore=left)
    (copy / "src" / "napari_tide" / "napari.yaml").unlink()  # the build has to bring it
    (copy / "sample_data").mkdir(exist_ok=True)
    (copy / "sample_data" / "screen.parquet").touch()
    return copy


def check(shown, *, package_in, sample_in):
    assert shown["docks"] == ["Plate", "Maps", "Hits", "Train"]
    assert shown["callables"] == [True] * 6
    assert shown["settings"] == ["running", "folders"]
    assert shown["samples"] == ["Simulated 96-well Cell Painting plate"]
    assert shown["package"].startswith(str(package_in))
    assert shown["sample"].startswith(str(sample_in))


def test_a_wheel_carries_the_manifest_and_the_sample(checkout, tmp_path):
    wheel = build(checkout, tmp_path / "dist", "wheel")
    names = zipfile.ZipFile(wheel).namelist()
    assert "napari_tide/napari.yaml" in names
    assert "napari_tide/sample_data/screen.parquet" in names
    assert "napari_tide/py.typed" in names
    assert any(name.startswith("tide_train/") for name in names)
    folder = tmp_path / "fresh"
    check(installed(wheel, folder), package_in=folder, sample_in=folder)


def test_an_sdist_installs_like_the_wheel(checkout, tmp_path):
    sdist = build(checkout, tmp_path / "dist", "sdist")
    folder = tmp_path / "fresh"
    check(installed(sdist, folder), package_in=folder, sample_in=folder)


def test_an_editable_install_uses_the_checkout(checkout, tmp_path):
    shown = installed(checkout, tmp_path / "fresh", "--editable")
    check(shown, package_in=checkout, sample_in=checkout)
