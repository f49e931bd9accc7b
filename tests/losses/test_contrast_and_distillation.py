import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import entropy

from tide_train.losses.distillation_loss import distillation_loss
from tide_train.losses.info_nce import info_nce

RNG = np.random.default_rng(0)


def test_a_student_equal_to_its_teacher_owes_nothing():
    logits = torch.randn(6, 9)
    assert float(distillation_loss(logits, logits + 3.0).abs().max()) == pytest.approx(0, abs=1e-6)


def test_the_divergence_runs_from_teacher_to_student():
    teacher, student = RNG.normal(size=(5, 7)), RNG.normal(size=(5, 7))
    forward = np.mean(
        [entropy(softmax(t), softmax(s)) for t, s in zip(teacher, student, strict=True)]
    )
    backward = np.mean(
        [entropy(softmax(s), softmax(t)) for t, s in zip(teacher, student, strict=True)]
    )
    found = float(distillation_loss(torch.tensor(teacher), torch.tensor(student)).mean())
    assert found == pytest.approx(forward)
    assert abs(found - backward) > 1e-3


def test_no_gradient_reaches_the_teacher():
    teacher = torch.randn(4, 5, requires_grad=True)
    student = torch.randn(4, 5, requires_grad=True)
    distillation_loss(teacher, student).mean().backward()
    assert teacher.grad is None
    expected = (torch.softmax(student, 1) - torch.softmax(teacher, 1)).detach() / 4
    torch.testing.assert_close(student.grad, expected)


def slow_info_nce(first, second, temperature, weights):
    first = first / np.linalg.norm(first, axis=1, keepdims=True)
    second = second / np.linalg.norm(second, axis=1, keepdims=True)
    logits = first @ second.T / temperature
    total = 0.0
    for i in range(len(first)):
        there = log_softmax(logits[i])
        back = log_softmax(logits[:, i])
        total -= (weights[i] / weights[i].sum()) @ there / 2
        total -= (weights[:, i] / weights[:, i].sum()) @ back / 2
    return total / len(first)


@pytest.mark.parametrize("has_soft_positives", [False, True])
def test_contrast_is_the_slow_formula(has_soft_positives):
    first, second = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 4))
    weights = RNG.random((6, 6)) if has_soft_positives else np.eye(6)
    given = torch.tensor(weights) if has_soft_positives else None
    found = info_nce(torch.tensor(first), torch.tensor(second), temperature=0.2, positives_BB=given)
    assert float(found) == pytest.approx(slow_info_nce(first, second, 0.2, weights))
