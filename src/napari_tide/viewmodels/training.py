"""State of the Train dock: what is filled in, the run on show, and runs to compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from psygnal import Signal

from napari_tide.errors import TrainValueError
from napari_tide.viewmodels.followed_run import CONFIG, FollowedRun, curves_of_run
from napari_tide.viewmodels.run_curves import RunCurves
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.training_estimate import TrainingEstimate
from napari_tide.viewmodels.training_request import TrainingRequest, request_of_run
from napari_tide.viewmodels.training_run import TrainingRun
from napari_tide.viewmodels.training_setup import TrainingSetup

TrainingState = Literal["idle", "checking", "ready", "running", "stopping", "done", "failed"]


class TrainingViewModel:
    """What the Train dock shows.

    The dock asks (`setup` is filled in, `begin`, `attach`); a driver that owns the child process
    brings what happens (`TrainingRun.take_lines`, `TrainingRun.ended`).
    """

    run_replaced = Signal()
    state_changed = Signal(str)
    comparison_changed = Signal()
    student_used = Signal(object)

    def __init__(self, session: Session, *, home: Path | None = None) -> None:
        self.session = session
        self.setup = TrainingSetup(session, home=home)
        self.estimate = TrainingEstimate()
        self.run: TrainingRun | None = None
        self.request: TrainingRequest | None = None
        self.compared: dict[str, RunCurves] = {}
        self._announced: TrainingState = "idle"
        self.setup.check_changed.connect(self._announce)
        self.setup.data_changed.connect(self._announce)
        for signal in (
            self.setup.data_changed,
            self.setup.form_changed,
            self.setup.device_changed,
        ):
            signal.connect(self.estimate.forget)

    @property
    def state(self) -> TrainingState:
        """Where the dock stands."""
        if self.run is not None:
            state = self.run.state
            return "done" if state == "stopped" else state
        if self.setup.is_checking:
            return "checking"
        return "ready" if self.setup.check is not None else "idle"

    @property
    def is_training(self) -> bool:
        """Whether a child of this napari trains now."""
        return self.run is not None and self.run.is_active and not self.run.is_attached

    @property
    def can_resume(self) -> bool:
        """Whether the run on show ended before its last step and left something to go on from."""
        run = self.run
        if run is None or not (run.folder / CONFIG).is_file():
            return False
        is_quiet = run.is_attached and run.state == "running"
        return run.state in ("stopped", "failed") or is_quiet

    def begin(self, request: TrainingRequest) -> TrainingRun:
        """Show a run that is being started; a resumed one keeps its curves."""
        run = TrainingRun(request.out, request.recipe)
        if request.is_resumed:
            before = FollowedRun.open(request.out).news().events
            run.take_events(event for event in before if event["event"] in ("step", "validation"))
        self.request = request
        self._show(run)
        return run

    def attach(self, folder: Path) -> TrainingRun:
        """Show a run by its folder, whoever trains it and wherever.

        Raises
        ------
        RunFormatError
            The folder holds no run.
        """
        followed = FollowedRun.open(folder)
        self.request = request_of_run(folder)
        run = TrainingRun(folder, followed.name, followed=followed)
        self._show(run)
        return run

    def leave_run(self) -> None:
        """Go back to the form; a run that is only followed is let go of."""
        if self.is_training:
            message = "stop the training before another is set up"
            raise TrainValueError(message)
        self._show(None)

    def resume_request(self) -> TrainingRequest:
        """Give the request that goes on with the run on show.

        Raises
        ------
        TrainValueError
            It is not known on which data it was started, and none are chosen.
        """
        assert self.run is not None
        if self.request is not None:
            return self.request.resumed()
        setup = self.setup
        if setup.data is None:
            message = (
                f"{self.run.folder} does not say which data it trained on; open the screen it was "
                "started with, then Resume"
            )
            raise TrainValueError(message)
        return TrainingRequest(
            recipe=self.run.name,
            data=setup.data,
            out=self.run.folder,
            l1000=setup.l1000,
            device=setup.device,
            is_resumed=True,
        )

    def compare_with(self, folder: Path) -> None:
        """Show the curves of another run beside this one's.

        Raises
        ------
        RunFormatError
            The folder holds no run.
        """
        self.compared[folder.name] = curves_of_run(folder)
        self.comparison_changed.emit()

    def stop_comparing(self) -> None:
        """Show this run's curves alone."""
        self.compared.clear()
        self.comparison_changed.emit()

    def use_student(self) -> None:
        """Make the run's student the one all docks use."""
        bundle = self.run.student if self.run is not None else None
        if bundle is not None:
            self.student_used.emit(bundle)  # before the results of the other are put away
            self.session.choose_student(bundle)

    def state_to_save(self) -> Mapping[str, object]:
        """Give what is needed to come back: the form, and the run on show."""
        folder = str(self.run.folder) if self.run is not None else ""
        return {"setup": self.setup.state(), "run": folder}

    def _show(self, run: TrainingRun | None) -> None:
        if self.run is not None:
            self.run.changed.disconnect(self._announce)
        self.run = run
        self.compared.clear()
        if run is not None:
            run.changed.connect(self._announce)
        self.run_replaced.emit()
        self._announce()

    def _announce(self) -> None:
        state = self.state
        if state != self._announced:
            self._announced = state
            self.state_changed.emit(state)
