"""Which trainings make which table: a cell is one arm, trained once, in one world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.responses import SCFM
from tide_train.bench.tables.worlds import Size, WorldKey

Part = Literal["main", "ablations", "responses", "grid", "stress"]
PARTS: tuple[Part, ...] = get_args(Part)

MAIN_ARMS = (
    "raw",
    "dino",
    "labels",
    "cl_d",
    "cl_r",
    "cl_d_dino",
    "cl_r_dino",
    "cl_soft",
    "labels_cl_r",
    "tide",
    "tide_perm",
    "tide_rna_teacher",
    "tide_plus",
    "tide_plus_perm",
)
PIXEL_ARMS = ("raw", "untrained", "mae", *MAIN_ARMS[1:])
MAIN_OF: Mapping[Size, tuple[str, ...]] = {
    "mini": MAIN_ARMS,
    "paper": PIXEL_ARMS,
    "tiny": PIXEL_ARMS,
}
ABLATION_ARMS = (
    "tide_shuf",
    "tide_ssl",
    "tide_scfm",
    "tide_without_dose",
    "tide_without_image",
    "tide_lambda_0",
    "tide_lambda_03",
    "tide_codebook_none",
    "tide_codebook_mlp",
    "tide_codebook_fixed",
    "tide_codebook_ecfp",
    "tide_codebook_descriptors",
    "tide_plus_shuf",
    "tide_plus_codebook_none",
    *(f"{method}_pairs_{n}" for method in ("tide", "tide_plus") for n in (1, 3, 6)),
)
GRID_ARMS = ("labels", "cl_r", "tide", "tide_plus")
GRID_COVERAGES = (0.15, 0.3, 0.5, 1.0)
GRID_OFF_TARGETS = (1.0, 2.0, 3.0)
STRESS_ARMS = ("labels", "tide_plus", "tide_plus_perm")
STRESS = (
    partial(replace, rna_noise=2.0),
    partial(replace, rna_noise=4.0),
    partial(replace, rna_leak=0.5),
    partial(replace, rna_leak=1.0),
    partial(replace, coverage=1.0, rna_noise=0.0, rna_leak=0.0),  # the most RNA could ever give
)
ONCE = ("raw", "untrained")
"""What no training seed changes, or says nothing more by being drawn again."""

N_GRID_WORLDS = 3
"""The grid has twelve settings, so it takes the first few worlds only."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One training and its scores."""

    world: WorldKey
    seed: int
    arm: str

    def folder(self, out: Path) -> Path:
        """Where its run lies."""
        return out / "runs" / self.world.name / self.arm / f"seed_{self.seed}"


def planned_cells(
    worlds: Sequence[int], seeds: Sequence[int], parts: Sequence[Part], *, size: Size = "mini"
) -> list[Cell]:
    """List the trainings, the main table's first; each stands once.

    Parameters
    ----------
    worlds
        Seeds of worlds.
    seeds
        Of trainings: all of them for the main table, the first for the other parts.
    parts
        Any of `PARTS`.
    size
        Features or images, and how many.

    Raises
    ------
    TrainValueError
        No world, seed or part is given.
    """
    if not worlds or not seeds or not parts:
        message = "nothing to train: give --worlds, --seeds and --part one value at least"
        raise TrainValueError(message)
    here = [WorldKey(seed, size=size) for seed in worlds]
    cells: list[Cell] = []
    if "main" in parts:
        cells += [
            Cell(world, seed, arm)
            for world in here
            for seed in seeds
            for arm in MAIN_OF[size]
            if arm not in ONCE or seed == seeds[0]
        ]
    if "ablations" in parts:
        cells += [Cell(world, seeds[0], arm) for world in here for arm in ABLATION_ARMS]
    if "responses" in parts:
        cells += [Cell(world, seeds[0], SCFM) for world in here]
    if "grid" in parts:
        cells += [
            Cell(replace(world, off_target=off_target, coverage=coverage), seeds[0], arm)
            for world in here[:N_GRID_WORLDS]
            for off_target in GRID_OFF_TARGETS
            for coverage in GRID_COVERAGES
            for arm in GRID_ARMS
        ]
    if "stress" in parts:
        cells += [
            Cell(changed(world), seeds[0], arm)
            for world in here[:N_GRID_WORLDS]
            for changed in STRESS
            for arm in STRESS_ARMS
        ]
    return list(dict.fromkeys(cells))
