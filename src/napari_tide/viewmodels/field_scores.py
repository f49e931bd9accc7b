"""A field as a student sees it: its tiles and patches among the prototypes, and maps of a drug."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.students.calibration import p_above_controls

if TYPE_CHECKING:
    from napari_tide.inference.drug_scorer import DrugScorer, Placed
    from napari_tide.inference.screen_engine import FieldEmbedding

FieldMap = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FieldScores:
    """What is kept of a field, so that another drug costs one product.

    Parameters
    ----------
    grid
        Where the tiles lie.
    tiles
        One per tile.
    patches
        Rows and columns of patches per tile; nothing where only the tiles are known.
    """

    grid: TileGrid
    tiles: Placed
    patches: Placed | None = None

    @classmethod
    def of(cls, field: FieldEmbedding, scorer: DrugScorer) -> FieldScores:
        """Place a field's embeddings; runs the head, so off the GUI thread."""
        return cls(field.grid, scorer.place(field.embeddings_ND), scorer.place(field.patches_NHWD))

    def tile_map(self, scorer: DrugScorer, drug: int) -> FieldMap:
        """Paint each tile's probability of a drug over the field's pixels."""
        return self.grid.spread(scorer.probability(self.tiles, drug))

    def patch_map(self, scorer: DrugScorer, drug: int) -> FieldMap:
        """Paint each patch's probability of a drug; calibrated on tiles, so read it as relative."""
        assert self.patches is not None
        return self.grid.spread(scorer.probability(self.patches, drug))

    def controls_map(self, scorer: DrugScorer, drug: int, controls_MD: FieldMap) -> FieldMap:
        """Paint how far each tile stands above the plate's control tiles: one minus its p."""
        scores_N = scorer.similarity(self.tiles, drug)
        p_N = p_above_controls(scores_N, controls_MD @ scorer.prototypes_KD[drug])
        return self.grid.spread((1 - p_N).astype(np.float32))

    def top_drugs_at(self, scorer: DrugScorer, y: float, x: float) -> list[tuple[str, float]]:
        """Name the five most probable drugs of the tile under a pixel; none outside all tiles."""
        found = self.grid.tile_at(y, x)
        if found is None:
            return []
        row, column = found
        return scorer.top_drugs(self.tiles[row * self.grid.n_columns + column])
