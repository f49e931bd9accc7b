"""Plate layouts: which treatment is in which well, drawn anew for every replicate block.

Fixed positions would let an encoder recognise a knock-out by its place on the plate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.well import Well
from napari_tide.simulate import facts
from napari_tide.simulate.cell_lines import CELL_LINES
from napari_tide.simulate.presets import Design
from napari_tide.simulate.selection import Selection
from napari_tide.simulate.streams import stream
from napari_tide.simulate.treatments import (
    Treatments,
    dose_series,
    joined,
    knock_outs,
    untreated,
)
from napari_tide.simulate.world import World


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Every well of a screen and what is in it.

    Parameters
    ----------
    wells
        A row per well: ``plate, well, row, column, batch, cell_line, control, treatment``, the last
        an index into `treatments`.
    treatments
        The distinct conditions.
    plate_format
        The grid.
    """

    wells: pd.DataFrame
    treatments: Treatments
    plate_format: PlateFormat


def lay_out(world: World, design: Design, selection: Selection) -> Layout:
    """Spread a design over plates."""
    plate_format = PlateFormat.of(design.plate_wells)
    names = [compound.name for compound in world.compounds]
    positives = [names.index(name) for name in facts.POSITIVE_CONTROLS]
    tables, parts, offset = [], [], 0
    for line_name in design.lines:
        line = [CELL_LINES.index(line_name)]
        drugs = dose_series(selection.drugs, design.doses_um, line)
        genes = knock_outs(selection.genes, line)
        controls = [untreated(line), dose_series(positives, design.doses_um[-1:], line)]
        parts += [drugs, genes, *controls]
        n_drugs, n_genes = len(drugs), len(genes)
        one_block = np.concatenate(
            [
                np.tile(np.arange(n_drugs), design.drug_copies),
                np.tile(n_drugs + np.arange(n_genes), design.gene_copies),
            ]
        )
        negative = n_drugs + n_genes
        positive = [negative + 1 + number for number in range(len(positives))]
        for block in range(design.n_blocks):
            random = stream(world.seed, "layout", line_name, block)
            table = _block(random, one_block, negative, positive, design, plate_format)
            table["treatment"] += offset
            table["plate"] = [
                f"S{world.seed}-{line_name}-R{block + 1}-P{number + 1}" for number in table["plate"]
            ]
            table["batch"] = f"{line_name}-B{block + 1}"
            table["cell_line"] = line_name
            tables.append(table)
        offset += negative + 1 + len(positives)
    return Layout(pd.concat(tables, ignore_index=True), joined(parts), plate_format)


def _block(
    random: np.random.Generator,
    one_block: npt.NDArray[np.int64],
    negative: int,
    positive: Sequence[int],
    design: Design,
    plate_format: PlateFormat,
) -> pd.DataFrame:
    room = plate_format.n_wells - design.n_negative - design.n_positive
    n_plates = -(-len(one_block) // room)
    shares = np.array_split(random.permutation(one_block), n_plates)
    rows: list[tuple[int, Well, str, int]] = []
    for plate, share in enumerate(shares):
        n_controls = design.n_negative + design.n_positive
        control_wells = _spread(random, plate_format, n_controls)
        taken = {*control_wells}
        others = [well for well in plate_format.wells() if well not in taken]
        order = random.permutation(n_controls)
        for number, place in enumerate(order):
            is_negative = number < design.n_negative
            treatment = negative if is_negative else positive[number % len(positive)]
            control = "negcon" if is_negative else "poscon"
            rows.append((plate, control_wells[place], control, treatment))
        places = random.permutation(len(others))[: len(share)]
        for place, treatment in zip(places, share, strict=True):
            rows.append((plate, others[place], "", int(treatment)))
    return _sorted(rows)


def _spread(random: np.random.Generator, plate_format: PlateFormat, n_wells: int) -> list[Well]:
    """Choose wells all over the plate: one at random from each of `n_wells` runs of neighbours."""
    by_column = sorted(plate_format.wells(), key=lambda well: (well.column, well.row))
    runs = np.array_split(np.arange(len(by_column)), n_wells)
    return [by_column[int(random.choice(run))] for run in runs]


def _sorted(rows: list[tuple[int, Well, str, int]]) -> pd.DataFrame:
    rows = sorted(rows, key=lambda row: (row[0], row[1]))
    return pd.DataFrame(
        {
            "plate": [plate for plate, *_ in rows],
            "well": [well.name for _, well, *_ in rows],
            "row": [well.row for _, well, *_ in rows],
            "column": [well.column for _, well, *_ in rows],
            "control": [control for _, _, control, _ in rows],
            "treatment": [treatment for *_, treatment in rows],
        }
    )
