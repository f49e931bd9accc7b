"""TIDE+: the loss against the formula, written out row by row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.arms import arm_config
from tide_train.bench.tables.worlds import WorldKey, open_world
from tide_train.overrides import changed
from tide_train.prepare import prepare
from tide_train.run import make_accelerator
from tide_train.training_loop import TrainingLoop


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return open_world(WorldKey(5), tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def loop(world, tmp_path_factory):
    config = changed(arm_config("tide_plus", seed=0), {"n_steps": 3, "batch_size": 64})
    prepared = prepare(config, world.training_data(), expression=world.expression)
    return TrainingLoop(
        prepared,
        accelerator=make_accelerator(config, on_cpu=True),
        checkpoints=tmp_path_factory.mktemp("checkpoints"),
        announce=lambda _: None,
        should_stop=lambda: False,
    )


@torch.no_grad()
def test_the_loss_is_the_two_heads_weighted(loop):
    method = loop.method.eval()
    batch = loop.batch_of(loop.prepared.split.training[:64])
    torch.manual_seed(0)
    losses = method(batch)
    embeddings = method.student(
        method.views.one(batch.samples, loop.batch_of(loop.prepared.split.training[:64]).random)
    ).pooled_BD
    prototypes = method.student.codebook().numpy()
    labels = []
    for row, drug in zip(embeddings, batch.drugs_B.tolist(), strict=True):
        head = method.student.head(row).numpy()
        logits = prototypes @ (head / np.linalg.norm(head)) / 0.15
        labels.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[drug])
    apart = []
    for place, row in zip(
        batch.partners.samples_P.tolist(), batch.partners.rows_P.tolist(), strict=True
    ):
        found = method.mechanism_head(embeddings[place]).numpy()
        target = method.axes.at(torch.tensor([row]), batch.log_doses_B[place : place + 1])[0]
        target = target.numpy()
        apart.append(1 - found @ target / (np.linalg.norm(found) * np.linalg.norm(target)))
    assert losses["labels"].item() == pytest.approx(np.mean(labels), rel=1e-3)
    assert losses["mechanism"].item() == pytest.approx(np.mean(apart), rel=1e-3)
    total = 2 * losses["labels"] + 5 * losses["mechanism"]
    assert losses["loss"].item() == pytest.approx(total.item())


def test_a_few_steps_train_both_heads(loop):
    before = {name: value.clone() for name, value in loop.method.state_dict().items()}
    loop.run()
    after = loop.method.state_dict()
    for part in ("mechanism_head.weight", "student.head.0.weight", "student.encoder.entry.weight"):
        assert not torch.equal(before[part], after[part]), part


def test_without_transcriptomes_it_is_refused(world):
    with pytest.raises(TrainValueError, match="learns from transcriptomes"):
        prepare(arm_config("tide_plus", seed=0), world.training_data(), expression=None)
