import numpy as np
import pytest
import torch

from tide_train.losses.cosine_schedule import cosine_schedule
from tide_train.losses.dino_loss import DinoLoss, teacher_temperature
from tide_train.nets.dino_head import DinoHead


@pytest.fixture(scope="module")
def official(oracles):
    return dict(np.load(oracles / "ssl" / "dino.npz"))


def test_loss_and_centre_follow_the_official_code_over_epochs(official):
    n_crops = int(official["ncrops"])
    loss_of = DinoLoss(64, student_temperature=0.1, centre_momentum=0.9)
    for i, epoch in enumerate(official["epoch"]):
        student = torch.from_numpy(official["student"][i]).reshape(n_crops, -1, 64)
        teacher = torch.from_numpy(official["teacher"][i]).reshape(2, -1, 64)
        temperature = teacher_temperature(int(epoch), start=0.04, end=0.07, n_warmup_epochs=3)
        loss = loss_of(student, teacher, teacher_temperature=temperature)
        assert float(loss) == pytest.approx(official["loss"][i], rel=1e-5)
        np.testing.assert_allclose(loss_of.centre_1O[0], official["center"][i], atol=1e-5)


def test_no_gradient_reaches_the_teacher_and_a_view_never_predicts_itself():
    student = torch.randn(2, 3, 5, requires_grad=True)
    teacher = torch.randn(2, 3, 5, requires_grad=True)
    loss = DinoLoss(5)(student, teacher, teacher_temperature=0.05)
    loss.backward()
    assert teacher.grad is None
    targets = torch.softmax(teacher.detach() / 0.05, -1)
    log_student = torch.log_softmax(student.detach() / 0.1, -1)
    slow = [
        -(targets[t, b] * log_student[s, b]).sum() for t, s in ((0, 1), (1, 0)) for b in range(3)
    ]
    assert loss.item() == pytest.approx(float(torch.stack(slow).mean()), rel=1e-5)


def test_the_schedule_is_the_official_one(official):
    start, end, n_epochs, n_each, n_warmup_epochs = official["cosine_args"]
    n_steps, n_warmup = int(n_epochs * n_each), int(n_warmup_epochs * n_each)
    found = [
        cosine_schedule(step, start=start, end=end, n_steps=n_steps, n_warmup=n_warmup)
        for step in range(n_steps)
    ]
    np.testing.assert_allclose(found, official["cosine_scheduler"], rtol=1e-9, atol=1e-12)


def test_the_head_is_the_official_one(official, oracles):
    weights = torch.load(oracles / "ssl" / "dino.pt", weights_only=True)["head"]
    head = DinoHead(48, 64, hidden=64, bottleneck=16)
    direction = weights.pop("last_layer.weight_v")
    assert (weights.pop("last_layer.weight_g") == 1).all()
    head.load_state_dict(weights | {"prototypes_OD": direction})
    with torch.inference_mode():
        found = head(torch.from_numpy(official["head_in"]))
    np.testing.assert_allclose(found, official["head_out"], atol=1e-5)


def test_half_precision_around_the_loss_does_not_reach_into_it():
    random = torch.Generator().manual_seed(5)
    student = torch.randn(6, 8, 4096, generator=random).to(torch.bfloat16)
    teacher = torch.randn(2, 8, 4096, generator=random).to(torch.bfloat16)
    plain = DinoLoss(4096)(student.float(), teacher.float(), teacher_temperature=0.05)
    with torch.autocast("cpu", torch.bfloat16):
        found = DinoLoss(4096)(student, teacher, teacher_temperature=0.05)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, plain)
