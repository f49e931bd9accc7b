"""What each morphology parameter means in a cell: which quantity it sets, and over which range.

A parameter is given in standard units: 0 is a typical untreated cell, 1 about one standard
deviation between untreated cells. Each cell of a site takes the site's value plus a scatter of its
own, softly limited to ±4. A quantity then is ``typical * exp(slope * value)`` (``scale``) or
``1 / (1 + exp(-slope * (value - typical)))`` (``share``), so every parameter acts monotonically.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PIXEL_SIZE_UM = 0.65
"""Width of a pixel: a 20-fold objective on a camera with 13 µm pixels, binned or bare."""

CELLS_PER_MM2 = 900.0
"""Untreated density: 19 nuclei in a field of 224 by 224 pixels."""

SCATTER_SD = 0.7
"""Scatter between the cells of one site, in standard units."""

VALUE_LIMIT = 4.0


@dataclass(frozen=True, slots=True)
class Response:
    """How one parameter turns into one physical quantity of a cell."""

    law: Literal["scale", "share"]
    typical: float
    slope: float
    quantity: str

    def __call__(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the quantity at a value in standard units."""
        limited = VALUE_LIMIT * np.tanh(value / VALUE_LIMIT)
        if self.law == "share":
            share: NDArray[np.float64] = 1.0 / (
                1.0 + np.exp(-self.slope * (limited - self.typical))
            )
            return share
        return self.typical * np.exp(self.slope * limited)


RESPONSES: Mapping[str, Response] = {
    "nucleus_size": Response("scale", 7.6, 0.13, "mean nuclear radius, µm"),
    "nucleus_eccentricity": Response("scale", 0.24, 0.60, "nuclear aspect ratio less one"),
    "nucleus_intensity": Response("scale", 95.0, 0.24, "DNA stain in the nucleus, photons"),
    "nucleus_texture": Response("scale", 0.13, 0.45, "contrast of chromatin"),
    "nucleus_irregularity": Response("scale", 0.034, 0.60, "depth of lobes in the nuclear outline"),
    "nucleoli_size": Response("scale", 1.4, 0.17, "radius of a nucleolus, µm"),
    "nucleoli_intensity": Response("scale", 115.0, 0.32, "RNA stain in nucleoli, photons"),
    "cytoplasmic_rna": Response("scale", 85.0, 0.26, "RNA stain in the cytoplasm, photons"),
    "cell_size": Response("scale", 20.0, 0.15, "mean cell radius where no neighbour is met, µm"),
    "elongation": Response("scale", 0.50, 0.58, "aspect ratio of the cell less one"),
    "protrusions": Response("scale", 0.36, 0.55, "length of protrusions per cell radius"),
    "er_intensity": Response("scale", 95.0, 0.26, "ER stain, photons"),
    "er_texture": Response("scale", 0.22, 0.42, "contrast of the ER meshwork"),
    "er_perinuclear": Response("scale", 1.5, 0.35, "steepness of ER from nucleus to edge"),
    "actin_edge": Response("scale", 60.0, 0.36, "actin at the cell's rim, photons"),
    "actin_fibres": Response("scale", 80.0, 0.42, "actin in stress fibres, photons"),
    "golgi": Response("scale", 100.0, 0.34, "Golgi stain beside the nucleus, photons"),
    "mito_intensity": Response("scale", 130.0, 0.26, "mitochondrial stain, photons"),
    "mito_fragmentation": Response("share", 1.0, 1.3, "share of dots against filaments"),
    "mito_perinuclear": Response("scale", 1.7, 0.35, "steepness of mitochondria towards the edge"),
    "vacuoles": Response("share", 2.2, 1.3, "share of possible vacuoles that are there"),
    "binucleation": Response("share", 2.5, 1.2, "share of cells with two nuclei"),
    "count": Response("scale", CELLS_PER_MM2, 0.33, "cells per mm²"),
}
"""Every parameter's response, in the order of the columns that the renderer takes.

At -2, 0 and 2 standard units::

    nucleus_size            5.98     7.6    9.66  mean nuclear radius, µm
    nucleus_eccentricity  0.0792    0.24   0.728  nuclear aspect ratio less one
    nucleus_intensity         61      95     148  DNA stain in the nucleus, photons
    nucleus_texture       0.0566    0.13   0.299  contrast of chromatin
    nucleus_irregularity  0.0112   0.034   0.103  depth of lobes in the nuclear outline
    nucleoli_size           1.02     1.4    1.92  radius of a nucleolus, µm
    nucleoli_intensity      63.7     115     208  RNA stain in nucleoli, photons
    cytoplasmic_rna         52.6      85     137  RNA stain in the cytoplasm, photons
    cell_size               15.2      20    26.4  mean cell radius where no neighbour is met, µm
    elongation             0.171     0.5    1.46  aspect ratio of the cell less one
    protrusions             0.13    0.36   0.995  length of protrusions per cell radius
    er_intensity            58.7      95     154  ER stain, photons
    er_texture             0.101    0.22   0.478  contrast of the ER meshwork
    er_perinuclear         0.785     1.5    2.86  steepness of ER from nucleus to edge
    actin_edge              30.8      60     117  actin at the cell's rim, photons
    actin_fibres            36.8      80     174  actin in stress fibres, photons
    golgi                   53.3     100     187  Golgi stain beside the nucleus, photons
    mito_intensity          80.4     130     210  mitochondrial stain, photons
    mito_fragmentation    0.0241   0.214   0.751  share of dots against filaments
    mito_perinuclear        0.89     1.7    3.25  steepness of mitochondria towards the edge
    vacuoles             0.00515  0.0542   0.388  share of possible vacuoles that are there
    binucleation         0.00539  0.0474   0.314  share of cells with two nuclei
    count                    489     900    1660  cells per mm²
"""
