"""The most memory this process has had, and how much there is."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_memory_bytes() -> int:
    """Give the most memory this process has had resident."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if _STATUS.is_file():
        # not getrusage, which counts what the parent had when it started this process
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        told = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        if told:
            return int(told[0]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts kilobytes


def forget_peak() -> None:
    """Let the peak begin anew from here; only Linux can."""
    if _STATUS.is_file():
        with contextlib.suppress(OSError):
            _STATUS.with_name("clear_refs").write_text("5", encoding="ascii")


def free_memory_bytes() -> int:
    """Give how much main memory could be had now; 0 where that is not known."""
    try:
        import psutil
    except ImportError:
        return 0
    return int(psutil.virtual_memory().available)
