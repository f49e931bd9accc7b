"""What a user fills in before a training: data, L1000, recipe, device, output, settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from psygnal import Signal

from napari_tide.errors import TideError, TrainValueError
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.data_check import DataCheck
from napari_tide.viewmodels.followed_run import CONFIG
from napari_tide.viewmodels.recipe_catalogue import RecipeCatalogue, RecipeEntry
from napari_tide.viewmodels.recipe_form import FormField, overrides
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.training_request import TrainingRequest

RUNS_FOLDER = "tide_runs"
_PREFERRED = {"tiles": "tide", "profiles": "tide_features"}
SCREEN_TABLE = "screen.parquet"


class TrainingSetup:
    """The form of the Train dock; checks what can be checked without reading a file."""

    data_changed = Signal()
    check_changed = Signal()
    recipe_changed = Signal()
    form_changed = Signal()
    output_changed = Signal()
    device_changed = Signal()

    def __init__(self, session: Session, *, home: Path | None = None) -> None:
        self.session = session
        self.catalogue: RecipeCatalogue | None = None
        self.check: DataCheck | None = None
        self.check_problem = ""
        self.is_checking = False
        self._chosen_data: Path | None = None
        self._l1000: tuple[Path, ...] = ()
        self._is_l1000_chosen = False
        self._recipe = ""
        self._is_recipe_chosen = False
        self._device = ""
        self._home = Path.home() if home is None else home
        self._out: Path | None = None
        self._values: dict[str, object] = {}
        self._faults: dict[str, str] = {}
        session.events.screen.connect(self._on_screen)

    @property
    def screen(self) -> Screen | None:
        """The open screen, where that is what will be trained on."""
        return None if self._chosen_data is not None else self.session.screen

    @property
    def data(self) -> Path | None:
        """Where the data lie."""
        if self._chosen_data is not None:
            return self._chosen_data
        return Path(self.session.screen.source) if self.session.screen else None

    @property
    def l1000(self) -> tuple[Path, ...]:
        """The expression files."""
        return self._l1000

    def choose_data(self, path: Path | None) -> None:
        """Train on a pack, a table of profiles or another screen; None takes the open screen."""
        if path != self._chosen_data:
            self._chosen_data = path
            self._forget_check()

    def choose_l1000(self, paths: Iterable[Path]) -> None:
        """Give expression files; none is fine for recipes that learn without."""
        chosen = tuple(paths)
        self._is_l1000_chosen = True
        if chosen != self._l1000:
            self._l1000 = chosen
            self._forget_check()

    def suggest_l1000(self, paths: Iterable[Path]) -> None:
        """Take expression files found beside the data, unless the user has chosen or cleared."""
        if not self._l1000 and not self._is_l1000_chosen:
            self._l1000 = tuple(paths)

    def checking(self) -> None:
        """Say that the data are being looked at."""
        self.is_checking, self.check_problem = True, ""
        self.check_changed.emit()

    def checked(self, check: DataCheck) -> None:
        """Take what was found in the data."""
        self.is_checking, self.check, self.check_problem = False, check, ""
        if not self._is_recipe_chosen:
            self._prefer_recipe(check)
        self.check_changed.emit()

    def check_failed(self, problem: str) -> None:
        """Take the sentence that says why the data cannot be read."""
        self.is_checking, self.check, self.check_problem = False, None, problem
        self.check_changed.emit()

    @property
    def recipe(self) -> RecipeEntry | None:
        """The chosen recipe."""
        return self.catalogue.recipe(self._recipe) if self.catalogue else None

    @property
    def fields(self) -> tuple[FormField, ...]:
        """The chosen recipe's settings."""
        return self.catalogue.fields(self._recipe) if self.catalogue else ()

    @property
    def settings(self) -> tuple[str, ...]:
        """What differs from the recipe."""
        return overrides({field.key: field for field in self.fields}, self._values)

    @property
    def device(self) -> str:
        """What to train on."""
        return self._device

    def set_catalogue(self, catalogue: RecipeCatalogue) -> None:
        """Take the recipes and devices of this installation."""
        self.catalogue = catalogue
        if catalogue.devices and not self._device:
            self._device = catalogue.devices[0].id
        if not self._recipe:
            self._recipe = _PREFERRED["tiles"]
            if catalogue.recipe(self._recipe) is None and catalogue.recipes:
                self._recipe = catalogue.recipes[0].name
            if self.check is not None:
                self._prefer_recipe(self.check)
        self.recipe_changed.emit()
        self.form_changed.emit()
        self.output_changed.emit()  # the folder is named for the recipe

    def choose_recipe(self, name: str) -> None:
        """Choose a recipe; settings go back to what it says."""
        self._is_recipe_chosen = True
        self._set_recipe(name)

    def choose_device(self, device: str) -> None:
        """Choose what to train on."""
        if device != self._device:
            self._device = device
            self.device_changed.emit()

    def value(self, key: str) -> object:
        """Give a setting's value."""
        field = self._field(key)
        return self._values.get(key, field.default)

    def fault(self, key: str) -> str:
        """Say what is wrong with what was typed for a setting; empty when nothing is."""
        return self._faults.get(key, "")

    def set_value(self, key: str, value: object) -> None:
        """Change a setting; the recipe's own value takes the change back."""
        field = self._field(key)
        self._faults.pop(key, None)
        self._values.pop(key, None)
        if value != field.default:
            self._values[key] = value
        self.form_changed.emit()

    def set_text(self, key: str, text: str) -> None:
        """Change a setting as typed; what cannot be understood is kept as its fault."""
        field = self._field(key)
        if text.strip() == field.show(field.default):
            self.set_value(key, field.default)
            return
        try:
            value = field.read(text)
        except TideError as error:
            self._faults[key] = str(error)
            self.form_changed.emit()
        else:
            self.set_value(key, value)

    @property
    def out(self) -> Path:
        """Folder of the run: the user's, else a new one under the home folder."""
        return self._out or self.suggested_out(datetime.now())

    def suggested_out(self, now: datetime) -> Path:
        """Give a folder named for recipe and minute."""
        return self._home / RUNS_FOLDER / f"{self._recipe or 'run'}_{now:%Y-%m-%d_%H%M}"

    def choose_out(self, folder: Path | None) -> None:
        """Choose the run's folder; None goes back to the suggestion."""
        self._out = folder
        self.output_changed.emit()

    def blockers(self) -> list[str]:
        """Say what keeps a training from starting, the first thing to do first."""
        return [text for text in self._blockers() if text]

    def request(self) -> TrainingRequest:
        """Give the training as filled in.

        Raises
        ------
        TrainValueError
            Something is missing.
        """
        blockers = self.blockers()
        if blockers:
            raise TrainValueError(blockers[0])
        assert self.check is not None
        out = self.out
        is_as_on_disk = self.check.is_as_on_disk
        return TrainingRequest(
            recipe=self._recipe,
            data=self.check.path if is_as_on_disk else out / SCREEN_TABLE,
            out=out,
            l1000=self._l1000,
            settings=self.settings,
            device=self._device,
            allows_outside=not is_as_on_disk,
        )

    def state(self) -> Mapping[str, object]:
        """Give what is needed to fill the form in again."""
        return {
            "data": str(self._chosen_data or ""),
            "l1000": [str(path) for path in self._l1000],
            "recipe": self._recipe,
            "device": self._device,
            "settings": dict(self._values),
        }

    def _blockers(self) -> Iterable[str]:
        if self.data is None:
            yield "open a screen in the Plate dock, or choose data"
            return
        yield self.check_problem
        if self.check is None:
            yield "" if self.check_problem else "the data are being looked at"
            return
        yield from (finding.text for finding in self.check.findings if finding.is_serious)
        recipe = self.recipe
        if recipe is None:
            yield "the recipes are being read"
            return
        reads = "profiles" if self.check.kind == "profiles" else "tiles"
        if recipe.reads != reads:
            found = "profiles" if reads == "profiles" else "images"
            yield (
                f"{recipe.name} reads {'images' if recipe.reads == 'tiles' else 'profiles'} and "
                f"the data are {found}; choose {_PREFERRED[reads]}"
            )
        if recipe.needs_l1000 and not self.check.n_paired:
            yield _without_pairs(recipe.name, has_files=bool(self._l1000))
        yield from self._faults.values()
        if (self.out / CONFIG).is_file():
            yield f"{self.out} holds a run already; choose another folder, or attach to it"

    def _on_screen(self, screen: Screen) -> None:
        del screen
        if self._chosen_data is None:
            self._forget_check()

    def _forget_check(self) -> None:
        self.check, self.check_problem, self.is_checking = None, "", False
        self.data_changed.emit()
        self.check_changed.emit()

    def _prefer_recipe(self, check: DataCheck) -> None:
        name = _PREFERRED["profiles" if check.kind == "profiles" else "tiles"]
        if self.catalogue is not None and self.catalogue.recipe(name) is not None:
            self._set_recipe(name)

    def _set_recipe(self, name: str) -> None:
        if name == self._recipe:
            return
        self._recipe, self._values, self._faults = name, {}, {}
        self.recipe_changed.emit()
        self.form_changed.emit()
        self.output_changed.emit()

    def _field(self, key: str) -> FormField:
        found = next((field for field in self.fields if field.key == key), None)
        if found is None:
            message = f"the recipe {self._recipe!r} has no setting {key!r}"
            raise TrainValueError(message)
        return found


def _without_pairs(recipe: str, *, has_files: bool) -> str:
    if has_files:
        return f"{recipe} learns from transcriptomes and none meets these images; see above"
    return (
        f"{recipe} learns from transcriptomes beside the images; choose an L1000 file, or a recipe "
        "that needs none: labels, cl_d or dino"
    )
