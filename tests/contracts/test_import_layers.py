"""What an import may not bring along, asked of a fresh interpreter."""

import os
import subprocess
import sys

import pytest

GUI = ("napari", "qtpy", "superqt", "magicgui", "pyqtgraph", "PyQt6", "PySide6", "PyQt5")
WALK = """
import importlib, pkgutil
for package in ("napari_tide", "tide_train"):
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, package + "."):
        if "._napari" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def loaded_after(code, repository):
    paths = os.pathsep.join([str(repository / "src"), str(repository / "train")])
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("package", ["napari_tide", "tide_train"])
def test_importing_a_package_is_light(package, repository):
    loaded = loaded_after(f"import {package}", repository)
    assert package in loaded
    assert loaded.isdisjoint({*GUI, "torch", "rdkit", "zarr", "h5py", "pandas"})


def test_nothing_outside_the_shell_loads_napari_or_qt(repository):
    loaded = loaded_after(WALK, repository)
    assert "pandas" in loaded
    assert loaded.isdisjoint(GUI)


def test_reading_a_screen_loads_no_torch(repository):
    loaded = loaded_after("import napari_tide.screens.readers.registry", repository)
    assert "torch" not in loaded
