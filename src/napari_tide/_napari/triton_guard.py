"""Keeping two copies of LLVM apart, which otherwise end napari without a word.

torch imports triton where it is installed. Triton carries an LLVM of its own; loaded into a process
whose OpenGL driver (Mesa) has brought another, it crashes while it is being imported. torch works
without triton for all that napari does with it, so there it is kept out. Seen with Mesa's llvmpipe
and triton 3: a segmentation fault both times a student was opened in a window.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_LOADED = Path("/proc/self/maps")
_LLVM = "libLLVM"


class TritonGuard(MetaPathFinder):
    """Says that triton is not there while the process holds another LLVM."""

    def __init__(self, loaded: Path = _LOADED) -> None:
        self._loaded = loaded

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse triton where it would crash; everything else is for the other finders."""
        del path, target
        if name == "triton" and self._has_llvm():
            message = "triton is kept out: this process's OpenGL driver has loaded another LLVM"
            raise ModuleNotFoundError(message, name=name)
        return None

    def _has_llvm(self) -> bool:
        try:
            return _LLVM in self._loaded.read_text(errors="replace")
        except OSError:
            return False  # not Linux, or not allowed to look


def install_triton_guard() -> None:
    """Watch over imports from now on; a second call changes nothing."""
    if not any(isinstance(finder, TritonGuard) for finder in sys.meta_path):
        sys.meta_path.insert(0, TritonGuard())
