"""What the student owes the teacher: KL(P_teacher || P_student) over the codebook."""

from __future__ import annotations

import torch
from torch.nn import functional


def distillation_loss(
    teacher_logits_BK: torch.Tensor, student_logits_BK: torch.Tensor
) -> torch.Tensor:
    """Give each row's divergence from teacher to student; no gradient reaches the teacher.

    Both are logits, cosines already divided by their own temperature.
    """
    log_teacher_BK = functional.log_softmax(teacher_logits_BK.detach(), dim=1)
    log_student_BK = functional.log_softmax(student_logits_BK, dim=1)
    divergence = log_teacher_BK.exp() * (log_teacher_BK - log_student_BK)
    return divergence.sum(dim=1)
