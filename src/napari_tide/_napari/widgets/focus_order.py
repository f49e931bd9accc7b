"""The order in which Tab goes through a dock: as one reads it, whatever was built first."""

from __future__ import annotations

from itertools import pairwise

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QAbstractSpinBox, QComboBox, QWidget

_WHOLE = (QComboBox, QAbstractSpinBox, QAbstractItemView)  # what lies inside is not stopped at


def order_focus(*parts: QWidget) -> None:
    """Let Tab go through some parts of a dock in this order, and through each as it was built."""
    stops = [stop for part in parts for stop in focus_stops(part)]
    for before, after in pairwise(stops):
        QWidget.setTabOrder(before, after)


def focus_stops(part: QWidget) -> list[QWidget]:
    """List the controls of a part that Tab stops at."""
    takes_tab = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus)
    if isinstance(part, _WHOLE):
        return [part] if takes_tab else []
    direct = part.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    inside = [stop for child in direct if not child.isWindow() for stop in focus_stops(child)]
    return [part, *inside] if takes_tab else inside
