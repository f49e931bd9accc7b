"""Connections of a widget to viewmodels, which outlive it, taken back when it is destroyed."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakMethod

from psygnal import SignalInstance
from qtpy.QtCore import QObject


class Connections:
    """Connects viewmodel signals to a widget's methods until the widget is destroyed.

    A Python object may live on after its Qt half is gone; a signal that still reached it would end
    in an error the user cannot do anything about.
    """

    def __init__(self, owner: QObject) -> None:
        self._made: list[tuple[SignalInstance, WeakMethod[Callable[..., object]]]] = []
        owner.destroyed.connect(self.release)

    def connect(self, signal: SignalInstance, method: Callable[..., object]) -> None:
        """Call a method of the widget on a signal."""
        signal.connect(method)
        self._made.append((signal, WeakMethod(method)))

    def release(self) -> None:
        """Call nothing any more."""
        for signal, reference in self._made:
            method = reference()
            if method is not None:
                signal.disconnect(method, missing_ok=True)
        self._made.clear()
