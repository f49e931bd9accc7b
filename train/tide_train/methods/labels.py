"""The student's own labels alone: a drug classifier over the codebook, no teacher (CE)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch.nn import functional

from tide_train.data.batch import Batch
from tide_train.methods.method import Losses, Method, MethodConfig, MethodInputs
from tide_train.parallel import global_mean


class LabelsConfig(MethodConfig):
    """Settings of the drug classifier; it has none of its own."""

    kind: Literal["labels"] = "labels"


class Labels(Method):
    """Encoder, head and codebook learn which drug was given."""

    trains_drug_head: ClassVar[bool] = True

    def __init__(self, config: LabelsConfig, inputs: MethodInputs) -> None:
        del config
        super().__init__(inputs)

    def forward(self, batch: Batch) -> Losses:
        """Give the cross-entropy of the labelled samples."""
        view = self.views.one(batch.samples, batch.random)
        logits_BK = self.student.logits(self.student(view).pooled_BD)
        losses_B = functional.cross_entropy(logits_BK, batch.drugs_B.clamp_min(0), reduction="none")
        return {"loss": global_mean(losses_B, batch.is_labelled)}
