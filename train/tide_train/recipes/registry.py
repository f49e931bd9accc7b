"""All recipes by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial

from napari_tide.errors import TrainValueError
from tide_train.recipes import debug, pixels, tables
from tide_train.recipes.ablations import CHANGES, ablation
from tide_train.recipes.scfm import NAME, scfm
from tide_train.run_config import RunConfig

Recipe = Callable[[], RunConfig]

_FUNCTIONS: tuple[Recipe, ...] = (
    pixels.tide,
    pixels.tide_plus,
    pixels.dino,
    pixels.mae,
    pixels.labels,
    pixels.cl_d,
    pixels.cl_d_dino,
    pixels.cl_r,
    pixels.cl_r_dino,
    pixels.cl_soft,
    pixels.sample_student,
    tables.tide_features,
    tables.tide_features_rna_teacher,
    tables.tide_plus_features,
    tables.semi_clipped,
    debug.debug_tide,
    debug.debug_tide_plus,
    debug.debug_dino,
    debug.debug_mae,
    debug.debug_labels,
    debug.debug_cl_d,
    debug.debug_cl_d_dino,
    debug.debug_cl_r,
    debug.debug_cl_r_dino,
    debug.debug_cl_soft,
    debug.debug_tide_features,
    debug.debug_semi_clipped,
)
RECIPES: dict[str, Recipe] = {
    **{function.__name__: function for function in _FUNCTIONS},
    **{name: partial(ablation, name) for name in CHANGES},
}


def find_recipe(name: str) -> RunConfig:
    """Give a recipe's configuration.

    Raises
    ------
    TrainValueError
        There is no such recipe.
    """
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f". Available: {sorted(RECIPES)}"
        message = f"there is no recipe {name!r}{hint}"
        raise TrainValueError(message)
    return RECIPES[name]()


def recipe_summary(name: str) -> str:
    """Give a recipe's first line."""
    if name == NAME:
        return (scfm.__doc__ or "").strip()
    if name in CHANGES:
        changes = ", ".join(f"{key}={value}" for key, value in CHANGES[name].items())
        return f"Ablation of tide: {changes}."
    return (RECIPES[name].__doc__ or "").strip().splitlines()[0]
