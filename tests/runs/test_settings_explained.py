"""Every setting has a title and help, since docs, commands and the Train dock show them."""

from typing import get_args

import pytest
from pydantic import BaseModel

from napari_tide.errors import TrainValueError
from tide_train.methods.registry import AnyMethodConfig
from tide_train.overrides import with_overrides
from tide_train.recipes.registry import find_recipe
from tide_train.run_config import RunConfig

METHODS = get_args(get_args(AnyMethodConfig)[0])


def settings_of(model, path):
    """Give (path, field) of a configuration and of all it holds."""
    for name, field in model.model_fields.items():
        yield f"{path}.{name}", field
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, f"{path}.{name}")


def test_every_setting_has_a_title_and_help():
    found = dict(settings_of(RunConfig, "run"))
    for method in METHODS:
        found |= dict(settings_of(method, method.__name__))
        del found[f"{method.__name__}.kind"]  # which method it is; the recipe says so
    assert len(found) > 100
    assert [path for path, field in found.items() if not field.title] == []
    assert [path for path, field in found.items() if not field.description] == []


def test_a_licence_is_one_the_hub_knows_how_to_write():
    changed = with_overrides(find_recipe("debug_tide"), ["card.license=cc-by-4.0"])
    assert changed.card.license == "cc-by-4.0"
    assert find_recipe("sample_student").card.license == "bsd-3-clause"
    with pytest.raises(TrainValueError, match=r"such as cc-by-4.0.*got 'CC BY 4'"):
        with_overrides(find_recipe("debug_tide"), ["card.license=CC BY 4"])
