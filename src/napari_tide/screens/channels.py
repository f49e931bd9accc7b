"""Channels are matched by the name of the stain, never by position.

One table says which names mean the same stain. Dye names such as "Alexa 568" follow the Cell
Painting protocol (Bray et al. 2016; JUMP-CP): the same dye carries the same stain in public sets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari_tide.errors import ScreenValueError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "DNA": ("dna", "dapi", "hoechst", "hoechst33342", "nuclei", "nucleus", "draq5"),
    "ER": ("er", "ersyto", "cona", "concanavalina", "alexa488", "endoplasmicreticulum"),
    "RNA": ("rna", "ersytobleed", "syto14", "488long", "alexa488em650", "nucleoli"),
    "AGP": ("agp", "phgolgi", "phandgolgi", "actingolgi", "actingolgiplasmamembrane", "alexa568"),
    "Mito": ("mito", "mitotracker", "mitochondria", "mitotrackerdeepred", "alexa647"),
    "Actin": ("actin", "phalloidin", "factin", "405ex570630em"),
    "Golgi": ("golgi", "wga", "wheatgermagglutinin"),
    "Brightfield": ("brightfield", "bf", "transmitted", "transmittedlight"),
    "Brightfield_H": ("brightfieldh", "brightfieldhigh"),
    "Brightfield_L": ("brightfieldl", "brightfieldlow"),
}

_PREFIXES = ("orig", "w", "channel")


@dataclass(frozen=True, slots=True)
class Channel:
    """One stain: its canonical name, and what the source called it."""

    name: str
    label: str = ""

    @classmethod
    def named(cls, label: str) -> Channel:
        """Name a channel by what its source calls it, through the alias table."""
        return cls(stain_name(label), label)


def stain_name(label: str) -> str:
    """Give the canonical stain for a label, or the label itself where none is known."""
    folded = _fold(label)
    for candidate in (folded, *(folded.removeprefix(prefix) for prefix in _PREFIXES)):
        if candidate in _STAIN_OF:
            return _STAIN_OF[candidate]
    return label.strip()


def is_known_stain(label: str) -> bool:
    """Tell whether the alias table knows the label."""
    return stain_name(label) in ALIASES


def select_channels(wanted: Sequence[str], available: Sequence[str]) -> list[str]:
    """Match wanted stains to available channels by name, in the wanted order.

    Raises
    ------
    ScreenValueError
        A wanted stain is absent; the message lists what is there.
    """
    by_stain = {stain_name(name): name for name in available}
    missing = [name for name in wanted if stain_name(name) not in by_stain]
    if missing:
        message = (
            f"no {' or '.join(missing)} channel. Available: {list(available)}; "
            "rename a channel with --channels, for example --channels ch5=DNA"
        )
        raise ScreenValueError(message)
    return [by_stain[stain_name(name)] for name in wanted]


def _fold(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


_STAIN_OF = {alias: stain for stain, aliases in ALIASES.items() for alias in aliases}
