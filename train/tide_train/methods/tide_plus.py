"""TIDE+: two heads on one trunk, one for what a drug does, one for which drug it is.

The mechanism head regresses a low-dimensional summary of the drug's transcriptome at the image's
own dose; the identity head is the student's own, over the codebook. Neither sees the other's
labels, so recognising drugs does not cost the map of mechanisms. No teacher, no dose input.

Shapes: B samples, P paired samples, D width, K drugs, M mechanism axes.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from tide_train.data.batch import Batch
from tide_train.methods.method import Losses, Method, MethodConfig, MethodInputs, paired
from tide_train.nets.mechanism_axes import MechanismAxes
from tide_train.parallel import global_mean
from tide_train.seeding import seeded


class TidePlusConfig(MethodConfig):
    """Weights of the two heads, and how transcriptomes are summarised."""

    kind: Literal["tide_plus"] = "tide_plus"
    label_weight: float = Field(
        default=2.0, ge=0, title="Weight of labels", description="Which drug was given"
    )
    mechanism_weight: float = Field(
        default=5.0, ge=0, title="Weight of mechanism", description="What its transcriptome shows"
    )
    n_axes: int | None = Field(
        default=None,
        ge=1,
        title="Axes of mechanism",
        description="Dimensions of a transcriptome's summary; as many as replicates agree on",
    )


class TidePlus(Method):
    """Student with a second head beside its own."""

    trains_drug_head: ClassVar[bool] = True
    needs_pairs: ClassVar[bool] = True

    def __init__(self, config: TidePlusConfig, inputs: MethodInputs) -> None:
        super().__init__(inputs)
        self.config = config
        assert inputs.transcriptomes is not None, "the trainer refuses this method without pairs"
        self.axes = MechanismAxes(inputs.transcriptomes, n_axes=config.n_axes)
        with seeded(inputs.seed, "tide_plus head"):
            self.mechanism_head = nn.Linear(inputs.student.encoder.width, self.axes.n_axes)

    def forward(self, batch: Batch) -> Losses:
        """Give the loss: labels of all labelled samples, mechanism of the paired ones."""
        view = self.views.one(batch.samples, batch.random)
        embeddings_BD = self.student(view).pooled_BD
        logits_BK = self.student.logits(embeddings_BD)
        labels_B = functional.cross_entropy(logits_BK, batch.drugs_B.clamp_min(0), reduction="none")
        partners = paired(batch)
        here_P = partners.samples_P
        target_PM = self.axes.at(partners.rows_P, batch.log_doses_B[here_P])
        found_PM = self.mechanism_head(embeddings_BD[here_P])
        apart_P = 1 - functional.cosine_similarity(found_PM, target_PM, dim=1)
        labels = global_mean(labels_B, batch.is_labelled)
        mechanism = global_mean(apart_P)
        total = self.config.label_weight * labels + self.config.mechanism_weight * mechanism
        return {"loss": total, "labels": labels, "mechanism": mechanism}

    def spaces(self, embeddings_ND: torch.Tensor) -> dict[str, torch.Tensor]:
        """Give both heads' outputs beside the trunk.

        The mechanism head is for measurements: a bundle goes without it, since beside the student's
        own head it tells next to nothing (``docs/training.md``).
        """
        mechanism: torch.Tensor = self.mechanism_head(embeddings_ND)
        return {**super().spaces(embeddings_ND), "mechanism": mechanism}
