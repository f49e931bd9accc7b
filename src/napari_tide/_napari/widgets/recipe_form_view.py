"""The settings of a recipe as a form: those most users change first, the rest folded away."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from magicgui.widgets import CheckBox, ComboBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_tide._napari.widgets.folded_part import FoldedPart
from napari_tide.viewmodels.recipe_form import FormField, preset_keys
from napari_tide.viewmodels.training_setup import TrainingSetup

_MOST = 2**31 - 1
_TOP = "General"
_TITLES_PX = 118


class FieldControl:
    """One setting's control; writes what a user does to the form's state."""

    def __init__(self, field: FormField, setup: TrainingSetup) -> None:
        self.field, self._setup = field, setup
        self.widget = _widget(field)
        self.show()
        self.widget.changed.connect(self._on_changed)

    def show(self) -> None:
        """Show the value the form has, unless what was typed is being mended."""
        if self._setup.fault(self.field.key):
            return
        value = self._setup.value(self.field.key)
        shown = self.field.show(value) if isinstance(self.widget, LineEdit) else value
        with self.widget.changed.blocked():
            if not isinstance(self.widget, LineEdit) or not self._says(value):
                self.widget.value = shown

    def _says(self, value: object) -> bool:
        """Tell whether the text already means the value, so that typing is not disturbed."""
        text = str(self.widget.value)
        if text.strip() == self.field.show(value):
            return True
        try:
            return bool(self.field.read(text) == value)
        except ValueError:
            return False

    def _on_changed(self, value: object) -> None:
        if isinstance(self.widget, LineEdit):
            self._setup.set_text(self.field.key, str(value))
        else:
            self._setup.set_value(self.field.key, value)


class RecipeFormView(QWidget):
    """Builds the chosen recipe's form anew when another recipe is chosen."""

    built = Signal()

    def __init__(self, setup: TrainingSetup, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setup = setup
        self._recipe = ""
        self._controls: dict[str, FieldControl] = {}
        self._page: QWidget | None = None
        self._more: FoldedPart | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        setup.recipe_changed.connect(self._rebuild)
        setup.form_changed.connect(self._refresh)
        self._rebuild()

    def value(self) -> tuple[str, ...]:
        """Give the settings that differ from the recipe."""
        return self._setup.settings

    def control(self, key: str) -> FieldControl:
        """Give a setting's control; unfolds the rest of the form where it stands there."""
        if key not in self._controls:
            self._fill_more()
        return self._controls[key]

    @property
    def more(self) -> FoldedPart | None:
        """The folded part."""
        return self._more

    def _rebuild(self) -> None:
        recipe = self._setup.recipe
        if recipe is None or recipe.name == self._recipe:
            return
        self._recipe, self._controls = recipe.name, {}
        if self._page is not None:
            self._page.setParent(None)
            self._page.deleteLater()
        self._page = QWidget(self)
        column = QVBoxLayout(self._page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        first = set(preset_keys(recipe.config))
        column.addWidget(self._form([field for field in self._setup.fields if field.key in first]))
        self._more = FoldedPart("More settings", self._page)
        self._more.toggled.connect(self._on_toggled)
        column.addWidget(self._more)
        self.layout().addWidget(self._page)
        self.built.emit()

    def _on_toggled(self, is_open: bool) -> None:  # noqa: FBT001 - a Qt signal
        if is_open:
            self._fill_more()

    def _fill_more(self) -> None:
        """Build the folded part when it is first needed: it has some seventy controls."""
        rest = [field for field in self._setup.fields if field.key not in self._controls]
        if not rest or self._more is None:
            return
        by_group = sorted(rest, key=_group_of)
        for group, fields in groupby(by_group, key=_group_of):
            self._more.addWidget(QLabel(f"<b>{group or _TOP}</b>"))
            self._more.addWidget(self._form(list(fields)))
        if self._more.isExpanded():
            self._more.unfold()
        self.built.emit()

    def _form(self, fields: Sequence[FormField]) -> QWidget:
        page = QWidget(self)
        form = QFormLayout(page)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(4)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in fields:
            control = FieldControl(field, self._setup)
            self._controls[field.key] = control
            title = QLabel(field.title, page)
            title.setToolTip(_help(field))
            title.setWordWrap(True)
            title.setFixedWidth(_TITLES_PX)
            control.widget.native.setAccessibleName(field.title)
            form.addRow(title, control.widget.native)
        return page

    def _refresh(self) -> None:
        for control in self._controls.values():
            control.show()


def _group_of(field: FormField) -> str:
    return field.group


def _widget(field: FormField) -> ValueWidget:
    about = {"name": field.key, "tooltip": _help(field)}
    if field.kind == "flag":
        return CheckBox(text="", **about)
    if field.kind == "choice":
        return ComboBox(choices=[(choice or "no", choice) for choice in field.choices], **about)
    if field.kind == "whole" and not field.is_optional:
        low = int(field.minimum or 0)
        high = _MOST if field.maximum is None else int(field.maximum)
        return SpinBox(value=low, min=low, max=high, **about)
    return LineEdit(**about)


def _help(field: FormField) -> str:
    parts = [field.help or field.title]
    default = field.show(field.default)
    parts.append(f"the recipe says {default}" if default else "the recipe leaves it open")
    return f"{'; '.join(parts)} ({field.key})"
