"""The child process that trains, and every way it can end without leaving anything behind.

Its output goes to files in the run's folder, which are followed: nobody has to read a pipe, so a
closed napari never stalls or breaks a training that is to go on, a torn line waits for its end, and
the last words of a crash are there to be shown. It gets a session of its own, so that Ctrl-C in the
terminal napari runs in does not reach it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from napari_tide.errors import OutputWriteError
from napari_tide.viewmodels.failure_advice import ChildEnd
from napari_tide.viewmodels.followed_run import ERRORS, OUTPUT
from napari_tide.viewmodels.run_events import GrowingFile
from napari_tide.viewmodels.training_request import TrainingRequest

COMMAND = (sys.executable, "-u", "-m", "tide_train")
_TAIL_BYTES = 16_384
_GONE_S = 5.0

_LET_GO: list[subprocess.Popen[bytes]] = []
"""Children that were left to train on; kept so that their end is taken notice of."""


class TrainingProcess:
    """One child process, with the processes it started itself (data loaders)."""

    def __init__(self, request: TrainingRequest, *, command: Sequence[str] = COMMAND) -> None:
        self.request = request
        self._command = [*command, *request.arguments()]
        self._child: subprocess.Popen[bytes] | None = None
        self._family: set[psutil.Process] = set()
        self._output = GrowingFile(request.out / OUTPUT)
        self._errors_from = 0
        self._was_killed = False
        self._end: ChildEnd | None = None

    @property
    def pid(self) -> int | None:
        """The child's number, once started."""
        return self._child.pid if self._child else None

    @property
    def is_running(self) -> bool:
        """Whether the child lives."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the child.

        Raises
        ------
        OutputWriteError
            The run's folder cannot be written.
        """
        folder = self.request.out
        self.request.save()
        try:
            with (folder / OUTPUT).open("ab") as output, (folder / ERRORS).open("ab") as errors:
                self._output = GrowingFile(folder / OUTPUT, offset=output.tell())
                self._errors_from = errors.tell()
                self._child = subprocess.Popen(  # noqa: S603 - our own command, no shell
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=errors,
                    env={**os.environ, **_quiet(), **self.request.environment()},
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            message = (
                f"the training cannot be started in {folder}: {error.strerror or error}; choose "
                "another folder"
            )
            raise OutputWriteError(message) from error

    def read_lines(self) -> list[str]:
        """Give the lines the child printed since the last look."""
        self._remember_family()
        return self._output.read_new()[0] if self.is_running else self._output.read_rest()

    def ask_to_stop(self) -> None:
        """Ask the child to save and end."""
        child = self._child
        if child is None or child.stdin is None or not self.is_running:
            return
        with contextlib.suppress(OSError, ValueError):  # it may have ended meanwhile
            child.stdin.write(b"stop\n")
            child.stdin.flush()

    def kill(self) -> None:
        """End the child and everything it started, at once."""
        self._was_killed = self.is_running
        self._remember_family()
        self._sweep()
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_GONE_S)

    def end(self) -> ChildEnd | None:
        """Say how the child ended, and clear away what it left running; None while it lives."""
        if self._end is None and self._child is not None and not self.is_running:
            self._sweep()
            self._close_stdin()
            status = self._child.returncode
            self._end = ChildEnd(status, self._tail(), was_killed_here=self._was_killed)
        return self._end

    def let_go(self) -> None:
        """Leave the child to train on after napari is closed."""
        if self._child is not None:
            self._close_stdin()
            _LET_GO.append(self._child)

    def _close_stdin(self) -> None:
        assert self._child is not None
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def _remember_family(self) -> None:
        """Note who belongs to the child: once it has died, its orphans name no parent."""
        if self.is_running and self._child is not None:
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(self._child.pid)
                self._family.update(root.children(recursive=True))

    def _sweep(self) -> None:
        assert self._child is not None
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
        elif self.is_running:
            self._child.kill()
        for process in self._family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(list(self._family), timeout=_GONE_S)
        self._family.clear()

    def _tail(self) -> tuple[str, ...]:
        path = self.request.out / ERRORS
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._errors_from, size - _TAIL_BYTES))
                return tuple(file.read().decode("utf-8", errors="replace").splitlines())
        except OSError:
            return ()


def trains_here(pid: int | None, folder: Path) -> bool:
    """Tell whether a process of this machine trains into a folder."""
    if pid is None:
        return False
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return any("tide_train" in word for word in words) and str(folder) in words


def stop_elsewhere(pid: int) -> None:
    """Ask a training of this machine that is not our child to save and end (not on Windows)."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGTERM)


def _quiet() -> dict[str, str]:
    """Give variables that keep the child's output lines whole and in UTF-8."""
    return {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
