"""The threads that read and cut planes, one pool for the process."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor


def n_usable_cores() -> int:
    """Count the cores this process may run on, which a cluster often limits."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache
def reading_threads() -> ThreadPoolExecutor:
    """Give the pool; work handed to it must never wait for other work in it."""
    return ThreadPoolExecutor(n_usable_cores(), thread_name_prefix="tide-planes")


if hasattr(os, "register_at_fork"):
    # a forked process, such as a data loader's worker, inherits the pool but not its threads
    os.register_at_fork(after_in_child=reading_threads.cache_clear)
