"""The Train dock: look at the data, choose a recipe, train, watch, use the student."""

from __future__ import annotations

import platform
from pathlib import Path

import napari
from napari.utils.events import Event
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QGuiApplication, QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QFrame,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_tide import __version__
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.closing_guard import ClosingGuard
from napari_tide._napari.widgets.focus_order import order_focus
from napari_tide._napari.widgets.status_line import StatusLine
from napari_tide._napari.widgets.training_run_view import TrainingRunView
from napari_tide._napari.widgets.training_setup_view import TrainingSetupView
from napari_tide.errors import ScreenMissingError, TideError
from napari_tide.screens.sample_data import sample_folder

_WIDTH_PX = 330


class TrainingDock(QWidget):
    """A view of the viewer's `TrainingViewModel`; keeps no state of its own."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        desk = desk_of(viewer)
        self._driver, self._viewmodel = desk.training, desk.training.viewmodel
        self._opener, self._session = desk.opener, desk.session
        self._tab: QDockWidget | None = None
        self.setup = TrainingSetupView(self._viewmodel, self)
        self.run = TrainingRunView(self._viewmodel, self)
        self._attach = QPushButton("Attach to run…", self)
        self._attach.setToolTip("Watch a run by its folder, also one of another machine")
        self.status = StatusLine(self)
        # napari would fill up the dock below a widget that does not stretch
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._build_layout()
        self._connect()
        self.run.curves.set_theme(viewer.theme)
        viewer.events.theme.connect(self._on_theme)
        self._show_page()

    def sizeHint(self) -> QSize:
        """Ask for the width the other docks have."""
        hint = super().sizeHint()
        hint.setWidth(max(hint.width(), _WIDTH_PX))
        return hint

    def showEvent(self, event: QShowEvent) -> None:
        """Look at data and recipes, and guard the window, once the dock is seen in it."""
        super().showEvent(event)
        self._driver.open()
        ClosingGuard.watch(self, self._driver)
        tab = self.parentWidget()
        if isinstance(tab, QDockWidget) and tab is not self._tab:
            self._tab = tab
            tab.visibilityChanged.connect(self._on_tab)

    def hideEvent(self, event: QHideEvent) -> None:
        """Leave new data alone while the dock is closed."""
        super().hideEvent(event)
        self._driver.look_away()

    def _on_tab(self, is_in_front: bool) -> None:  # noqa: FBT001 - a Qt slot
        """Leave new data alone behind another tab: checking takes time from a first well."""
        if is_in_front:
            self._driver.open()
        else:
            self._driver.look_away()

    def _build_layout(self) -> None:
        self._pages = QStackedWidget(self)
        for page in (self.setup, self.run):
            area = QScrollArea(self)
            area.setWidget(page)
            area.setWidgetResizable(True)
            area.setFrameShape(QFrame.Shape.NoFrame)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the focus of its page
            self._pages.addWidget(area)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(self._pages, 1)
        column.addWidget(self.status)
        column.addWidget(self._attach)
        order_focus(self)

    def _connect(self) -> None:
        self.setup.start_asked.connect(self._driver.start)
        self.setup.estimate_asked.connect(self._driver.estimate)
        self.setup.cancel_asked.connect(self._driver.estimator.cancel)
        self.setup.copy_asked.connect(self._copy_command)
        self.setup.sample_asked.connect(self._open_sample)
        self.run.stop_asked.connect(self._driver.stop)
        self.run.stop_now_asked.connect(self._driver.stop_now)
        self.run.resume_asked.connect(self._driver.resume)
        self.run.new_asked.connect(self._leave_run)
        self.run.compare_asked.connect(self._choose_comparison)
        self._attach.clicked.connect(self._choose_run)
        self._viewmodel.run_replaced.connect(self._show_page)
        self._viewmodel.state_changed.connect(self._on_state)
        self._driver.problem.connect(self._show_problem)

    def _show_page(self) -> None:
        run = self._viewmodel.run
        self._pages.setCurrentIndex(0 if run is None else 1)
        if run is not None:  # a run that is followed tells its process after its state
            run.changed.connect(self._refresh_can_stop, unique=True)
        self._on_state(self._viewmodel.state)

    def _on_state(self, state: str) -> None:
        del state
        run = self._viewmodel.run
        self._refresh_can_stop()
        self._attach.setVisible(not self._viewmodel.is_training)
        self._show_problem(run.problem if run is not None else "")

    def _refresh_can_stop(self) -> None:
        self.run.set_can_stop(self._driver.can_stop)

    def _show_problem(self, problem: str) -> None:
        self.status.set_problem(problem, details=self._details(problem))

    def _details(self, problem: str) -> str:
        run = self._viewmodel.run
        lines = [
            problem,
            f"run: {run.folder} ({run.name}, {run.state})" if run else "no run is on show",
            *(run.log.lines[-20:] if run else ()),
            f"napari-tide {__version__}, napari {napari.__version__}",
            f"Python {platform.python_version()}, {platform.platform()}",
        ]
        return "\n".join(lines)

    def _on_theme(self, event: Event) -> None:
        self.run.curves.set_theme(event.value)

    def _leave_run(self) -> None:
        try:
            self._viewmodel.leave_run()
        except TideError as error:
            self._show_problem(str(error))

    def _copy_command(self) -> None:
        command = self._driver.command_to_copy()
        if command:
            QGuiApplication.clipboard().setText(command)

    def _choose_run(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Attach to a run's folder")
        if folder:
            self._driver.attach(Path(folder))

    def _choose_comparison(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Compare with a run's folder")
        if folder:
            try:
                self._viewmodel.compare_with(Path(folder))
            except TideError as error:
                self._show_problem(str(error))

    def _open_sample(self) -> None:
        try:
            self._opener.open(sample_folder())
        except ScreenMissingError as error:
            self._show_problem(str(error))
