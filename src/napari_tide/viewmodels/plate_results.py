"""What a student found on one plate, site by site, as far as it was run.

Everything that runs the network's head happens where outcomes are made, off the GUI thread; what is
asked of them later are products.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well

if TYPE_CHECKING:
    from napari_tide.inference.drug_scorer import DrugScorer, Placed
    from napari_tide.inference.site_store import SiteEmbedding

_SITES_A_STEP = 64


@dataclass(frozen=True, slots=True, eq=False)
class SiteOutcome:
    """What came of one site.

    Parameters
    ----------
    row
        Of the screen's table.
    well
        Where it lies.
    tiles
        Its tiles among the prototypes, row by row of the grid.
    mean_D
        The site's profile: the mean of its tiles' embeddings.
    grid
        Rows and columns of tiles.
    field_shape
        Height and width of the field in pixels.
    flags
        Quality flags that are up.
    error
        Why it could not be read; empty where it could.
    """

    row: int
    well: Well
    tiles: Placed
    mean_D: npt.NDArray[np.float32]
    grid: tuple[int, int]
    field_shape: tuple[int, int]
    flags: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class WellOutcome:
    """A well so far: the mean of its sites among the prototypes, and its most probable drug."""

    placed: Placed
    top_drug: str
    n_sites: int


@dataclass(frozen=True, slots=True, eq=False)
class ResultsStep:
    """What one step of work brought."""

    sites: tuple[SiteOutcome, ...]
    wells: Mapping[Well, WellOutcome]


@dataclass
class PlateResults:
    """The outcomes of one plate that are there so far."""

    sites: dict[int, SiteOutcome] = field(default_factory=dict)
    wells: dict[Well, WellOutcome] = field(default_factory=dict)

    def add(self, step: ResultsStep) -> None:
        """Take in a step; a site run again replaces its earlier outcome."""
        self.sites.update((site.row, site) for site in step.sites)
        for well, outcome in step.wells.items():
            known = self.wells.get(well)
            if known is None or outcome.n_sites >= known.n_sites:
                self.wells[well] = outcome

    def is_done(self, row: int) -> bool:
        """Tell whether a site was run and could be read."""
        return row in self.sites and not self.sites[row].error

    def means(self) -> dict[int, tuple[Well, npt.NDArray[np.float32]]]:
        """Give the profile of every readable site, by row."""
        readable = (site for site in self.sites.values() if not site.error)
        return {site.row: (site.well, site.mean_D) for site in readable}


class OutcomeMaker:
    """Turns embeddings into outcomes, keeping each well's mean over its sites up to date."""

    def __init__(
        self,
        scorer: DrugScorer,
        wells_of_rows: Mapping[int, Well],
        means: Mapping[int, tuple[Well, npt.NDArray[np.float32]]] | None = None,
    ) -> None:
        self._scorer, self._wells_of_rows = scorer, wells_of_rows
        self._by_well: dict[Well, dict[int, npt.NDArray[np.float32]]] = {}
        for row, (well, mean_D) in (means or {}).items():
            self._by_well.setdefault(well, {})[row] = mean_D

    def step(self, sites: Iterable[SiteEmbedding]) -> ResultsStep:
        """Make the outcomes of a few sites."""
        outcomes = tuple(self._outcome(site) for site in sites)
        touched = {outcome.well for outcome in outcomes if not outcome.error}
        return ResultsStep(outcomes, {well: self._well(well) for well in touched})

    def steps(self, sites: Iterable[SiteEmbedding]) -> Iterator[ResultsStep]:
        """Make outcomes of many sites, some at a time."""
        waiting: list[SiteEmbedding] = []
        for site in sites:
            waiting.append(site)
            if len(waiting) == _SITES_A_STEP:
                yield self.step(waiting)
                waiting = []
        if waiting:
            yield self.step(waiting)

    def _outcome(self, site: SiteEmbedding) -> SiteOutcome:
        well = self._wells_of_rows[site.row]
        width = self._scorer.prototypes_KD.shape[1]
        if site.error:
            none = np.zeros((0, width), np.float32)
            tiles, mean_D = self._scorer.place(none), np.full(width, np.nan, np.float32)
        else:
            tiles = self._scorer.place(site.embeddings_ND)
            mean_D = site.embeddings_ND.mean(axis=0)
            self._by_well.setdefault(well, {})[site.row] = mean_D
        return SiteOutcome(
            site.row, well, tiles, mean_D, site.grid, site.field_shape, site.flags, site.error
        )

    def _well(self, well: Well) -> WellOutcome:
        means = self._by_well[well]
        placed = self._scorer.place(np.mean(list(means.values()), axis=0))
        return WellOutcome(placed, self._scorer.top_drugs(placed, 1)[0][0], len(means))


def wells_of_rows(screen: Screen, plate: str) -> dict[int, Well]:
    """Give the well of every row of the screen's table that belongs to a plate."""
    here = np.flatnonzero((screen.sites["plate"] == plate).to_numpy())
    names = screen.sites["well"].to_numpy()
    parsed = {name: Well.parse(name) for name in set(names[here])}
    return {int(row): parsed[names[row]] for row in here}
