"""Displays: whether there is one, and a virtual one for pictures where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether windows can be opened; Windows and macOS always say yes."""
    if sys.platform != "linux":
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


@contextmanager
def display_for_pictures() -> Iterator[dict[str, str] | None]:
    """Give the environment of a child that opens windows: the real display, else Xvfb's.

    Gives nothing where there is neither.
    """
    environment = dict(os.environ)
    if has_display():
        yield environment
        return
    server = shutil.which("Xvfb")
    if server is None:
        yield None
        return
    reading, writing = os.pipe()
    command = [server, "-displayfd", str(writing), "-screen", "0", "1600x1000x24"]
    process = subprocess.Popen(  # noqa: S603 - our own command, found on the path
        [*command, "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            yield None
            return
        yield {**environment, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
    finally:
        process.terminate()
        process.wait()
