"""TIDE: a teacher that also sees the transcriptome puts soft labels over a codebook of drugs.

The student, which sees the image alone, learns them (arXiv 2604.22832). The loss is
distillation + alpha * teacher + beta * self-supervision + lambda * the student's own labels.

Shapes: B samples, P paired samples, D width, K drugs.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.nn import functional

from tide_train.data.batch import Batch
from tide_train.losses.distillation_loss import distillation_loss
from tide_train.methods.method import Losses, Method, MethodConfig, MethodInputs, paired
from tide_train.methods.self_distillation import (
    SelfDistillation,
    SelfDistillationConfig,
    embed_crops,
)
from tide_train.nets.tide_teacher import TeacherConfig, TideTeacher
from tide_train.parallel import global_mean
from tide_train.seeding import seeded


class TideConfig(MethodConfig):
    """Weights of the four parts, the teacher and the self-supervision."""

    kind: Literal["tide"] = "tide"
    teacher: TeacherConfig = Field(
        default=TeacherConfig(),
        title="Teacher",
        description="What it sees, and how often it does not",
    )
    distillation: float = Field(
        default=1.0, ge=0, title="Distillation", description="Weight of the teacher's advice"
    )
    alpha: float = Field(
        default=1.0,
        ge=0,
        title="Teacher's labels (alpha)",
        description="Weight of the teacher's own labels",
    )
    beta: float = Field(
        default=0.2, ge=0, title="Self-supervision (beta)", description="Weight of self-supervision"
    )
    label_weight: float = Field(
        default=1.0,
        ge=0,
        title="Student's labels (lambda)",
        description="Weight of the student's own labels (lambda)",
    )
    label_weight_end: float | None = Field(
        default=None,
        ge=0,
        title="Student's labels, last",
        description="What it falls or rises to, in a straight line",
    )
    labels_on: Literal["all", "unpaired"] = Field(
        default="all",
        title="Labels count on",
        description="Which labelled samples the student's own labels count for",
    )
    ssl: SelfDistillationConfig = Field(
        default=SelfDistillationConfig(), title="Self-supervision", description="DINO's settings"
    )
    needs_pairs: bool = Field(
        default=True,
        title="Require pairs",
        description="Refuse data without a pair; otherwise train as DINO",
    )


class Tide(Method):
    """Student and teacher share an encoder and a codebook."""

    trains_drug_head: ClassVar[bool] = True
    needs_pairs: ClassVar[bool] = True

    def __init__(self, config: TideConfig, inputs: MethodInputs) -> None:
        super().__init__(inputs)
        self.config = config
        is_dino = not inputs.has_pairs
        self.ssl = SelfDistillation(config.ssl, inputs) if config.beta or is_dino else None
        self.teacher: TideTeacher | None = None
        if inputs.has_pairs:
            with seeded(inputs.seed, "tide teacher"):
                self.teacher = TideTeacher(
                    config.teacher,
                    width=inputs.student.encoder.width,
                    n_genes=inputs.n_genes,
                    cell_width=inputs.cell_width,
                    rna_dose_width=inputs.rna_dose_width,
                )

    def forward(self, batch: Batch) -> Losses:
        """Give the loss; without a single pair in the data it is DINO's."""
        if self.ssl is None:
            views = [self.views.one(batch.samples, batch.random)]
        else:
            views = self.views.many(batch.samples, batch.random)
        embeddings = embed_crops(self.student.encoder, views)
        parts: Losses = {}
        if self.ssl is not None:
            parts["ssl"] = self.ssl(views, embeddings, batch.step)
        if self.teacher is None:
            return {"loss": parts["ssl"], **parts}
        parts |= self._about_drugs(embeddings[0], batch)
        total = (
            self.config.distillation * parts["distillation"]
            + self.config.alpha * parts["teacher"]
            + self._label_weight(batch.step) * parts["labels"]
        )
        if self.ssl is not None:
            total = total + self.config.beta * parts["ssl"]
        return {"loss": total, **parts}

    def _about_drugs(self, embeddings_BD: torch.Tensor, batch: Batch) -> Losses:
        prototypes_KD = self.student.codebook()
        tau = self.student.config.tau
        student_BK = self.student.similarities(embeddings_BD, prototypes_KD) / tau
        labels = functional.cross_entropy(student_BK, batch.drugs_B.clamp_min(0), reduction="none")
        here_P = paired(batch).samples_P
        teacher_PK = self._teacher_logits(embeddings_BD[here_P], batch, prototypes_KD)
        advice_P = distillation_loss(teacher_PK, student_BK[here_P])
        own_P = functional.cross_entropy(teacher_PK, batch.drugs_B[here_P], reduction="none")
        return {
            "distillation": global_mean(advice_P),
            "teacher": global_mean(own_P),
            "labels": global_mean(labels, self._is_labelled(batch)),
        }

    def _teacher_logits(
        self, embeddings_PD: torch.Tensor, batch: Batch, prototypes_KD: torch.Tensor
    ) -> torch.Tensor:
        assert self.teacher is not None
        partners = paired(batch)
        fused_PD = self.teacher(
            embeddings_PD,
            partners.rna_PG,
            partners.cells_PE,
            image_doses_B=batch.doses_B[partners.samples_P],
            rna_doses_BE=partners.doses_PE,
        )
        return self.teacher.logits(fused_PD, prototypes_KD)

    def _is_labelled(self, batch: Batch) -> torch.Tensor:
        if self.config.labels_on == "all":
            return batch.is_labelled
        is_unpaired_B = torch.ones_like(batch.is_labelled)
        is_unpaired_B = is_unpaired_B.index_fill(0, paired(batch).samples_P, False)  # noqa: FBT003
        return batch.is_labelled & is_unpaired_B

    def _label_weight(self, step: int) -> float:
        start, end = self.config.label_weight, self.config.label_weight_end
        return start if end is None else start + (end - start) * step / max(self.n_steps - 1, 1)

    def after_step(self, step: int) -> None:
        """Move DINO's average."""
        if self.ssl is not None:
            self.ssl.follow(self.student.encoder, step)

    def teacher_logits(self, embeddings_PD: torch.Tensor, batch: Batch) -> torch.Tensor | None:
        """Give what the teacher says of held-out pairs."""
        if self.teacher is None:
            return None
        return self._teacher_logits(embeddings_PD, batch, self.student.codebook())
