"""``--set key=value``: change one field of a configuration, checked like the rest of it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from napari_tide.errors import TrainValueError

Config = TypeVar("Config", bound=BaseModel)


def changed(config: Config, changes: Mapping[str, object]) -> Config:
    """Change fields by their path, as ablations do; the rest stays."""
    raw = config.model_dump(mode="json", by_alias=True)
    for key, value in changes.items():
        target, last = _place(raw, key)
        target[last] = value
    return type(config).model_validate(raw)


def with_overrides(config: Config, settings: Sequence[str]) -> Config:
    """Apply settings such as ``method.beta=0`` or ``data.channels=DNA,ER``.

    Raises
    ------
    TrainValueError
        A setting does not exist, has no value, or a value that does not fit.
    """
    raw = config.model_dump(mode="json", by_alias=True)
    for setting in settings:
        _apply(raw, setting)
    try:
        return type(config).model_validate(raw)
    except ValidationError as error:
        raise TrainValueError(_said(error)) from error


def _apply(raw: dict[str, object], setting: str) -> None:
    key, equals, value = setting.partition("=")
    if not equals or not key:
        message = f"{setting!r} sets nothing; write it as KEY=VALUE, for example batch_size=128"
        raise TrainValueError(message)
    target, last = _place(raw, key.strip())
    target[last] = _value(value.strip(), target[last])


def _place(raw: dict[str, object], key: str) -> tuple[dict[str, object], str]:
    """Find where a setting stands."""
    *path, last = key.split(".")
    target: object = raw
    for part in [*path, last]:
        if not isinstance(target, dict) or part not in target:
            raise TrainValueError(_unknown(key, part, target))
        above, target = target, target[part]
    return above, last


def _value(text: str, now: object) -> object:
    if isinstance(now, list):
        return _list(text)
    if isinstance(now, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        if text.lower() in ("none", ""):
            return None
        return {
            "true": True,
            "yes": True,
            "on": True,
            "false": False,
            "no": False,
            "off": False,
        }.get(text.lower(), text)


def _list(text: str) -> object:
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            pass
    return [part.strip() for part in text.split(",") if part.strip()]


def _unknown(key: str, part: str, among: object) -> str:
    names = sorted(among) if isinstance(among, dict) else []
    near = difflib.get_close_matches(part, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f". Available: {names}"
    return f"there is no setting {key!r}: no {part!r} there{hint}"


def _said(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"setting {where or 'the whole'} does not fit: {first['msg']} (got {first['input']!r})"
