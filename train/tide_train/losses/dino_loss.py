"""DINO's loss: the student's crops predict the centred, sharpened teacher (Caron et al. 2021).

Shapes: V crops of B images, the global ones first; O outputs of the head.
"""

from __future__ import annotations

import torch
from torch import distributed, nn
from torch.nn import functional


def teacher_temperature(
    epoch: int, *, start: float = 0.04, end: float = 0.07, n_warmup_epochs: int = 30
) -> float:
    """Rise in a straight line over the first epochs, then stay."""
    if epoch >= n_warmup_epochs or n_warmup_epochs <= 1:
        return end
    return start + (end - start) * epoch / (n_warmup_epochs - 1)


class DinoLoss(nn.Module):
    """Cross-entropy between every teacher view and every other student view, with a centre."""

    centre_1O: torch.Tensor

    def __init__(
        self, n_outputs: int, *, student_temperature: float = 0.1, centre_momentum: float = 0.9
    ) -> None:
        super().__init__()
        self.student_temperature = student_temperature
        self.centre_momentum = centre_momentum
        self.register_buffer("centre_1O", torch.zeros(1, n_outputs))

    def forward(
        self,
        student_VBO: torch.Tensor,
        teacher_VBO: torch.Tensor,
        *,
        teacher_temperature: float,
    ) -> torch.Tensor:
        """Give the loss; the centre moves on afterwards.

        Parameters
        ----------
        student_VBO
            The head's outputs for every crop.
        teacher_VBO
            The teacher's, for the global crops only; no gradient flows into them.
        teacher_temperature
            Below the student's, so that targets are sharper.
        """
        # a sum over tens of thousands of outputs has three digits left in half precision
        with torch.autocast(student_VBO.device.type, enabled=False):
            loss = self._cross_entropy(
                _at_least_32_bits(student_VBO),
                _at_least_32_bits(teacher_VBO.detach()),
                teacher_temperature,
            )
        self._move_centre(teacher_VBO.detach())
        return loss

    def _cross_entropy(
        self, student_VBO: torch.Tensor, teacher_VBO: torch.Tensor, teacher_temperature: float
    ) -> torch.Tensor:
        targets = functional.softmax((teacher_VBO - self.centre_1O) / teacher_temperature, dim=-1)
        log_student = functional.log_softmax(student_VBO / self.student_temperature, dim=-1)
        per_pair = -torch.einsum("tbo,sbo->ts", targets, log_student) / student_VBO.shape[1]
        # not by a mask's indices: counting them would make the host wait for the device
        n_teachers, n_students = per_pair.shape
        n_pairs = n_teachers * n_students - min(n_teachers, n_students)
        same_view = torch.eye(n_teachers, n_students, dtype=torch.bool, device=per_pair.device)
        return per_pair.masked_fill(same_view, 0.0).sum() / n_pairs

    @torch.no_grad()
    def _move_centre(self, teacher_VBO: torch.Tensor) -> None:
        mean_1O = teacher_VBO.float().mean(dim=(0, 1), keepdim=False)[None]
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(mean_1O)
            mean_1O /= distributed.get_world_size()
        momentum = self.centre_momentum
        self.centre_1O.mul_(momentum).add_(mean_1O, alpha=1 - momentum)


def _at_least_32_bits(values: torch.Tensor) -> torch.Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
