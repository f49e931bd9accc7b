"""Presets: which part of a world is imaged, on how many plates, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from napari_tide.errors import SimulationValueError
from napari_tide.simulate.cell_lines import CELL_LINES
from napari_tide.simulate.phenotype import PIXEL_SIZE_UM

PresetName = Literal["sample", "mini", "paper"]
IMAGE_DOSES_UM = (0.6, 2.5, 10.0)


@dataclass(frozen=True, slots=True)
class Design:
    """A screen's design.

    Parameters
    ----------
    n_compounds, n_genes
        How many compounds and knock-outs are imaged; None for all of the world's.
    doses_um
        Every compound is given at each.
    lines
        Cell lines imaged, each on its own plates.
    n_blocks
        Replicate blocks a line: one well of every treatment, laid out anew on plates of its own.
    drug_copies, gene_copies
        Wells of each treatment within a block.
    plate_wells, n_negative, n_positive
        Plate format, and how many of a plate's wells are DMSO and positive controls.
    n_sites
        Fields of view a well.
    """

    n_compounds: int | None
    n_genes: int | None
    doses_um: tuple[float, ...]
    lines: tuple[str, ...]
    n_blocks: int
    drug_copies: int
    gene_copies: int
    plate_wells: int
    n_negative: int
    n_positive: int
    n_sites: int


@dataclass(frozen=True, slots=True)
class Preset:
    """A named screen.

    Parameters
    ----------
    screen
        What is imaged.
    features
        What is measured with ``--features-only``; may be larger, as no pixel is made.
    image_px, pixel_size_um
        Width of a square field, and of a pixel.
    rna_coverage
        Share of the imaged training drugs with expression, unless the user says otherwise.
    is_reproducible
        Images equal to the bit on every machine, at the price of speed.
    """

    name: PresetName
    screen: Design
    features: Design
    image_px: int
    pixel_size_um: float
    rna_coverage: float
    is_reproducible: bool


_ONE_PLATE = Design(
    n_compounds=12,
    n_genes=14,
    doses_um=(2.5, 10.0),
    lines=("U2OS",),
    n_blocks=1,
    drug_copies=2,
    gene_copies=2,
    plate_wells=96,
    n_negative=16,
    n_positive=4,
    n_sites=1,
)
_SMALL = Design(
    n_compounds=100,
    n_genes=60,
    doses_um=IMAGE_DOSES_UM,
    lines=CELL_LINES,
    n_blocks=2,
    drug_copies=1,
    gene_copies=2,
    plate_wells=384,
    n_negative=24,
    n_positive=4,
    n_sites=1,
)
_WHOLE_WORLD = Design(
    n_compounds=None,
    n_genes=None,
    doses_um=IMAGE_DOSES_UM,
    lines=CELL_LINES,
    n_blocks=4,
    drug_copies=1,
    gene_copies=1,
    plate_wells=384,
    n_negative=24,
    n_positive=4,
    n_sites=1,
)
_LARGE = Design(
    n_compounds=None,
    n_genes=None,
    doses_um=IMAGE_DOSES_UM,
    lines=CELL_LINES,
    n_blocks=9,
    drug_copies=1,
    gene_copies=1,
    plate_wells=384,
    n_negative=24,
    n_positive=4,
    n_sites=3,
)

PRESETS: Mapping[str, Preset] = {
    "sample": Preset(
        "sample", _ONE_PLATE, _ONE_PLATE, 224, PIXEL_SIZE_UM, 0.5, is_reproducible=True
    ),
    "mini": Preset("mini", _SMALL, _WHOLE_WORLD, 224, PIXEL_SIZE_UM, 0.3, is_reproducible=False),
    "paper": Preset("paper", _LARGE, _LARGE, 224, PIXEL_SIZE_UM, 0.3, is_reproducible=False),
}


def find_preset(name: str) -> Preset:
    """Give a preset by name.

    Raises
    ------
    SimulationValueError
        There is none of that name.
    """
    if name not in PRESETS:
        message = f"no preset {name!r}. Available: {list(PRESETS)}"
        raise SimulationValueError(message)
    return PRESETS[name]
