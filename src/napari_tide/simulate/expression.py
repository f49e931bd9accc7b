"""Expression measurements in the manner of L1000: part of the drugs, other doses, own batches.

Images and expression are paired only weakly: by drug and cell line, never by dose or sample.

Shape legend: N samples, G landmark genes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.screens.plate_format import PlateFormat
from napari_tide.simulate import facts
from napari_tide.simulate.cell_lines import CELL_LINES
from napari_tide.simulate.streams import stream
from napari_tide.simulate.treatments import Treatments, dose_series, joined, untreated
from napari_tide.simulate.world import World
from napari_tide.transcriptomes.expression_table import ExpressionTable

RNA_DOSES_UM = (0.4, 1.2, 4.0, 11.0)
N_REPLICATES = 3
N_VEHICLE = 12
PLATE_FORMAT = PlateFormat(16, 24)
NOISE = 0.5
BATCH_SPREAD = 0.2
FLOOR, CEILING = 3.0, 15.0


def simulate_expression(world: World, drugs: Sequence[int]) -> ExpressionTable:
    """Measure drugs (indices) in all cell lines: normalised log2 expression of 978 genes.

    Every line and replicate has plates of its own, each with 12 wells of DMSO. Values are rounded
    to four decimals, so that they are equal on every processor.
    """
    parts = [
        _one_replicate(world, drugs, line=line, replicate=replicate)
        for line in range(len(CELL_LINES))
        for replicate in range(1, N_REPLICATES + 1)
    ]
    genes = pd.DataFrame({"symbol": facts.landmark_genes(), "feature_space": "landmark"})
    genes.index = pd.Index(facts.landmark_genes(), name="rid")
    return ExpressionTable(
        values=np.concatenate([values for values, _ in parts]).astype(np.float32),
        samples=pd.concat([samples for _, samples in parts]),
        genes=genes,
        level="3",
    )


def _one_replicate(
    world: World, drugs: Sequence[int], *, line: int, replicate: int
) -> tuple[npt.NDArray[np.float64], pd.DataFrame]:
    treated = dose_series(drugs, RNA_DOSES_UM, [line])
    n_plates = max(1, -(-len(treated) // (PLATE_FORMAT.n_wells - N_VEHICLE)))
    values, samples = [], []
    for number, rows in enumerate(np.array_split(np.arange(len(treated)), n_plates), start=1):
        plate = f"L{world.seed}_{CELL_LINES[line]}_24H_X{replicate}_P{number}"
        on_plate = joined([untreated([line] * N_VEHICLE), treated.take(rows)])
        random = stream(world.seed, "expression", plate)
        values.append(_measure(world, on_plate, random))
        samples.append(_describe(world, on_plate, plate=plate, random=random))
    return np.concatenate(values), pd.concat(samples)


def _measure(
    world: World, treatments: Treatments, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    change_NG = world.expression_change(world.respond(treatments))
    basal_NG = world.transcription.basal_LG[treatments.line_N]
    batch_G = BATCH_SPREAD * random.standard_normal(change_NG.shape[1])
    noise_NG = NOISE * world.settings.rna_noise * random.standard_normal(change_NG.shape)
    measured_NG: npt.NDArray[np.float64] = np.clip(
        basal_NG + change_NG + batch_G + noise_NG, FLOOR, CEILING
    )
    return measured_NG.round(4)


def _describe(
    world: World, treatments: Treatments, *, plate: str, random: np.random.Generator
) -> pd.DataFrame:
    every_well = PLATE_FORMAT.wells()
    places = random.permutation(len(every_well))[: len(treatments)]
    wells = [every_well[place].name for place in places]
    rows = []
    for drug, dose_um, line in zip(
        treatments.drug_N, treatments.dose_um_N, treatments.line_N, strict=True
    ):
        compound = world.compounds[drug] if drug >= 0 else None
        rows.append(
            {
                "pert_id": compound.broad_sample[:13] if compound else "DMSO",
                "cmap_name": compound.name if compound else "DMSO",
                "pert_type": "trt_cp" if compound else "ctl_vehicle",
                "pert_idose": f"{dose_um:g} uM" if compound else "-666",
                "pert_dose": dose_um,
                "pert_dose_unit": "uM" if compound else "-666",
                "pert_itime": "24 h",
                "cell_iname": CELL_LINES[line],
                "smiles": compound.smiles if compound else "-666",
            }
        )
    samples = pd.DataFrame(rows, index=pd.Index([f"{plate}:{well}" for well in wells], name="cid"))
    return samples.assign(det_plate=plate, det_well=wells)
