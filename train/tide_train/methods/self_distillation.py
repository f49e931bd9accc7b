"""DINO as a part: a moving average of the student teaches it over crops (Caron et al. 2021).

`dino` is this part alone; `tide` and the hybrids add it to their own loss, so that without their
own loss they are DINO, step for step.

Shapes: V crops, B samples, D width, O outputs.
"""

from __future__ import annotations

import copy
from typing import Self

import torch
from pydantic import Field
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from napari_tide.students.encoders.encoder import Encoder
from tide_train.losses.cosine_schedule import cosine_schedule
from tide_train.losses.dino_loss import DinoLoss, teacher_temperature
from tide_train.methods.method import MethodConfig, MethodInputs
from tide_train.nets.dino_head import DinoHead
from tide_train.seeding import seeded


class SelfDistillationConfig(MethodConfig):
    """Settings of the published DINO."""

    n_outputs: int = Field(
        default=4096, ge=2, title="DINO outputs", description="Width of the head's output"
    )
    head_hidden: int = Field(
        default=2048, ge=8, title="DINO head width", description="Hidden width of the head"
    )
    head_bottleneck: int = Field(
        default=256, ge=8, title="DINO bottleneck", description="Width before the head's last layer"
    )
    momentum: float = Field(
        default=0.996,
        ge=0,
        lt=1,
        title="DINO momentum",
        description="Of the moving average; it must fit the run's length",
    )
    temperature: float = Field(
        default=0.1, gt=0, title="DINO temperature", description="Of the student"
    )
    teacher_from: float = Field(
        default=0.04,
        gt=0,
        title="DINO teacher, first",
        description="Teacher's temperature at first",
    )
    teacher_to: float = Field(
        default=0.07,
        gt=0,
        title="DINO teacher, last",
        description="Teacher's temperature in the end",
    )
    warmup_share: float = Field(
        default=0.1, ge=0, le=1, title="DINO warm-up", description="Share of epochs between them"
    )
    centre_momentum: float = Field(
        default=0.9,
        ge=0,
        lt=1,
        title="DINO centre",
        description="Memory of the centre that outputs are brought to",
    )


class SelfDistillation(nn.Module):
    """Heads, the averaged encoder, and the loss with its centre."""

    def __init__(self, config: SelfDistillationConfig, inputs: MethodInputs) -> None:
        super().__init__()
        self.config = config
        self.n_steps, self.steps_per_epoch = inputs.n_steps, inputs.steps_per_epoch
        with seeded(inputs.seed, "dino head"):
            self.head = DinoHead(
                inputs.student.encoder.width,
                config.n_outputs,
                hidden=config.head_hidden,
                bottleneck=config.head_bottleneck,
            )
        self.teacher_encoder: Encoder = copy.deepcopy(inputs.student.encoder)
        self.teacher_head = copy.deepcopy(self.head)
        for parameter in (*self.teacher_encoder.parameters(), *self.teacher_head.parameters()):
            parameter.requires_grad = False
        self.loss = DinoLoss(
            config.n_outputs,
            student_temperature=config.temperature,
            centre_momentum=config.centre_momentum,
        )

    def forward(
        self, crops: list[torch.Tensor], embeddings: list[torch.Tensor], step: int
    ) -> torch.Tensor:
        """Give the loss of a batch.

        Parameters
        ----------
        crops
            The two large ones first.
        embeddings
            The student's embedding of each crop.
        step
            Which step this is.
        """
        student_VBO = torch.stack([self.head(embedding_BD) for embedding_BD in embeddings])
        with torch.no_grad():
            seen_BD = self.teacher_encoder(torch.cat(crops[:2])).pooled_BD
            teacher_VBO = self.teacher_head(seen_BD).reshape(2, *student_VBO.shape[1:])
        n_epochs = max(self.n_steps // self.steps_per_epoch, 1)
        temperature = teacher_temperature(
            step // self.steps_per_epoch,
            start=self.config.teacher_from,
            end=self.config.teacher_to,
            n_warmup_epochs=round(self.config.warmup_share * n_epochs),
        )
        loss: torch.Tensor = self.loss(student_VBO, teacher_VBO, teacher_temperature=temperature)
        return loss

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's own signature
        """Keep the teacher as it is used, without dropped paths."""
        super().train(mode)
        self.teacher_encoder.eval()
        self.teacher_head.eval()
        return self

    @torch.no_grad()
    def follow(self, encoder: nn.Module, step: int) -> None:
        """Move the average towards the student's weights."""
        momentum = cosine_schedule(step, start=self.config.momentum, end=1.0, n_steps=self.n_steps)
        pairs = [
            *zip(self.teacher_encoder.parameters(), encoder.parameters(), strict=True),
            *zip(self.teacher_head.parameters(), self.head.parameters(), strict=True),
        ]
        means, new = zip(*pairs, strict=True)
        # all at once: hundreds of small calls would take longer than the work
        move = get_ema_multi_avg_fn(momentum)  # type: ignore[no-untyped-call]
        move(means, new, 0)
        for kept, now in zip(self.teacher_encoder.buffers(), encoder.buffers(), strict=True):
            kept.copy_(now)


def embed_crops(encoder: nn.Module, crops: list[torch.Tensor]) -> list[torch.Tensor]:
    """Embed crops, those of one size in one pass, as a transformer likes it."""
    shapes = [tuple(crop.shape[1:]) for crop in crops]
    embeddings: list[torch.Tensor] = []
    start = 0
    while start < len(crops):
        stop = start
        while stop < len(crops) and shapes[stop] == shapes[start]:
            stop += 1
        together = encoder(torch.cat(crops[start:stop])).pooled_BD
        embeddings.extend(together.chunk(stop - start))
        start = stop
    return embeddings
