"""Signatures beside image profiles: what an adapter between the two trains on and is judged by.

Shapes: N image profiles, S signatures, G genes, D axes of the aligned profiles, V corrections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import TrainValueError
from napari_tide.profiles.align.alignment import Alignment, fit_alignment
from napari_tide.profiles.align.controls import Controls
from napari_tide.profiles.profiles import Profiles, embedding_names
from tide_train.data.batch_corrections import Correction, centred, corrected
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.pairing import Pairing, fold_name
from tide_train.data.training_data import TrainingTable
from tide_train.data.transcriptome_tables import image_samples

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ImageTargets:
    """Profiles after TVN, which an adapter learns to reach and never moves.

    Parameters
    ----------
    aligned_ND
        Each batch centred on its own controls, then TVN over all.
    centred_ND
        The first of the two alone, in the features of the table.
    alignment
        The second.
    """

    aligned_ND: Floats
    centred_ND: Floats
    alignment: Alignment

    @classmethod
    def of(cls, table: TrainingTable) -> ImageTargets:
        """Align a table by its negative controls.

        Raises
        ------
        ProfileValueError
            It has none, or a batch has none.
        """
        profiles = Profiles(table.metadata, table.features, table.feature_names, table.level)
        start = centred(profiles)
        alignment = fit_alignment(Controls.gather([start]), "tvn")
        aligned = alignment.apply(start).features
        return cls(
            np.ascontiguousarray(aligned, np.float32),
            np.ascontiguousarray(start.features, np.float32),
            alignment,
        )


def deployed_correction(inputs: ExpressionInputs, corrections: Sequence[Correction]) -> Correction:
    """Say in what form signatures will be asked with, when there are no controls beside them.

    Z-scores and signatures (levels 4 and 5) as they are; expression against its plate's controls.
    """
    is_plain = inputs.is_contrast or tuple(corrections) == ("none",)
    return "none" if is_plain else "center-scale"


def corrected_signatures(
    inputs: ExpressionInputs, corrections: Sequence[Correction]
) -> Mapping[Correction, Floats]:
    """Give all treated samples after each correction, S x G.

    Raises
    ------
    TrainValueError
        A correction needs controls that a batch lacks.
    """
    needed = [name for name in dict.fromkeys(corrections) if name != "none"]
    found: dict[Correction, Floats] = {"none": inputs.values_NG}
    if needed:
        rows = _with_controls(inputs)
        n_treated = len(inputs.values_NG)
        found |= {name: corrected(rows, name)[:n_treated] for name in needed}
    return found


def _with_controls(inputs: ExpressionInputs) -> Profiles:
    untreated = inputs.untreated
    frames = [inputs.samples] if untreated is None else [inputs.samples, untreated.samples]
    values = [inputs.values_NG] if untreated is None else [inputs.values_NG, untreated.values_MG]
    batches = pd.concat([_batches(frame) for frame in frames], ignore_index=True)
    is_control = np.arange(len(batches)) >= len(inputs.samples)
    _refuse_batches_without_controls(batches, is_control)
    metadata = pd.DataFrame(
        {"Metadata_Batch": batches, "Metadata_Control": np.where(is_control, "negcon", "")}
    )
    return Profiles(metadata, np.concatenate(values), embedding_names(len(inputs.genes)))


def _batches(samples: pd.DataFrame) -> pd.Series:
    """Name each sample's batch: as the file says, else its plate; lines are never mixed."""
    batch, plate = (samples[name].astype(object).map(str) for name in ("batch", "plate"))
    return batch.where(batch != "", plate) + "|" + samples["cell_line"].map(fold_name)


def _refuse_batches_without_controls(batches: pd.Series, is_control: npt.NDArray[np.bool_]) -> None:
    lacking = sorted(set(batches[~is_control]) - set(batches[is_control]))
    if not lacking:
        return
    some = ", ".join(name.partition("|")[0] or "unnamed" for name in lacking[:3])
    message = (
        f"{len(lacking)} batches of the L1000 files have no untreated samples ({some}), so they "
        "cannot be corrected by them; give the files that hold them (level 3 with its DMSO), or "
        "take signatures as they are (--set method.corrections=none)"
    )
    raise TrainValueError(message)


