"""The colour each stain is shown in, in the viewer and in montages alike.

Five colours that stay apart for colour-blind readers when added up: the nucleus stays blue, actin
(the most structured) orange, mitochondria magenta.
"""

from __future__ import annotations

from collections.abc import Sequence

RGB = tuple[int, int, int]

STAIN_COLOURS: dict[str, RGB] = {
    "DNA": (64, 120, 255),
    "ER": (40, 220, 90),
    "RNA": (235, 225, 60),
    "AGP": (255, 140, 30),
    "Mito": (255, 50, 150),
    "Actin": (255, 140, 30),
    "Golgi": (0, 210, 210),
    "Brightfield": (255, 255, 255),
    "Brightfield_H": (255, 255, 255),
    "Brightfield_L": (255, 255, 255),
}
_OTHERS: tuple[RGB, ...] = (
    (0, 210, 210),
    (190, 110, 255),
    (255, 90, 90),
    (150, 220, 60),
    (200, 200, 200),
)


def overlaid_channels(channels: Sequence[str]) -> list[str]:
    """List the channels shown at first: brightfield would cover the stains with grey."""
    stains = [name for name in channels if not name.startswith("Brightfield")]
    return stains or list(channels[:1])


def channel_shares(channels: Sequence[str]) -> dict[str, float]:
    """Give each channel the strength at which the overlay stays short of plain white.

    DNA is shown in full: the nucleus also carries ER and RNA light, which would grey it.
    """
    share = min(1.0, 2.75 / max(len(overlaid_channels(channels)), 1))
    others = min(share, 1.75 / max(len(overlaid_channels(channels)) - 1, 1))
    return {name: (1.0 if name == "DNA" else others) for name in channels}


def stain_colours(channels: Sequence[str]) -> dict[str, RGB]:
    """Give each channel its stain's colour; unknown stains take the next spare one."""
    unknown = [name for name in channels if name not in STAIN_COLOURS]
    spare = {name: _OTHERS[number % len(_OTHERS)] for number, name in enumerate(unknown)}
    return {name: STAIN_COLOURS.get(name) or spare[name] for name in channels}
