"""A simulated world: one random mechanism behind real drugs and genes, after the paper's Figure 1.

Drug structure → targets → pathways → transcription and morphology, with cell type acting on all of
them, and two paths into morphology that bypass mechanism: direct chemistry, and stress. A seed
makes a world; the same seed gives the same mechanism whatever part of it is imaged.

Shape legend: N treatments, D drugs, P pathways, A off-target axes, G landmark genes, M parameters,
L cell lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.errors import SimulationValueError
from napari_tide.simulate import facts, morphology, transcription
from napari_tide.simulate.cell_lines import (
    CELL_LINES,
    STRESS_SENSITIVITY,
    draw_contexts,
    untreated_morphology,
)
from napari_tide.simulate.direct_chemistry import DirectChemistry, draw_direct_chemistry
from napari_tide.simulate.drugs import DrugMap, draw_drugs
from napari_tide.simulate.pathways import N_PATHWAYS, GeneMap, draw_genes, saturate
from napari_tide.simulate.streams import stream
from napari_tide.simulate.treatments import Treatments
from napari_tide.simulate.world_settings import WorldSettings

SIMULATOR_VERSION = 2
"""Raised whenever the same seed and options would give other output."""

N_HELD_OUT = 60


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What treatments do inside cells: pathway activity, direct chemistry, stress."""

    line_N: npt.NDArray[np.int64]
    pathways_NP: npt.NDArray[np.float64]
    off_target_NA: npt.NDArray[np.float64]
    stress_N: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The mechanism of one world; `make_world` draws it."""

    seed: int
    settings: WorldSettings
    compounds: tuple[facts.Compound, ...]
    panel: tuple[str, ...]
    genes: GeneMap
    drugs: DrugMap
    chemistry: DirectChemistry
    transcription: transcription.TranscriptionMap
    morphology: morphology.MorphologyMap
    context_LP: npt.NDArray[np.float64]
    is_held_out_D: npt.NDArray[np.bool_]
    rna_order_D: npt.NDArray[np.int64]

    def respond(self, treatments: Treatments) -> Response:
        """Follow treatments through targets and pathways."""
        drug_N, gene_N, line_N = treatments.drug_N, treatments.gene_N, treatments.line_N
        engaged_NG = self.drugs.engagement(
            drug_N, treatments.dose_um_N, n_genes=len(self.genes.names)
        )
        knocked = np.flatnonzero(gene_N >= 0)
        engaged_NG[knocked, gene_N[knocked]] = self.genes.knock_out_G[gene_N[knocked]]
        pathways_NP = saturate(engaged_NG @ self.genes.inhibition_GP) * self.context_LP[line_N]
        essential_N = np.where(gene_N >= 0, self.genes.essentiality_G[gene_N], 0.0)
        sensitivity = np.array([STRESS_SENSITIVITY[line] for line in CELL_LINES])
        stress_N = self.drugs.toxicity(drug_N, treatments.dose_um_N) + essential_N
        return Response(
            line_N=line_N,
            pathways_NP=pathways_NP,
            off_target_NA=self.chemistry.effect(drug_N, treatments.dose_um_N),
            stress_N=sensitivity[line_N] * stress_N,
        )

    def expression_change(self, response: Response) -> npt.NDArray[np.float64]:
        """Give the noise-free change of the landmark genes (N x G, log2)."""
        programmes = self.transcription
        leak_NA = self.settings.rna_leak * response.off_target_NA
        drive_NG = leak_NA @ programmes.axis_AG + np.outer(response.stress_N, programmes.stress_G)
        for line in np.unique(response.line_N):
            rows = response.line_N == line
            drive_NG[rows] += response.pathways_NP[rows] @ programmes.pathway_LPG[line]
        return transcription.limit(drive_NG)

    def morphology_change(self, response: Response) -> npt.NDArray[np.float64]:
        """Give the noise-free change of the morphology parameters (N x M, standard units)."""
        causes = self.morphology
        change_NM = response.off_target_NA @ causes.axis_AM
        change_NM += np.outer(response.stress_N, causes.stress_M)
        change_NM += self.expression_change(response) @ causes.remodelling_GM
        for line in np.unique(response.line_N):
            rows = response.line_N == line
            change_NM[rows] += response.pathways_NP[rows] @ causes.pathway_LPM[line]
        return morphology.limit(change_NM)

    def mean_morphology(self, response: Response) -> npt.NDArray[np.float64]:
        """Give the mean morphology of treated cells: the line's own look and the change."""
        untreated_LM = untreated_morphology()
        return untreated_LM[response.line_N] + self.morphology_change(response)


def make_world(
    seed: int,
    settings: WorldSettings | None = None,
    *,
    compounds: Sequence[facts.Compound] | None = None,
) -> World:
    """Draw the world with this seed.

    Parameters
    ----------
    seed
        0 or more.
    settings
        Strength of what bypasses mechanism.
    compounds
        Instead of the JUMP-Target-1 compounds.

    Raises
    ------
    SimulationValueError
        The seed is negative.
    """
    if seed < 0:
        message = f"--seed is {seed}; expected a whole number of 0 or more"
        raise SimulationValueError(message)
    settings = settings or WorldSettings()
    compounds = tuple(compounds if compounds is not None else facts.compounds())
    genes, panel = facts.all_targets(), facts.knocked_out_genes()
    landmarks, n_lines = facts.landmark_genes(), len(CELL_LINES)
    bits_DF = facts.fingerprints(compounds)
    is_held_out_D, rna_order_D = _draw_split(seed, compounds)
    return World(
        seed=seed,
        settings=settings,
        compounds=compounds,
        panel=panel,
        genes=draw_genes(seed, genes),
        drugs=draw_drugs(seed, compounds, genes=genes, panel=panel),
        chemistry=draw_direct_chemistry(seed, bits_DF, strength=settings.off_target),
        transcription=transcription.draw_transcription(
            seed, n_lines=n_lines, n_genes=len(landmarks)
        ),
        morphology=morphology.draw_morphology(seed, n_lines=n_lines, n_landmarks=len(landmarks)),
        context_LP=draw_contexts(seed, N_PATHWAYS),
        is_held_out_D=is_held_out_D,
        rna_order_D=rna_order_D,
    )


def _draw_split(
    seed: int, compounds: Sequence[facts.Compound]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Hold drugs out of training (never a positive control), and order the rest for RNA."""
    random = stream(seed, "split")
    is_control = np.array([compound.name in facts.POSITIVE_CONTROLS for compound in compounds])
    order = random.permutation(len(compounds))
    held_out = order[~is_control[order]][:N_HELD_OUT]
    is_held_out_D = np.zeros(len(compounds), dtype=bool)
    is_held_out_D[held_out] = True
    again = random.permutation(len(compounds))
    return is_held_out_D, again[~is_held_out_D[again]].astype(np.int64)
