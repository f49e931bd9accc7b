"""What a run says while it goes: one JSON object per event, on stdout and in ``metrics.jsonl``.

Kinds: ``start``, ``data``, ``pairing``, ``warning``, ``step``, ``validation``, ``checkpoint``,
``stopping``, ``student`` or ``adapter``, ``done``, ``error``; of a probe ``estimate``. A reader
must tolerate other lines on stdout.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from typing import TextIO

Event = dict[str, object]
Announce = Callable[[Event], None]


def event(kind: str, **facts: object) -> Event:
    """Make an event."""
    return {"event": kind, **facts}


def json_line(happened: Event) -> str:
    """Write an event as one line; numbers that JSON does not know become null."""
    return json.dumps(_plain(happened), ensure_ascii=True, allow_nan=False)


def announce_as_json(stream: TextIO | None = None) -> Announce:
    """Give a function that writes events to stdout (or another stream) as they happen."""
    target = sys.stdout if stream is None else stream

    def announce(happened: Event) -> None:
        target.write(json_line(happened) + "\n")
        target.flush()

    return announce


def silent(happened: Event) -> None:
    """Say nothing."""
    del happened


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
