"""Structures as SVG, in the colours of a light or a dark window."""

from __future__ import annotations

import functools
from typing import Any

from napari_tide.chem.molecules import read_molecule
from napari_tide.chem.smiles import clean_smiles
from napari_tide.errors import MoleculeValueError

Colour = tuple[float, float, float]

_CACHE_SIZE = 4_096  # a library's worth of small drawings, about 40 MB
_SIDES_PX = range(16, 4_097)
_PADDING = 0.06
_BLACK = "#000000"
_ALL_ATOMS = -1  # RDKit's key for every element that has no colour of its own

# element number to colour; each at least 4.5:1 against white, or against the dark window (#262930)
_ON_LIGHT: dict[int, Colour] = {
    _ALL_ATOMS: (0.13, 0.14, 0.16),
    7: (0.13, 0.31, 0.83),
    8: (0.78, 0.10, 0.12),
    9: (0.08, 0.48, 0.24),
    15: (0.66, 0.33, 0.02),
    16: (0.50, 0.42, 0.00),
    17: (0.08, 0.48, 0.24),
    35: (0.56, 0.24, 0.10),
    53: (0.46, 0.16, 0.66),
}
_ON_DARK: dict[int, Colour] = {
    _ALL_ATOMS: (0.91, 0.92, 0.94),
    7: (0.56, 0.71, 1.00),
    8: (1.00, 0.56, 0.54),
    9: (0.50, 0.86, 0.58),
    15: (1.00, 0.72, 0.36),
    16: (0.93, 0.85, 0.40),
    17: (0.50, 0.86, 0.58),
    35: (0.92, 0.62, 0.48),
    53: (0.82, 0.66, 1.00),
}


def draw_svg(smiles: str, *, width: int = 240, height: int = 160, is_dark: bool = False) -> str:
    """Draw a structure on a transparent ground, ready to stand in a page or a label.

    The same drawing again comes from memory.

    Parameters
    ----------
    width, height
        In pixels; the structure is scaled to fit.
    is_dark
        Light lines, for a dark window.

    Raises
    ------
    MoleculeValueError
        The SMILES cannot be read, or the size is impossible.
    """
    if width not in _SIDES_PX or height not in _SIDES_PX:
        message = (
            f"a drawing of {width} x {height} px is impossible; give sides from "
            f"{_SIDES_PX.start} to {_SIDES_PX.stop - 1}"
        )
        raise MoleculeValueError(message)
    return _draw(clean_smiles(smiles), width, height, is_dark)


@functools.lru_cache(maxsize=_CACHE_SIZE)
def _draw(smiles: str, width: int, height: int, is_dark: bool) -> str:  # noqa: FBT001 - a cache key
    molecule = read_molecule(smiles)
    if molecule is None:
        message = f"{smiles!r} is not a SMILES that RDKit can read; check its valences and brackets"
        raise MoleculeValueError(message)
    from rdkit.Chem.Draw import rdMolDraw2D

    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = drawer.drawOptions()  # RDKit's stubs give its fields wrong types
    options.clearBackground = False
    options.padding = _PADDING
    colours = _ON_DARK if is_dark else _ON_LIGHT
    options.setAtomPalette(colours)
    options.setLegendColour(colours[_ALL_ATOMS])
    options.setSymbolColour(colours[_ALL_ATOMS])
    options.setAnnotationColour(colours[_ALL_ATOMS])
    drawer.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(molecule))
    drawer.FinishDrawing()
    text = str(drawer.GetDrawingText())
    # radicals' dots are black whatever the palette says
    coloured = text.replace(_BLACK, _hexadecimal(colours[_ALL_ATOMS]))
    return coloured[coloured.index("<svg") :].rstrip()


def _hexadecimal(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * part):02X}" for part in colour)
