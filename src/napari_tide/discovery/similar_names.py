"""What a user may have meant by a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_SHOWN = 5
_LEAST_ALIKE = 0.6


def nearest_names(name: str, known: Iterable[str], *, n: int = _MOST_SHOWN) -> list[str]:
    """List the known names most like one, the likest first; upper and lower case are the same."""
    by_fold = {text.casefold(): text for text in map(str, known)}
    folded = name.strip().casefold()
    holding = sorted(fold for fold in by_fold if folded and folded in fold)[:n]
    alike = difflib.get_close_matches(folded, list(by_fold), n=n, cutoff=_LEAST_ALIKE)
    return [by_fold[fold] for fold in dict.fromkeys([*alike, *holding])][:n]


def did_you_mean(name: str, known: Iterable[str], *, of: str) -> str:
    """Say which names come near, or which there are, to stand after a semicolon."""
    names = sorted(set(map(str, known)))
    near = nearest_names(name, names)
    if near:
        return f"did you mean {', '.join(near)}?"
    if not names:
        return f"they hold no {of} at all: check the plate map and give profiles that name them"
    some = ", ".join(names[:_MOST_SHOWN])
    return f"expected one of {len(names)}: {some}{' ...' if len(names) > _MOST_SHOWN else ''}"
