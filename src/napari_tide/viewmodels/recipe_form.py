"""A recipe's settings as fields of a form, made from its typed configuration.

Titles, help, choices and limits come from the configuration's own JSON schema, so that the form,
``tide train --help`` and the docs agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from napari_tide.errors import TrainValueError

FieldKind = Literal["flag", "whole", "number", "choice", "text", "list"]
Schema = Mapping[str, object]

PRESETS = ("n_steps", "epochs", "batch_size", "optimiser.lr")
_HIDDEN = frozenset({"name", "method.kind", "encoder.kind"})
_KINDS: Mapping[str, FieldKind] = {
    "boolean": "flag",
    "integer": "whole",
    "number": "number",
    "string": "text",
    "array": "list",
}
_FIRST_WORDS = {"max": "most", "min": "fewest"}
_SPELLED = {"rna": "RNA", "scfm": "scFM", "lr": "learning rate", "ssl": "self-supervision"}
_UNITS = {"px": "px", "um": "µm"}


@dataclass(frozen=True, slots=True)
class FormField:
    """One setting.

    Parameters
    ----------
    key
        Its path, as ``--set`` takes it.
    title, help
        What a user reads.
    kind
        Which control fits.
    default
        The recipe's value.
    choices
        For ``choice``.
    minimum, maximum
        For numbers, where there are limits; `excludes_limits` says they are themselves refused.
    is_optional
        Whether it may be left empty.
    group
        The part of the configuration it belongs to; empty at the top.
    """

    key: str
    title: str
    help: str
    kind: FieldKind
    default: object
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    excludes_limits: bool = False
    is_optional: bool = False
    group: str = ""

    def show(self, value: object) -> str:
        """Write a value as text."""
        if value is None:
            return ""
        if isinstance(value, list | tuple):
            return ", ".join(self.show(item) for item in value)
        return f"{value:g}" if isinstance(value, float) else str(value)

    def read(self, text: str) -> object:
        """Understand what a user typed.

        Raises
        ------
        TrainValueError
            It is no such value.
        """
        typed = text.strip()
        if not typed and (self.is_optional or self.kind in ("text", "list")):
            return [] if self.kind == "list" else "" if self.kind == "text" else None
        if self.kind == "list":
            return [_item(part.strip()) for part in typed.split(",") if part.strip()]
        if self.kind not in ("whole", "number"):
            return typed
        try:
            value = int(typed) if self.kind == "whole" else float(typed)
        except ValueError:
            what = "a whole number" if self.kind == "whole" else "a number"
            message = f"{self.title} is {typed!r}; expected {what}{self._limits()}"
            raise TrainValueError(message) from None
        if not self._fits(value):
            message = f"{self.title} is {typed}; expected{self._limits()}"
            raise TrainValueError(message)
        return value

    def _fits(self, value: float) -> bool:
        if value != value or value in (float("inf"), float("-inf")):
            return False
        if self.excludes_limits and value in (self.minimum, self.maximum):
            return False
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)

    def _limits(self) -> str:
        if self.minimum is None and self.maximum is None:
            return ""
        if self.maximum is None:
            return f" {'above' if self.excludes_limits else 'from'} {self.minimum:g}"
        low = self.minimum if self.minimum is not None else float("-inf")
        return f" between {low:g} and {self.maximum:g}"


def form_fields(schema: Schema, config: Mapping[str, object]) -> tuple[FormField, ...]:
    """Give the fields of a configuration: presets first, then group by group."""
    found = [field for field in _fields(schema, schema, config, ()) if field.key not in _HIDDEN]
    by_key = {field.key: field for field in found}
    first = [by_key[key] for key in preset_keys(config) if key in by_key]
    return (*first, *(field for field in found if field not in first))


def preset_keys(config: Mapping[str, object]) -> tuple[str, ...]:
    """Give the settings most users change: the length in whichever unit the recipe has it."""
    unused = "epochs" if config.get("n_steps") is not None else "n_steps"
    return tuple(key for key in PRESETS if key != unused)


def overrides(fields: Mapping[str, FormField], values: Mapping[str, object]) -> tuple[str, ...]:
    """Give the settings that differ from the recipe, as ``--set`` takes them."""
    return tuple(
        f"{key}={_written(value)}" for key, value in values.items() if value != fields[key].default
    )


def _fields(
    root: Schema,
    part: Schema,
    config: Mapping[str, object],
    path: tuple[str, ...],
    group: str = "",
) -> Iterator[FormField]:
    properties = part.get("properties")
    assert isinstance(properties, Mapping)
    for name, raw in properties.items():
        if name not in config:
            continue
        spec, value = _resolved(root, raw, config[name]), config[name]
        if isinstance(value, Mapping):
            title = group or _title(name, str(spec.get("title", "")))
            yield from _fields(root, spec, value, (*path, name), title)
        else:
            yield _field(spec, value, (*path, name), group)


def _field(spec: Schema, value: object, path: tuple[str, ...], group: str) -> FormField:
    kind = _KINDS.get(str(spec.get("type")), "text")
    choices = spec.get("enum")
    if isinstance(choices, list):
        kind = "choice"
    low, high = spec.get("minimum"), spec.get("maximum")
    open_low, open_high = spec.get("exclusiveMinimum"), spec.get("exclusiveMaximum")
    excludes = open_low is not None
    return FormField(
        key=".".join(path),
        title=_title(path[-1], str(spec.get("title", ""))),
        help=str(spec.get("description", "")),
        kind=kind,
        default=list(value) if isinstance(value, tuple) else value,
        choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
        minimum=_limit(open_low if excludes else low),
        maximum=_limit(open_high if open_high is not None else high),
        excludes_limits=excludes,
        is_optional=bool(spec.get("is_optional")),
        group=group,
    )


def _resolved(root: Schema, raw: object, value: object) -> dict[str, object]:
    """Follow references, and choose among alternatives by what the value is."""
    assert isinstance(raw, Mapping)
    spec = dict(raw)
    reference = spec.pop("$ref", None)
    if isinstance(reference, str):
        definitions = root["$defs"]
        assert isinstance(definitions, Mapping)
        return {**definitions[reference.rsplit("/", 1)[1]], **spec}
    for alternatives in (spec.pop("anyOf", None), spec.pop("oneOf", None)):
        if isinstance(alternatives, list):
            chosen = _alternative(root, alternatives, value)
            is_optional = any(option.get("type") == "null" for option in alternatives)
            return {**chosen, **spec, "is_optional": is_optional}
    return spec


def _alternative(root: Schema, options: list[Schema], value: object) -> dict[str, object]:
    found = [_resolved(root, option, value) for option in options if option.get("type") != "null"]
    if isinstance(value, Mapping):
        for option in found:
            properties = option.get("properties")
            kind = properties.get("kind") if isinstance(properties, Mapping) else None
            if isinstance(kind, Mapping) and kind.get("const") == value.get("kind"):
                return option
    return found[0]


def _title(name: str, given: str) -> str:
    is_automatic = given == name.replace("_", " ").title()
    return given if given and not is_automatic else _words(name)


def _words(name: str) -> str:
    words = name.split("_")
    unit = f" ({_UNITS[words.pop()]})" if len(words) > 1 and words[-1] in _UNITS else ""
    if len(words) > 1 and words[0] in _FIRST_WORDS:
        words[0] = _FIRST_WORDS[words[0]]
    elif len(words) > 1 and words[0] == "n":
        words = ["number", "of", *words[1:]] if words[-1].endswith("s") else words[1:]
    text = " ".join(_SPELLED.get(word, word) for word in words)
    first = text[:1] if words[0] in _SPELLED and words[0] != "lr" else text[:1].upper()
    return f"{first}{text[1:]}{unit}"


def _limit(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _item(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return json.dumps(value)
    return str(value)