@dataclass(frozen=True, slots=True, eq=False)
class PairedRows:
    """Which profiles and signatures train, and which drugs only judge.

    Parameters
    ----------
    training
        Image profiles that train; each has a partner.
    group_of_image, signatures_of_group
        Each profile's group (drug and line), or -1, and the signatures in it.
    judging
        Signatures of drugs whose pairs do not train, drawn for validation.
    drugs_N, lines_N, doses_N
        Of every profile; numbers are shared with `drugs_S` and `lines_S`.
    drugs_S, lines_S, doses_S
        Of every signature.
    """

    training: Rows
    group_of_image: Rows
    signatures_of_group: tuple[Rows, ...]
    judging: Rows
    drugs_N: Rows
    lines_N: Rows
    doses_N: npt.NDArray[np.float64]
    drugs_S: Rows
    lines_S: Rows
    doses_S: npt.NDArray[np.float64]

    @property
    def trained_signatures(self) -> Rows:
        """The signatures that can be drawn beside a training profile."""
        groups = np.unique(self.group_of_image[self.training])
        return np.sort(np.concatenate([self.signatures_of_group[group] for group in groups]))


def paired_rows(
    metadata: pd.DataFrame,
    inputs: ExpressionInputs,
    pairing: Pairing,
    *,
    training: Rows,
    held_out_share: float,
    seed: int,
) -> PairedRows:
    """Draw the drugs that only judge, and number drugs and lines alike on both sides.

    Parameters
    ----------
    metadata, inputs, pairing
        Of the same profiles and signatures.
    training
        Rows of the profiles that may train.
    held_out_share
        Share of the paired drugs whose pairs only judge.
    seed
        Draws them.

    Raises
    ------
    TrainValueError
        Fewer than two pairs of drug and line are left to train on.
    """
    images = image_samples(metadata)
    is_treated = ((images["compound"] != "") & (images["control"] == "")).to_numpy()
    names_N = images["compound"].map(fold_name).where(is_treated, "").to_numpy()
    names_S = inputs.samples["compound"].map(fold_name).to_numpy()
    all_lines = (images["cell_line"].map(fold_name), inputs.samples["cell_line"].map(fold_name))
    drugs = pd.factorize(np.concatenate([names_N, names_S]), sort=True)
    lines, _ = pd.factorize(np.concatenate(all_lines), sort=True)
    drugs_all = np.where(drugs[1][drugs[0]] == "", -1, drugs[0])
    n_images = len(images)
    groups = pairing.group_of_image
    could_train = training[groups[training] >= 0]
    judged = _drawn(np.unique(drugs_all[could_train]), held_out_share, seed)
    kept = could_train[~np.isin(drugs_all[could_train], judged)]
    if len(np.unique(groups[kept])) < 2:
        message = (
            f"{len(np.unique(groups[could_train]))} pairs of drug and cell line have both images "
            "and signatures, too few to contrast; give more L1000 files, or hold out fewer "
            "(--set method.held_out_share=0)"
        )
        raise TrainValueError(message)
    drugs_S = drugs_all[n_images:]
    return PairedRows(
        training=kept,
        group_of_image=groups,
        signatures_of_group=pairing.rna_of_group,
        judging=np.flatnonzero(np.isin(drugs_S, judged)),
        drugs_N=drugs_all[:n_images],
        lines_N=lines[:n_images],
        doses_N=images["dose_um"].to_numpy(np.float64),
        drugs_S=drugs_S,
        lines_S=lines[n_images:],
        doses_S=inputs.samples["dose_um"].to_numpy(np.float64),
    )


def _drawn(drugs: Rows, share: float, seed: int) -> Rows:
    n_drawn = round(share * len(drugs))
    order = np.random.default_rng([seed, 17]).permutation(drugs)
    return np.sort(order[:n_drawn])
