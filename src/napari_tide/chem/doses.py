"""Doses as labs write them, in micromolar."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_tide.errors import MoleculeValueError

MISSING = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "-666", "-666.0"})

_UM_PER_UNIT = {"m": 1e6, "mm": 1e3, "um": 1.0, "nm": 1e-3, "pm": 1e-6, "fm": 1e-9}
_PREFIX_OF_WORD = {"milli": "m", "micro": "u", "nano": "n", "pico": "p", "femto": "f"}
_DOSE = re.compile(
    r"(?P<number>\d+(?:[.,]\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)\s*(?P<unit>[^\d\s].*)?", re.I
)
_MOLAR_WORD = re.compile(r"(milli|micro|nano|pico|femto)?molar")
_PER_LITRE = re.compile(r"([munpf]?)mol(?:es?)?(?:/l|perl|\.?l-1|perlit(?:er|re))")
_MICRO_SIGNS = re.compile("\u00c2?\u00b5|\u03bc")  # micro sign (also as misread UTF-8), Greek mu
_THOUSANDS = re.compile(r"[1-9]\d*,\d{3}")


def parse_dose_um(text: str, *, unit: str = "uM") -> float:
    """Read a dose such as ``"10 µM"``, ``"500 nM"``, ``"1e-6 M"`` or ``"2.5"``.

    Parameters
    ----------
    text
        A number and, after it, a unit of amount per volume; both Unicode micro signs and ``u`` do.
    unit
        The unit of a bare number.

    Raises
    ------
    MoleculeValueError
        The text is no dose, or its unit is not one of amount per volume.
    """
    match = _DOSE.fullmatch(text.strip())
    if match is None or not math.isfinite(float(match["number"].replace(",", "."))):
        message = f"{text!r} is not a dose; expected a number and a unit, such as '10 uM' or '2.5'"
        raise MoleculeValueError(message)
    if _THOUSANDS.fullmatch(match["number"]):
        message = f"{text!r} may mean a thousand or one; write the dose without a comma"
        raise MoleculeValueError(message)
    given = match["unit"]
    factor = um_per_unit(unit if given is None else given)
    if factor is None:
        message = f"{text!r} has no unit of dose; expected M, mM, uM, nM or pM, such as '10 uM'"
        raise MoleculeValueError(message)
    return _scaled(float(match["number"].replace(",", ".")), factor)


def parse_doses_um(texts: Sequence[str], *, unit: str = "uM") -> npt.NDArray[np.float64]:
    """Read many doses, each distinct text once; blanks, ``NA`` and ``-666`` are missing (NaN)."""
    dose_of = {
        text: math.nan if text.strip().lower() in MISSING else parse_dose_um(text, unit=unit)
        for text in set(texts)
    }
    return np.array([dose_of[text] for text in texts], dtype=np.float64)


def um_per_unit(unit: str) -> float | None:
    """Give how many µM one of a unit is, or nothing where the unit is not one of dose."""
    plain = _MICRO_SIGNS.sub("u", unit)
    if plain.strip() == "m":  # metres or milli-something: nobody writes molar so
        return None
    folded = re.sub(r"[\s_()\[\]]", "", plain.lower())
    word = _MOLAR_WORD.fullmatch(folded)
    if word:
        return _UM_PER_UNIT[_PREFIX_OF_WORD.get(word[1] or "", "") + "m"]
    amount = _PER_LITRE.fullmatch(folded)
    return _UM_PER_UNIT[amount[1] + "m"] if amount else _UM_PER_UNIT.get(folded)


def _scaled(number: float, factor: float) -> float:
    """Multiply without leaving 0.30000000000000004 where 0.3 is meant."""
    return float(f"{number * factor:.12g}")
