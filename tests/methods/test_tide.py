"""What must hold of TIDE's loss, whatever the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig
from tide_train.data.augment import AugmentConfig
from tide_train.data.batch import Batch, Partners
from tide_train.data.multi_crop import CropConfig
from tide_train.data.sample_random import SampleRandom
from tide_train.data.views import FeatureNoise, Views
from tide_train.methods.dino import Dino, DinoConfig
from tide_train.methods.method import MethodInputs
from tide_train.methods.self_distillation import SelfDistillationConfig
from tide_train.methods.tide import Tide, TideConfig
from tide_train.nets.tide_teacher import TeacherConfig

B, C, PX, K, F, G, E = 8, 2, 16, 5, 12, 9, 3
SSL = SelfDistillationConfig(n_outputs=16, head_hidden=16, head_bottleneck=8)
STILL = TeacherConfig(dropout=0.0)


def inputs(*, has_pairs=True):
    torch.manual_seed(0)
    encoder = EncoderConfig(
        channels=("DNA", "ER"), width=24, depth=1, heads=2, image_px=PX, patch_px=8
    )
    codebook = CodebookConfig(n_drugs=K, n_features=F, hidden=16)
    features = torch.randint(0, 2, (K, F)).float()
    return MethodInputs(
        student=Student(StudentConfig(encoder=encoder, codebook=codebook), features),
        views=Views(AugmentConfig(), CropConfig(n_local=1), FeatureNoise(), patch_px=8),
        n_steps=10,
        steps_per_epoch=5,
        n_genes=G,
        cell_width=E,
        has_pairs=has_pairs,
    )


def batch(*, has_pairs=True, step=0):
    random = torch.Generator().manual_seed(3)
    drugs = torch.tensor([0, 1, 2, 3, 4, -1, 0, 1])
    where = torch.tensor([0, 2, 4, 6])
    partners = Partners(
        samples_P=where,
        rna_PG=torch.randn(4, G, generator=random),
        doses_PE=torch.rand(4, 1, generator=random),
        log_doses_P=torch.zeros(4),
        cells_PE=torch.randn(4, E, generator=random),
        rows_P=torch.arange(4),
    )
    return Batch(
        step=step,
        samples=torch.rand(B, C, PX, PX, generator=random),
        drugs_B=drugs,
        doses_B=torch.rand(B, generator=random),
        log_doses_B=torch.zeros(B),
        lines_B=torch.zeros(B, dtype=torch.int64),
        labelled_L=torch.tensor([0, 1, 2, 3, 4, 6, 7]),
        partners=partners if has_pairs else None,
        random=SampleRandom(0, step),
    )


def test_the_loss_is_the_slow_formula():
    config = TideConfig(
        beta=0.0, alpha=0.7, distillation=1.3, label_weight=0.4, teacher=STILL, ssl=SSL
    )
    method, given = Tide(config, inputs()), batch()
    found = method(given)
    view = method.views.one(given.samples, SampleRandom(0, 0))
    z = method.student.encoder(view).pooled_BD
    v = method.student.codebook()
    s = functional.normalize(method.student.head(z), dim=1)
    log_s = functional.log_softmax(s @ v.T / 0.07, dim=1)
    p = given.partners
    h_t = method.teacher(
        z[p.samples_P],
        p.rna_PG,
        p.cells_PE,
        image_doses_B=given.doses_B[p.samples_P],
        rna_doses_BE=p.doses_PE,
    )
    log_t = functional.log_softmax(h_t @ v.T / 0.1, dim=1)
    distillation = teacher = labels = 0.0
    for row, i in enumerate(p.samples_P.tolist()):
        for k in range(K):
            distillation += log_t[row, k].exp() * (log_t[row, k] - log_s[i, k]) / 4
        teacher -= log_t[row, given.drugs_B[i]] / 4
    labelled = [i for i in range(B) if given.drugs_B[i] >= 0]
    for i in labelled:
        labels -= log_s[i, given.drugs_B[i]] / len(labelled)
    expected = 1.3 * distillation + 0.7 * teacher + 0.4 * labels
    torch.testing.assert_close(found["loss"], expected, rtol=1e-4, atol=1e-4)


def test_no_gradient_of_the_distillation_reaches_the_teacher():
    config = TideConfig(beta=0.0, alpha=0.0, label_weight=0.0, ssl=SSL)
    method = Tide(config, inputs())
    method(batch())["loss"].backward()
    assert all(p.grad is None or not p.grad.any() for p in method.teacher.parameters())
    assert method.student.head[0].weight.grad.abs().sum() > 0


def test_the_student_is_sharper_than_its_teacher():
    config, method = TideConfig(ssl=SSL), Tide(TideConfig(ssl=SSL), inputs())
    assert method.student.config.tau < config.teacher.tau


def test_labels_on_unpaired_samples_leave_the_paired_ones_to_the_teacher():
    method = Tide(TideConfig(beta=0.0, labels_on="unpaired", ssl=SSL), inputs())
    assert method._is_labelled(batch()).tolist() == [
        False, True, False, True, False, False, False, True,
    ]  # fmt: skip


def test_the_weight_of_labels_moves_in_a_straight_line():
    method = Tide(TideConfig(label_weight=1.0, label_weight_end=0.1, ssl=SSL), inputs())
    found = [method._label_weight(step) for step in (0, 9)]
    assert found == [1.0, pytest.approx(0.1)]
    assert method._label_weight(3) == pytest.approx(0.7)


def test_permuted_structures_change_the_codebook_and_not_what_the_teacher_says_of_it():
    method, given = Tide(TideConfig(beta=0.0, teacher=STILL, ssl=SSL), inputs()).eval(), batch()
    codebook = method.student.codebook
    with torch.no_grad():
        z = torch.randn(4, 24)
        partners = given.partners
        before = method.teacher(
            z,
            partners.rna_PG,
            partners.cells_PE,
            image_doses_B=given.doses_B[:4],
            rna_doses_BE=partners.doses_PE,
        )
        v_before = codebook()
        codebook.features_KF.copy_(codebook.features_KF.roll(1, 0))
        after = method.teacher(
            z,
            partners.rna_PG,
            partners.cells_PE,
            image_doses_B=given.doses_B[:4],
            rna_doses_BE=partners.doses_PE,
        )
    assert torch.equal(before, after)
    assert not torch.allclose(v_before, codebook())


def test_without_a_pair_tide_is_dino_step_for_step():
    """The same weights after every step, so nothing of TIDE's own takes part."""
    given = inputs(has_pairs=False)
    tide = Tide(TideConfig(beta=0.2, ssl=SSL), given)
    dino = Dino(DinoConfig(**SSL.model_dump()), inputs(has_pairs=False))
    optimisers = [torch.optim.AdamW(m.parameters(), lr=1e-3) for m in (tide, dino)]
    for step in range(4):
        losses = []
        for method, optimiser in zip((tide, dino), optimisers, strict=True):
            loss = method(batch(has_pairs=False, step=step))["loss"]
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            method.after_step(step)
            losses.append(float(loss.detach()))
        assert losses[0] == losses[1]
    ours, theirs = tide.student.state_dict(), dino.student.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert torch.equal(tide.ssl.loss.centre_1O, dino.ssl.loss.centre_1O)


def test_pairs_do_change_what_is_learned():
    method = Tide(TideConfig(beta=0.2, ssl=SSL), inputs())
    found = method(batch())
    assert set(found) == {"loss", "ssl", "distillation", "teacher", "labels"}
    assert not np.isclose(float(found["loss"].detach()), float(found["ssl"].detach()))
