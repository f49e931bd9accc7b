"""From expression files and images to what a batch draws from: partners, doses, cell encodings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from tide_train.data.batch import Transcriptomes
from tide_train.data.expression_inputs import ExpressionInputs, TeacherForm
from tide_train.data.pairing import Pairing, fold_name, pair
from tide_train.nets.dose_encoding import DoseScale

Control = Literal["", "permuted", "shuffled"]


class CellAndDoseEncoder(Protocol):
    """What the scFM gives: a vector per cell line, and one per dose."""

    def cell_encodings(self, inputs: ExpressionInputs) -> dict[str, torch.Tensor]:
        """Encode each line's untreated expression."""

    def encode_dose(self, doses_um: npt.ArrayLike) -> torch.Tensor:
        """Encode doses."""


@dataclass(frozen=True, slots=True)
class TranscriptomeSettings:
    """How transcriptomes are given to a method.

    Parameters
    ----------
    form
        Against the line's own DMSO, or raw.
    n_per_drug
        At most so many of each drug and line.
    control
        ``permuted``: every drug gets another drug's expression; ``shuffled``: every sample another
        sample's. Both keep lines and doses.
    seed
        Draws the two above.
    """

    form: TeacherForm = "control_scaled"
    n_per_drug: int | None = None
    control: Control = ""
    seed: int = 0


def image_samples(metadata: pd.DataFrame) -> pd.DataFrame:
    """Give profiles' metadata in the words that pairing reads."""
    columns = {
        "compound": "Metadata_Compound",
        "cell_line": "Metadata_Cell_Line",
        "dose_um": "Metadata_Dose_uM",
        "control": "Metadata_Control",
    }
    table = pd.DataFrame(index=metadata.index)
    for ours, theirs in columns.items():
        table[ours] = metadata.get(theirs, "")
    for name in ("compound", "cell_line", "control"):
        table[name] = table[name].astype(object).where(table[name].notna(), "").map(str)
    table["control"] = table["control"].where(table["control"] == "negcon", "")
    table["dose_um"] = pd.to_numeric(table["dose_um"], errors="coerce")
    return table


def pair_images(metadata: pd.DataFrame, inputs: ExpressionInputs) -> Pairing:
    """Pair images with transcriptomes; drugs used as positive controls are drugs."""
    rna = inputs.samples.assign(control="")
    return pair(image_samples(metadata), rna)


def transcriptomes(
    pairing: Pairing,
    inputs: ExpressionInputs,
    settings: TranscriptomeSettings,
    *,
    encoder: CellAndDoseEncoder | None = None,
) -> Transcriptomes:
    """Assemble what batches draw from.

    Parameters
    ----------
    pairing
        Of the same inputs.
    inputs
        Expression of treated samples, and of untreated ones for each line.
    settings
        The form of the values, and controls.
    encoder
        The scFM. Without one, a line is one of several (a column each), a dose one number.
    """
    random = np.random.default_rng([settings.seed, 13])
    if settings.n_per_drug is not None:
        pairing = pairing.limited(settings.n_per_drug, random)
    if settings.control == "permuted":
        pairing = _permuted(pairing, inputs, random)
    values_NG = inputs.for_teacher(settings.form)
    if settings.control == "shuffled":
        values_NG = values_NG[random.permutation(len(values_NG))]
    doses_um = inputs.samples["dose_um"].to_numpy(dtype=np.float64)
    lines, cells_LE = _cell_lines(inputs, encoder)
    return Transcriptomes(
        pairing=pairing,
        rna_NG=torch.from_numpy(np.ascontiguousarray(values_NG, dtype=np.float32)),
        doses_NE=_doses(doses_um, encoder),
        log_doses_N=torch.from_numpy(log_doses(doses_um)),
        lines_N=torch.from_numpy(lines),
        cells_LE=cells_LE,
    )


def log_doses(doses_um: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Give logarithms of doses in µM; NaN where a dose is unknown."""
    is_known = np.isfinite(doses_um) & (doses_um > 0)
    return np.where(is_known, np.log10(np.where(is_known, doses_um, 1.0)), np.nan).astype(
        np.float32
    )


def _doses(doses_um: npt.NDArray[np.float64], encoder: CellAndDoseEncoder | None) -> torch.Tensor:
    if encoder is not None:
        return encoder.encode_dose(doses_um).float()
    is_known = np.isfinite(doses_um) & (doses_um > 0)
    if not is_known.any():
        return torch.full((len(doses_um), 1), 0.5)
    return torch.from_numpy(DoseScale.of(doses_um).scale(doses_um))[:, None]


def _cell_lines(
    inputs: ExpressionInputs, encoder: CellAndDoseEncoder | None
) -> tuple[npt.NDArray[np.int64], torch.Tensor]:
    numbers, lines = pd.factorize(inputs.samples["cell_line"].map(fold_name), sort=True)
    if encoder is None:
        return numbers.astype(np.int64), torch.eye(len(lines))
    found = {fold_name(line): row for line, row in encoder.cell_encodings(inputs).items()}
    nothing = torch.zeros_like(next(iter(found.values())))
    rows = [found.get(line, nothing).float() for line in lines]
    return numbers.astype(np.int64), torch.stack(rows)


def _permuted(pairing: Pairing, inputs: ExpressionInputs, random: np.random.Generator) -> Pairing:
    """Give every drug one other drug's transcriptomes, in the same line where they are there."""
    drugs = inputs.samples["compound"].map(fold_name).to_numpy()
    lines = inputs.samples["cell_line"].map(fold_name).to_numpy()
    groups = {(drugs[rows[0]], lines[rows[0]]): rows for rows in pairing.rna_of_group}
    order = random.permutation(sorted({drug for drug, _ in groups}))
    other_of = dict(zip(order, np.roll(order, 1), strict=True))  # a cycle: nobody keeps its own
    exchanged = []
    for drug, line in groups:
        other = other_of[drug]
        anywhere = next(rows for (name, _), rows in groups.items() if name == other)
        exchanged.append(groups.get((other, line), anywhere))
    return replace(pairing, rna_of_group=tuple(exchanged))
