"""The Hits dock: ask, look through the answer, star, export."""

from __future__ import annotations

import platform
from pathlib import Path

import napari
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QShortcut,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_tide import __version__
from napari_tide._napari.connections import Connections
from napari_tide._napari.hits_desk import hits_of
from napari_tide._napari.plugin_preferences import start_of
from napari_tide._napari.widgets.focus_order import order_focus
from napari_tide._napari.widgets.hit_detail_view import HitDetailView
from napari_tide._napari.widgets.hit_query_view import HitQueryView
from napari_tide._napari.widgets.hit_table_view import HitTableView
from napari_tide._napari.widgets.status_line import StatusLine

_PROFILES = "Profiles (*.parquet *.csv *.csv.gz *.tsv *.tsv.gz);;All files (*)"
_LISTS = "Hit lists (*.csv);;Parquet (*.parquet)"
_NO_PROFILES = (
    "<p style='font-size: large'><b>No profiles to search yet</b></p>"
    "<p>Run the plate in the <b>Plate</b> dock,<br>or open profiles made before.</p>"
)
_NO_HITS = (
    "<p style='font-size: large'><b>Nothing asked yet</b></p>"
    "<p>Type a gene above and press Enter,<br>or choose another kind of question.</p>"
)


class HitsDock(QWidget):
    """A view of the viewer's `HitsViewModel`; keeps no state of its own."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hits = hits_of(viewer)
        self._connections = Connections(self)
        self._build_controls()
        self._build_layout()
        self._connect()
        self._refresh_all()

    def open_profiles(self, path: Path) -> None:
        """Read profiles in the background."""
        self._hits.open_profiles(path)

    @property
    def query(self) -> HitQueryView:
        """The question."""
        return self._query

    @property
    def table(self) -> HitTableView:
        """The answer."""
        return self._table

    @property
    def detail(self) -> HitDetailView:
        """The hit that is looked at."""
        return self._detail

    @property
    def status(self) -> StatusLine:
        """The line for what is under way and what went wrong."""
        return self._status

    def _build_controls(self) -> None:
        self._open = _button("Open profiles…", "Search a profile table (Parquet, CSV) made before")
        self._open_first = _button("Open profiles…", "Search a profile table made before")
        self._open_first.setMinimumWidth(160)
        self._loaded = QLabel(self)
        self._query = HitQueryView(self._hits, self)
        self._min_score = QDoubleSpinBox(self)
        self._min_score.setRange(0, 10)
        self._min_score.setSingleStep(0.05)
        self._min_score.setPrefix("Score ≥ ")
        self._min_score.setSpecialValueText("Any score")
        self._min_score.setAccessibleName("Smallest score")
        self._min_score.setToolTip("Leave out rows whose score is smaller, either way")
        self._starred = QCheckBox("Starred only", self)
        self._starred.setToolTip("Leave out what is not starred")
        self._said = QLabel(self)
        self._said.setWordWrap(True)
        self._table = HitTableView(self._hits.list, self)
        self._detail = HitDetailView(self._hits, self)
        self._count = QLabel(self)
        self._export = _button("Export CSV…", "Write the rows on show, or the starred of them")
        menu = QMenu(self._export)
        self._export_all = menu.addAction("All rows on show…")
        self._export_starred = menu.addAction("Starred rows…")
        self._export.setMenu(menu)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setMaximumHeight(8)
        self._cancel = _button("Cancel", "Stop; the list on show stays")
        self._status = StatusLine(self)
        self._find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        self._find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _build_layout(self) -> None:
        filters, foot, opening, working = (QHBoxLayout() for _ in range(4))
        opening.addWidget(self._loaded, 1)
        opening.addWidget(self._open)
        filters.addWidget(self._min_score)
        filters.addWidget(self._starred, 1)
        foot.addWidget(self._count, 1)
        foot.addWidget(self._export)
        working.addWidget(self._bar, 1)
        working.addWidget(self._cancel)
        answer = QWidget(self)
        column = _column(answer)
        column.addWidget(self._said)
        column.addLayout(filters)
        column.addWidget(self._table, 1)
        column.addWidget(self._detail)
        column.addLayout(foot)
        self._pages = QStackedWidget(self)
        # napari pads docks in which nothing expands
        self._pages.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._pages.addWidget(_page(_NO_PROFILES, self._open_first))
        self._pages.addWidget(_page(_NO_HITS))
        self._pages.addWidget(answer)
        page = QVBoxLayout(self)
        page.setSpacing(8)
        page.addLayout(opening)
        page.addWidget(self._query)
        page.addWidget(self._pages, 1)
        page.addLayout(working)
        page.addWidget(self._status)
        order_focus(self)

    def _connect(self) -> None:
        self._open.clicked.connect(self._choose_profiles)
        self._open_first.clicked.connect(self._choose_profiles)
        self._query.asked.connect(self._hits.ask)
        self._min_score.valueChanged.connect(self._hits.list.keep_scores_from)
        self._starred.toggled.connect(self._hits.list.show_starred_only)
        self._export_all.triggered.connect(self._choose_export)
        self._export_starred.triggered.connect(self._choose_starred_export)
        self._cancel.clicked.connect(self._hits.cancel)
        self._find.activated.connect(self._query.focus_query)
        connect = self._connections.connect
        connect(self._hits.profiles_changed, self._refresh_page)
        connect(self._hits.story_changed, self._refresh_page)
        connect(self._hits.list.changed, self._refresh_count)
        connect(self._hits.list.notes_changed, self._refresh_count)
        connect(self._hits.busy_changed, self._refresh_busy)
        connect(self._hits.problem_changed, self._refresh_problem)

    def _refresh_all(self) -> None:
        self._min_score.setValue(self._hits.list.min_score)
        self._starred.setChecked(self._hits.list.is_starred_only)
        self._refresh_page()
        self._refresh_count()
        self._refresh_busy()
        self._refresh_problem()

    def _refresh_page(self) -> None:
        profiles, story = self._hits.session.profiles, self._hits.story
        is_empty = profiles is None and story is None
        self._pages.setCurrentIndex(2 if story else 0 if is_empty else 1)
        self._open.setVisible(not is_empty)
        self._query.setVisible(not is_empty)
        self._loaded.setText(self._in_words() if not is_empty else "")
        if story is not None:
            said = story.question.in_words()
            notes = "".join(f"\n⚠ {note}" for note in story.warnings)
            self._said.setText(f"{said[0].upper()}{said[1:]}{notes}")
            self._said.setToolTip(f"{story.n_tested} tests; {story.null_reason}")

    def _in_words(self) -> str:
        profiles = self._hits.session.profiles
        if profiles is None:
            return "No profiles are open"
        unit = f"{profiles.level}s" if profiles.level != "tile" else "tiles"
        return f"{len(profiles):,} {unit} to search"

    def _refresh_count(self) -> None:
        hits = self._hits.list
        shown, listed = len(hits.shown), len(hits.rows)
        count = f"{shown:,} of {listed:,} hits" if shown != listed else f"{listed:,} hits"
        self._count.setText(f"{count}, {hits.n_starred} starred" if hits.n_starred else count)
        self._export.setEnabled(shown > 0)
        self._export_starred.setEnabled(hits.n_starred > 0)

    def _refresh_busy(self) -> None:
        busy, (done, total) = self._hits.busy, self._hits.progress
        self._status.set_busy(busy)
        self._bar.setVisible(bool(busy))
        self._cancel.setVisible(bool(busy))
        self._cancel.setEnabled(busy != "cancelling…")
        self._bar.setRange(0, total)
        self._bar.setValue(done)

    def _refresh_problem(self) -> None:
        problem = self._hits.problem
        self._status.set_problem(problem, details=self._details() if problem else "")

    def _details(self) -> str:
        session, question = self._hits.session, self._hits.question
        lines = [
            self._hits.problem,
            f"question: {question.model_dump_json()}",
            f"profiles: {self._in_words()}",
            f"student: {session.student}" if session.student else "no student is chosen",
            f"screen: {session.screen.source}" if session.screen else "no screen is open",
            f"napari-tide {__version__}, napari {napari.__version__}",
            f"Python {platform.python_version()}, {platform.platform()}",
        ]
        return "\n".join(lines)

    def _choose_profiles(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Open profiles", "", _PROFILES)
        if file:
            self.open_profiles(Path(file))

    def _choose_export(self) -> None:
        self._export_to(starred_only=False)

    def _choose_starred_export(self) -> None:
        self._export_to(starred_only=True)

    def _export_to(self, *, starred_only: bool) -> None:
        file, _ = QFileDialog.getSaveFileName(
            self, "Export hits", start_of("exports", "hits.csv"), _LISTS
        )
        if file:
            path = Path(file) if Path(file).suffix else Path(f"{file}.csv")
            self._hits.export(path, starred_only=starred_only)


def _page(text: str, button: QPushButton | None = None) -> QWidget:
    page = QWidget()
    label = QLabel(text, page)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    column = _column(page)
    column.addStretch(1)
    column.addWidget(label)
    if button is not None:
        column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
    column.addStretch(2)
    return page


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    return column


def _button(text: str, help_text: str) -> QPushButton:
    button = QPushButton(text)
    button.setMinimumHeight(28)
    button.setToolTip(help_text)
    return button
