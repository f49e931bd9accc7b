"""The order in which Tab goes through a dock: as one reads it, whatever was built first."""

from __future__ import annotations

from itertools import pairwise

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLayout,
    QScrollArea,
    QSplitter,
    QWidget,
)

_WHOLE = (QComboBox, QAbstractSpinBox, QAbstractItemView)  # what lies inside is not stopped at


def order_focus(page: QWidget) -> None:
    """Let Tab go through a page in the order of its layouts."""
    for before, after in pairwise(focus_stops(page)):
        QWidget.setTabOrder(before, after)


def focus_stops(part: QWidget) -> list[QWidget]:
    """List the controls of a part that Tab stops at."""
    takes_tab = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus)
    own = [part] if takes_tab else []
    if isinstance(part, _WHOLE):
        return own
    return own + [stop for child in _laid_out(part) for stop in focus_stops(child)]


def _laid_out(part: QWidget) -> list[QWidget]:
    if isinstance(part, QScrollArea):
        return [part.widget()] if part.widget() is not None else []
    if isinstance(part, QSplitter):
        return [part.widget(place) for place in range(part.count())]
    layout = part.layout()
    return _widgets_of(layout) if layout is not None else []


def _widgets_of(layout: QLayout) -> list[QWidget]:
    found: list[QWidget] = []
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item.widget() is not None:
            found.append(item.widget())
        elif item.layout() is not None:
            found += _widgets_of(item.layout())
    return found
