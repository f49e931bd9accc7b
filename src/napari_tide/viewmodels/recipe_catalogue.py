"""The recipes a user can choose from, and the devices they can run on.

Read from a child process's JSON, so that napari itself need not load what training needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from napari_tide.viewmodels.recipe_form import FormField, form_fields

Reads = Literal["tiles", "profiles"]
_TOYS, _ABLATION = "debug_", "Ablation of "


class Device(BaseModel):
    """Something to train on: ``"cpu"``, ``"cuda:0"``, ``"mps"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str


class RecipeEntry(BaseModel):
    """A recipe: what it does, what it needs, and its settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    summary: str
    reads: Reads
    needs_l1000: bool
    config: dict[str, JsonValue]

    @property
    def family(self) -> str:
        """``"recipes"``, ``"small trials"`` or ``"ablations"``."""
        if self.name.startswith(_TOYS):
            return "small trials"
        return "ablations" if self.summary.startswith(_ABLATION) else "recipes"


class RecipeCatalogue(BaseModel):
    """All recipes with the schema of their settings, and the devices of this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings_schema: dict[str, JsonValue]
    recipes: tuple[RecipeEntry, ...]
    devices: tuple[Device, ...]

    def recipe(self, name: str) -> RecipeEntry | None:
        """Give a recipe by name; None where there is none."""
        return next((entry for entry in self.recipes if entry.name == name), None)

    def fields(self, name: str) -> tuple[FormField, ...]:
        """Give a recipe's form."""
        entry = self.recipe(name)
        return form_fields(self.settings_schema, entry.config) if entry else ()

    def by_family(self) -> Mapping[str, list[RecipeEntry]]:
        """Give the recipes in groups, those for real work first."""
        groups: dict[str, list[RecipeEntry]] = {"recipes": [], "small trials": [], "ablations": []}
        for entry in self.recipes:
            groups[entry.family].append(entry)
        return groups
