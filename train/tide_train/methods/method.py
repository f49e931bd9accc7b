"""What every method tells the loop: the losses of a batch, and which encoder to use afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

from napari_tide.students.student import Student
from tide_train.data.batch import Batch, Partners, Transcriptomes
from tide_train.data.views import Views

Losses = dict[str, torch.Tensor]


class MethodConfig(BaseModel):
    """A method's own settings; every method adds its ``kind``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, eq=False)
class MethodInputs:
    """What a method is built from, the same for all of them.

    Parameters
    ----------
    student
        Encoder, head and codebook; each method trains what it needs of it.
    views
        Makes augmented views of a batch.
    n_steps, steps_per_epoch
        For schedules.
    n_genes, cell_width, rna_dose_width
        Widths of what transcriptomes give; zero where there are none.
    has_pairs
        Whether any sample has a transcriptome.
    transcriptomes
        Those of the paired samples, for methods that summarise them beforehand.
    seed
        Draws the weights of a method's own parts.
    """

    student: Student
    views: Views
    n_steps: int
    steps_per_epoch: int
    n_genes: int = 0
    cell_width: int = 0
    rna_dose_width: int = 1
    has_pairs: bool = False
    transcriptomes: Transcriptomes | None = None
    seed: int = 0


class Method(nn.Module, ABC):
    """A student and whatever else learns beside it."""

    trains_drug_head: ClassVar[bool] = False
    needs_pairs: ClassVar[bool] = False

    def __init__(self, inputs: MethodInputs) -> None:
        super().__init__()
        self.student = inputs.student
        self.views = inputs.views
        self.n_steps = inputs.n_steps
        self.steps_per_epoch = inputs.steps_per_epoch

    @abstractmethod
    def forward(self, batch: Batch) -> Losses:
        """Give the loss as ``loss``, and its parts by name for the curves."""

    def after_step(self, step: int) -> None:
        """Do what follows an optimiser's step, such as moving an average of weights."""

    @property
    def used_encoder(self) -> nn.Module:
        """Which encoder is validated and ends in the bundle."""
        return self.student.encoder

    def spaces(self, embeddings_ND: torch.Tensor) -> dict[str, torch.Tensor]:
        """Give the spaces in which embeddings can be compared: the trunk's own, and the head's.

        The head is the one this method trains: over drugs, or into a contrastive space.
        """
        found = {"trunk": embeddings_ND}
        if self.trains_drug_head:
            found["head"] = self.student.head(embeddings_ND)
        return found

    def teacher_logits(self, embeddings_PD: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        """Give a teacher's logits of the paired samples of a batch, where there is a teacher.

        Parameters
        ----------
        embeddings_PD
            The student's embeddings of those samples.
        batch
            The batch they come from.
        """
        del embeddings_PD, batch
        return None


def paired(batch: Batch) -> Partners:
    """Give the partners of a batch of data that has some."""
    assert batch.partners is not None, "the trainer refuses this method for data without pairs"
    return batch.partners
