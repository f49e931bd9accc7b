"""Keeps triton out of the window's process: beside a software or AMD OpenGL driver it crashes.

On Linux such drivers load LLVM for everyone in the process; triton, which timm imports with torch's
compiler, brings another LLVM and dies in its first lines (segmentation fault in libLLVM, seen with
Mesa's LLVM 15). Nothing here compiles kernels, and trainings run in processes of their own.
"""

from __future__ import annotations

import sys


def keep_triton_out() -> None:
    """Make ``import triton`` say that it is not installed, unless it is loaded already."""
    if sys.platform == "linux":
        # a module that is None counts as missing, for import and find_spec alike
        sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
