"""Drives the Train dock's viewmodel: checks data off the GUI thread, owns and watches the child."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from napari.qt.threading import FunctionWorker
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_tide._napari.data_checking import check_data, expression_beside
from napari_tide._napari.recipe_loading import RecipeLoader
from napari_tide._napari.training_estimator import TrainingEstimator
from napari_tide._napari.training_process import (
    COMMAND,
    TrainingProcess,
    stop_elsewhere,
    trains_here,
)
from napari_tide._napari.workers import make_worker
from napari_tide.errors import TideError
from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.data_check import DataCheck
from napari_tide.viewmodels.failure_advice import ChildEnd
from napari_tide.viewmodels.training import TrainingViewModel
from napari_tide.viewmodels.training_request import TrainingRequest

_OWN_MS, _ATTACHED_MS = 200, 1000


class TrainingDriver:
    """One viewer's training: starts it, brings what it says, ends it."""

    ended = Signal()
    problem = Signal(str)

    def __init__(self, viewmodel: TrainingViewModel, *, command: Sequence[str] = COMMAND) -> None:
        self.viewmodel = viewmodel
        self.command = tuple(command)
        self.estimator = TrainingEstimator(viewmodel)
        self._process: TrainingProcess | None = None
        self._timer: QTimer | None = None
        self._stop_asked_s: float | None = None
        self._worker: FunctionWorker | None = None
        self._is_open = False
        self._recipes = RecipeLoader()
        self._recipes.loaded.connect(viewmodel.setup.set_catalogue)
        self._recipes.failed.connect(self.problem.emit)
        viewmodel.setup.data_changed.connect(self._on_data)

    @property
    def can_stop(self) -> bool:
        """Whether the run on show can be stopped from here."""
        run = self.viewmodel.run
        if run is None or not run.is_active:
            return False
        return self._process is not None or trains_here(run.pid, run.folder)

    def open(self) -> None:
        """Start looking at data and recipes: somebody looks at the dock."""
        self._is_open = True
        if self.viewmodel.setup.catalogue is None:
            self._recipes.load()
        setup = self.viewmodel.setup
        if setup.check is None and not setup.is_checking and not setup.check_problem:
            self.check()

    def look_away(self) -> None:
        """Leave data that come from now on alone until somebody looks at the dock again."""
        self._is_open = False

    def check(self) -> None:
        """Look at the data in a thread; the newest request wins."""
        self._forget_check()
        setup = self.viewmodel.setup
        if setup.data is None:
            return
        setup.suggest_l1000(expression_beside(setup.data))
        setup.checking()
        worker = make_worker(_checked_or_sentence, setup.data, setup.screen, setup.l1000)
        worker.returned.connect(self._on_checked)
        worker.errored.connect(self._on_check_broken)
        self._worker = worker
        worker.start()

    def estimate(self) -> None:
        """Ask what the training that is filled in would take."""
        try:
            self.estimator.start()
        except TideError as error:
            self.problem.emit(str(error))

    def start(self) -> None:
        """Start what is filled in; what keeps it from starting is said."""
        try:
            self._start(self._handed_over())
        except TideError as error:
            self.problem.emit(str(error))

    def command_to_copy(self) -> str:
        """Give the command that trains what is filled in; empty where that cannot be said."""
        try:
            return self._handed_over().command()
        except TideError as error:
            self.problem.emit(str(error))
            return ""

    def resume(self) -> None:
        """Go on with the run on show from its last checkpoint."""
        run = self.viewmodel.run
        try:
            if run is not None and trains_here(run.pid, run.folder):
                self.problem.emit(f"{run.folder} is being trained already; wait, or stop it first")
                return
            self._start(self.viewmodel.resume_request())
        except TideError as error:
            self.problem.emit(str(error))

    def attach(self, folder: Path) -> None:
        """Show a run by its folder."""
        try:
            run = self.viewmodel.attach(folder)
        except TideError as error:
            self.problem.emit(str(error))
            return
        self.problem.emit("")
        run.look(now_s=time.time())
        self._watch(_ATTACHED_MS)

    def stop(self) -> None:
        """Ask the training to save and end; it is ended by force when it does not answer."""
        run = self.viewmodel.run
        if run is None:
            return
        if self._process is not None:
            self._process.ask_to_stop()
            self._stop_asked_s = time.monotonic()
            run.stop_asked()
        elif run.pid is not None and trains_here(run.pid, run.folder):
            stop_elsewhere(run.pid)

    def stop_now(self) -> None:
        """End the training and everything it started, at once."""
        if self._process is not None:
            self._process.kill()
            self.look()

    def let_go(self) -> None:
        """Leave the child to train on without us."""
        self._unwatch()
        if self._process is not None:
            self._process.let_go()
            self._process = None

    def look(self) -> None:
        """Bring what the run said since the last look."""
        run, process = self.viewmodel.run, self._process
        if run is None:
            self._unwatch()
        elif process is None:
            run.look(now_s=time.time())
            if not run.is_active:
                self._unwatch()
        else:
            end = process.end()  # asked before reading, so that the last words are not missed
            run.take_lines(process.read_lines())
            if end is not None:
                self._on_end(end)
            elif self._has_waited_enough():
                run.log.add("the training did not answer the stop, so it was ended")
                self.stop_now()

    def close(self) -> None:
        """Forget workers and timers; a child that still trains is left to train."""
        self._forget_check()
        self._recipes.cancel()
        self.estimator.cancel()
        self.let_go()

    def _handed_over(self) -> TrainingRequest:
        """Give the request; a screen that was changed here is written out for it."""
        request, screen = self.viewmodel.setup.request(), self.viewmodel.setup.screen
        if request.allows_outside and screen is not None:
            save_screen(screen, request.data)
        return request

    def _start(self, request: TrainingRequest) -> None:
        self.estimator.cancel()
        process = TrainingProcess(request, command=self.command)
        process.start()
        self._process, self._stop_asked_s = process, None
        self.problem.emit("")
        self.viewmodel.begin(request)
        self._watch(_OWN_MS)

    def _on_end(self, end: ChildEnd) -> None:
        self._process = None
        self._unwatch()
        assert self.viewmodel.run is not None
        self.viewmodel.run.ended(end)
        self.ended.emit()

    def _has_waited_enough(self) -> bool:
        if self._stop_asked_s is None:
            return False
        assert self.viewmodel.run is not None
        return time.monotonic() - self._stop_asked_s > self.viewmodel.run.patience_s

    def _watch(self, interval_ms: int) -> None:
        if self._timer is None:
            self._timer = QTimer()
            self._timer.timeout.connect(self.look)
        self._timer.start(interval_ms)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    def _on_data(self) -> None:
        self._forget_check()
        if self._is_open:
            self.check()

    def _forget_check(self) -> None:
        if self._worker is not None:
            self._worker.returned.disconnect(self._on_checked)
            self._worker.errored.disconnect(self._on_check_broken)
            self._worker = None

    def _on_checked(self, found: DataCheck | str) -> None:
        self._worker = None
        if isinstance(found, str):
            self.viewmodel.setup.check_failed(found)
        else:
            self.viewmodel.setup.checked(found)

    def _on_check_broken(self, error: Exception) -> None:
        """Say what broke; napari keeps the traceback in its notifications."""
        self._worker = None
        said = f"{type(error).__name__}: {error}; the notification has the details"
        self.viewmodel.setup.check_failed(said)


def _checked_or_sentence(
    path: Path, screen: Screen | None, l1000: Sequence[Path]
) -> DataCheck | str:
    """Give a user's own mistake back as its sentence: no fault of the program, no traceback."""
    try:
        return check_data(path, screen, l1000)
    except TideError as error:
        return str(error)
