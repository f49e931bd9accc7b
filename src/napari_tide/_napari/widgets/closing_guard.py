"""Asking what becomes of a training when napari is closed meanwhile."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMainWindow, QMessageBox, QWidget

from napari_tide._napari.training_driver import TrainingDriver

Choice = Literal["save", "keep", "cancel"]


class ClosingGuard(QObject):
    """Watches a main window; one a window, whatever becomes of the dock."""

    def __init__(self, driver: TrainingDriver, window: QMainWindow) -> None:
        super().__init__(window)
        self._driver = driver
        self._is_closing_after_save = False
        window.installEventFilter(self)
        driver.ended.connect(self._on_ended)

    @classmethod
    def watch(cls, widget: QWidget, driver: TrainingDriver) -> ClosingGuard | None:
        """Guard the main window a widget stands in; None where it stands in none."""
        window: QWidget | None = widget
        while window is not None and not isinstance(window, QMainWindow):
            window = window.parentWidget()
        if window is None:
            return None
        known = window.findChild(cls)
        return known or cls(driver, window)

    def ask(self) -> Choice:
        """Ask the user; the only question this plugin stops for."""
        box = QMessageBox(self.parent())
        box.setWindowTitle("Still training")
        box.setText("A training is running.")
        box.setInformativeText(
            "Stop it and save a student, or let it train on? A run that trains on is shown again "
            "by Attach to run… in the Train dock."
        )
        save = box.addButton("Stop and save", QMessageBox.ButtonRole.AcceptRole)
        keep = box.addButton("Keep training", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.exec()
        clicked = box.clickedButton()
        box.deleteLater()
        return "save" if clicked is save else "keep" if clicked is keep else "cancel"

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hold a window back from closing until it is known what becomes of the training."""
        if event.type() != QEvent.Type.Close or watched is not self.parent():
            return False
        if not self._driver.viewmodel.is_training:
            self._driver.close()
            return False
        choice = self.ask()
        if choice == "keep":
            self._driver.close()
            return False
        if choice == "save":
            self._is_closing_after_save = True
            self._driver.stop()
        event.ignore()
        return True

    def _on_ended(self) -> None:
        if self._is_closing_after_save:
            self._is_closing_after_save = False
            window = self.parent()
            if isinstance(window, QMainWindow):
                window.close()
