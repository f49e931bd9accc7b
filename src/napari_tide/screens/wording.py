"""How warnings and errors name things when there are many of them."""

from __future__ import annotations

from collections.abc import Iterable

N_EXAMPLES = 3


def some(names: Iterable[object]) -> str:
    """Name the first few: ``"A01, A02, A03, ..."``."""
    texts = [str(name) for name in names]
    return ", ".join(texts[:N_EXAMPLES]) + (", ..." if len(texts) > N_EXAMPLES else "")


def counted(n: int, noun: str, plural: str = "") -> str:
    """Count things: ``"1 well"``, ``"2 wells"``."""
    return f"{n} {noun}" if n == 1 else f"{n} {plural or noun + 's'}"
