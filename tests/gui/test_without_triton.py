"""In a process of its own, which the failure would kill."""

import subprocess
import sys

import pytest

_CODE = """
import ctypes, ctypes.util
from napari_tide._napari.without_triton import keep_triton_out
name = ctypes.util.find_library("LLVM-15") or ctypes.util.find_library("LLVM")
if name:
    ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
keep_triton_out()
import napari_tide.students.bundle
print("loaded")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="drivers share LLVM on Linux alone")
def test_a_student_loads_beside_a_driver_that_brought_llvm():
    done = subprocess.run(
        [sys.executable, "-c", _CODE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert "loaded" in done.stdout
