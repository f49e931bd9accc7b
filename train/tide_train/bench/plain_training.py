"""TIDE's step written out plainly: the same maths without what makes ours fast.

One pass a crop instead of one a size, attention that writes its matrix out, a teacher pass a crop,
the losses pair by pair, and AdamW, the clip and the moving average parameter by parameter.
Augmentations are ours, batched on the device: cutting images one by one would be no fair peer.

Shapes: B samples, P paired samples, O outputs, K drugs, D width.
"""

from __future__ import annotations

import itertools

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from tide_train.data.batch import Batch
from tide_train.losses.cosine_schedule import cosine_schedule
from tide_train.losses.dino_loss import teacher_temperature
from tide_train.methods.method import paired
from tide_train.methods.self_distillation import SelfDistillation
from tide_train.methods.tide import Tide
from tide_train.run_config import OptimiserSettings


class PlainTraining:
    """Takes steps with a method of its own.

    Parameters
    ----------
    method
        TIDE with self-supervision and pairs, on its device; nobody else trains it.
    settings
        Of the optimiser.
    accelerator
        Gives the precision.
    """

    def __init__(
        self, method: Tide, settings: OptimiserSettings, *, accelerator: Accelerator
    ) -> None:
        assert method.ssl is not None, "the reference is written for all four parts"
        self.method, self.accelerator = method, accelerator
        self.ssl: SelfDistillation = method.ssl
        self._clip_norm = settings.clip_norm
        for part in method.modules():
            if hasattr(part, "fused_attn"):  # timm's attention then writes its matrix out
                setattr(part, "fused_attn", False)  # noqa: B010 - no attribute modules declare
        self._trained = [p for p in method.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._trained, lr=settings.lr, betas=settings.betas, foreach=False, fused=False
        )

    def step(self, batch: Batch) -> None:
        """Train on a batch."""
        with self.accelerator.autocast():
            crops = self.method.views.many(batch.samples, batch.random)
            loss = self.loss(batch, crops)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._clip_norm:
            nn.utils.clip_grad_norm_(self._trained, self._clip_norm, foreach=False)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._follow(batch.step)

    def count_flops(self, batch: Batch) -> int:
        """Count the operations of products and convolutions, forward and backward, of a batch.

        Making the views is not counted: it is work, but none that the encoder asks for.
        """
        with self.accelerator.autocast():
            crops = self.method.views.many(batch.samples, batch.random)
            with FlopCounterMode(display=False) as counter:
                self.loss(batch, crops).backward()  # type: ignore[no-untyped-call]
        self._optimiser.zero_grad(set_to_none=True)
        return int(counter.get_total_flops())

    def loss(self, batch: Batch, crops: list[torch.Tensor]) -> torch.Tensor:
        """Give the loss of a batch, the same number as `Tide` does."""
        config, student = self.method.config, self.method.student
        embeddings = [student.encoder(crop).pooled_BD for crop in crops]
        total = config.beta * self._self_supervision(crops, embeddings, batch.step)
        placed_BD = functional.normalize(student.head(embeddings[0]), dim=1)
        logits_BK = (placed_BD @ student.codebook().T).float() / student.config.tau
        log_student_BK = logits_BK.softmax(dim=1).log()
        here_P = paired(batch).samples_P
        teacher_PK = self.method.teacher_logits(embeddings[0][here_P], batch)
        assert teacher_PK is not None
        chances_PK = teacher_PK.float().softmax(dim=1)
        aim_PK = chances_PK.detach()
        advice = (aim_PK * (aim_PK.log() - log_student_BK[here_P])).sum() / len(here_P)
        drugs_P = batch.drugs_B[here_P, None]
        own = -chances_PK.log().gather(1, drugs_P).mean()
        of_label_B = log_student_BK.gather(1, batch.drugs_B.clamp_min(0)[:, None])[:, 0]
        labels = -(of_label_B * batch.is_labelled).sum() / batch.is_labelled.sum()
        return (
            total + config.distillation * advice + config.alpha * own + config.label_weight * labels
        )

    def _self_supervision(
        self, crops: list[torch.Tensor], embeddings: list[torch.Tensor], step: int
    ) -> torch.Tensor:
        ssl, settings = self.ssl, self.ssl.config
        n_epochs = max(ssl.n_steps // ssl.steps_per_epoch, 1)
        temperature = teacher_temperature(
            step // ssl.steps_per_epoch,
            start=settings.teacher_from,
            end=settings.teacher_to,
            n_warmup_epochs=round(settings.warmup_share * n_epochs),
        )
        with torch.no_grad():
            teachers = [
                ssl.teacher_head(ssl.teacher_encoder(crop).pooled_BD).float() for crop in crops[:2]
            ]
        students = [ssl.head(embedding_BD).float() for embedding_BD in embeddings]
        losses = []
        for t, teacher_BO in enumerate(teachers):
            aim_BO = ((teacher_BO - ssl.loss.centre_1O) / temperature).softmax(dim=1)
            for s, student_BO in enumerate(students):
                if s != t:
                    log_BO = (student_BO / settings.temperature).log_softmax(dim=1)
                    losses.append(-(aim_BO * log_BO).sum(dim=1).mean())
        with torch.no_grad():
            mean_1O = torch.cat(teachers).mean(dim=0, keepdim=True)
            kept = settings.centre_momentum
            ssl.loss.centre_1O.copy_(ssl.loss.centre_1O * kept + mean_1O * (1 - kept))
        return torch.stack(losses).mean()

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        ssl = self.ssl
        momentum = cosine_schedule(step, start=ssl.config.momentum, end=1.0, n_steps=ssl.n_steps)
        pairs = [
            (ssl.teacher_encoder.parameters(), self.method.student.encoder.parameters()),
            (ssl.teacher_head.parameters(), ssl.head.parameters()),
        ]
        for mean, new in itertools.chain(*(zip(*pair, strict=True) for pair in pairs)):
            mean.copy_(mean * momentum + new * (1 - momentum))
