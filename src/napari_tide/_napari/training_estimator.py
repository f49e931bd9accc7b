"""Asks a short-lived process what the training that is filled in would take."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil
from qtpy.QtCore import QProcess, QProcessEnvironment

from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.viewmodels.failure_advice import ChildEnd
from napari_tide.viewmodels.training import TrainingViewModel
from napari_tide.viewmodels.training_request import TrainingRequest
from napari_tide.viewmodels.training_setup import SCREEN_TABLE

COMMAND = (sys.executable, "-u", "-m", "tide_train")
_GONE_MS = 3000
_KILLED = -9


class TrainingEstimator:
    """One viewer's probes; whatever they write lies in a folder that goes with them."""

    def __init__(self, viewmodel: TrainingViewModel, *, command: Sequence[str] = COMMAND) -> None:
        self.viewmodel = viewmodel
        self.command = tuple(command)
        self._process: QProcess | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        viewmodel.estimate.outdated.connect(self.cancel)

    def start(self) -> None:
        """Probe what is filled in.

        Raises
        ------
        TideError
            Something is missing, or the open screen cannot be handed over.
        """
        request = self.viewmodel.setup.request()
        self.cancel()
        # a probe that is killed, or killed for want of memory, cleans nothing up by itself
        self._folder = tempfile.TemporaryDirectory(prefix="tide-estimate-")
        folder = Path(self._folder.name)
        screen = self.viewmodel.setup.screen
        if request.allows_outside and screen is not None:
            request = replace(request, data=folder / SCREEN_TABLE)
            save_screen(screen, request.data)
        self._launch(replace(request, out=folder / "run"), folder)
        self.viewmodel.estimate.begin()

    def cancel(self) -> None:
        """End the probe and everything it started; what was found before stays."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect(self._on_finished)
            _kill_family(process.processId())
            process.kill()
            process.waitForFinished(_GONE_MS)
        self._clear()
        if self.viewmodel.estimate.is_running:
            self.viewmodel.estimate.forget()

    def _launch(self, request: TrainingRequest, folder: Path) -> None:
        environment = QProcessEnvironment.systemEnvironment()
        given = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
        for name, value in {**request.environment(), **given}.items():
            environment.insert(name, value)
        self._process = QProcess()
        self._process.setProcessEnvironment(environment)
        self._process.finished.connect(self._on_finished)
        program, *arguments = [*self.command, *request.arguments(), "--probe"]
        self._process.start(program, arguments)

    def _on_finished(self, status: int, _how: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        has_crashed = process.exitStatus() == QProcess.ExitStatus.CrashExit
        output, errors = (
            bytes(said).decode("utf-8", errors="replace").splitlines()
            for said in (process.readAllStandardOutput(), process.readAllStandardError())
        )
        self._clear()
        end = ChildEnd(_KILLED if has_crashed else status, tuple(errors))
        self.viewmodel.estimate.ended(output, end)

    def _clear(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            with contextlib.suppress(OSError):  # the rest is the system's to clear
                folder.cleanup()


def _kill_family(pid: int) -> None:
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
