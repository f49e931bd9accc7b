"""What figures were measured on."""

from __future__ import annotations

import os
import platform


def describe_machine() -> str:
    """Name system, cores and Python."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = platform.python_version()
    return f"{platform.system()} {platform.machine()}, {n_cores} cores, Python {python}"
