"""The single-cell foundation model as TIDE uses it: frozen encodings of cell lines and of doses.

Shape legend: B profiles or doses, G genes, C width of the cell encoding, E width of the dose's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_tide.errors import TrainValueError
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.nets.dose_encoding import DoseScale
from tide_train.nets.response_predictor import ResponsePredictor
from tide_train.nets.scgpt import ScGPT, load_scgpt

DOSE_WIDTH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Scfm:
    """An encoder of untreated expression and a dose layer; neither trains any more.

    Parameters
    ----------
    encoder
        scGPT, official or small.
    dose_layer
        One linear layer over the scaled dose.
    dose_scale
        The range of doses it was trained on; others are clipped to it.
    predictor
        What both were trained in; None for the pretrained-only variant, whose dose layer is random.
    """

    encoder: ScGPT
    dose_layer: nn.Linear
    dose_scale: DoseScale
    predictor: ResponsePredictor | None = None

    @classmethod
    def of(cls, predictor: ResponsePredictor, dose_scale: DoseScale) -> Scfm:
        """Take the two encodings out of a trained predictor."""
        predictor.eval()
        return cls(predictor.encoder, predictor.dose_layer, dose_scale, predictor)

    @property
    def is_fine_tuned(self) -> bool:
        """Whether it learned to predict perturbation responses."""
        return self.predictor is not None

    @property
    def dim(self) -> int:
        """Width C of a cell encoding."""
        return self.encoder.config.embsize

    @property
    def dose_dim(self) -> int:
        """Width E of a dose encoding."""
        return self.dose_layer.out_features

    def cell_encoding(
        self, basal_BG: npt.NDArray[np.floating], genes: Sequence[str]
    ) -> torch.Tensor:
        """Encode raw untreated profiles, (B, C); one profile of shape (G,) gives (C,).

        Rows have length one. No gradient reaches the encoder.
        """
        rows_BG = np.atleast_2d(basal_BG)
        encoded_BC = torch.from_numpy(self.encoder.embed(rows_BG, genes))
        return encoded_BC[0] if basal_BG.ndim == 1 else encoded_BC

    def cell_encodings(self, inputs: ExpressionInputs) -> dict[str, torch.Tensor]:
        """Encode every line: the mean over its DMSO profiles, (C,), by the line's name.

        Raises
        ------
        TrainValueError
            The file holds contrasts instead of expression, or no DMSO.
        """
        if inputs.is_contrast or not inputs.basal:
            found = f"level {inputs.level}" if inputs.is_contrast else "no DMSO sample"
            message = (
                "cell lines are encoded from untreated expression, but the L1000 files hold "
                f"{found}; give level 3 files with their controls"
            )
            raise TrainValueError(message)
        return {
            line: self.cell_encoding(profiles_BG, inputs.genes).mean(dim=0)
            for line, profiles_BG in inputs.basal.items()
        }

    @torch.no_grad()
    def encode_dose(self, doses_um: npt.ArrayLike) -> torch.Tensor:
        """Encode doses in micromolar, (B, E); unknown doses take the middle of the range."""
        doses_B = np.atleast_1d(np.asarray(doses_um, dtype=np.float64))
        scaled_B1 = torch.from_numpy(self.dose_scale.scale(doses_B))[:, None]
        weight = self.dose_layer.weight
        encoded_BE: torch.Tensor = self.dose_layer(scaled_B1.to(weight.device)).cpu()
        return encoded_BE


def scfm_from_checkpoint(
    folder: Path, doses_um: npt.NDArray[np.floating], *, dose_width: int = DOSE_WIDTH, seed: int = 0
) -> Scfm:
    """Take an official scGPT checkpoint as it is: the paper's pretrained-only variant.

    Its cell encodings are those of pretraining. It never learned doses: its dose layer is random,
    drawn from `seed`, over the range of `doses_um`.

    Raises
    ------
    CheckpointFormatError
        The folder is no official checkpoint.
    TrainValueError
        No dose is known.
    """
    encoder = load_scgpt(folder)
    dose_layer = nn.Linear(1, dose_width)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in dose_layer.parameters():
            parameter.uniform_(-1, 1, generator=random)
    return Scfm(encoder, dose_layer.requires_grad_(requires_grad=False), DoseScale.of(doses_um))
