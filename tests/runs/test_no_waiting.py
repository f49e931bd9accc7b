"""No step asks the device for a value, which would make the host wait for all work before it.

Tensors without data stand in for those of a GPU: asking them for a value, or for how many rows a
mask picks, is an error, and code that takes another way on a CPU takes the GPU's here.
"""

from __future__ import annotations

import contextlib
from dataclasses import fields, replace

import pytest
import torch
from accelerate import Accelerator

from tide_train.data.batch import Batch
from tide_train.data.expression_inputs import read_expression_inputs
from tide_train.data.tile_pack import open_pack
from tide_train.prepare import prepare
from tide_train.recipes.registry import RECIPES, find_recipe
from tide_train.training_loop import TrainingLoop

NOWHERE = torch.device("meta")
_OF_TABLES = ("debug_tide_features", "debug_semi_clipped")
DEBUG = [name for name in RECIPES if name.startswith("debug_") and name not in _OF_TABLES]


class NoNumbers:
    """Random numbers of a device that has none."""

    def uniform(self, shape):
        return torch.empty(shape, device=NOWHERE)

    normal = uniform


def without_data(value):
    if isinstance(value, torch.Tensor):
        return value.to(NOWHERE)
    if hasattr(value, "rna_PG"):
        return replace(value, **{f.name: getattr(value, f.name).to(NOWHERE) for f in fields(value)})
    return value


@pytest.fixture
def batch_and_method(sample_pack, sample_l1000, tmp_path):
    def make(name):
        expression = read_expression_inputs([sample_l1000])
        prepared = prepare(find_recipe(name), open_pack(sample_pack), expression=expression)
        loop = TrainingLoop(
            prepared,
            accelerator=Accelerator(cpu=True),
            checkpoints=tmp_path,
            announce=list,
            should_stop=lambda: False,
        )
        batch = loop.batch_of(prepared.split.training[:16])
        there = {f.name: without_data(getattr(batch, f.name)) for f in fields(Batch)}
        return Batch(**{**there, "random": NoNumbers()}), loop.method.to(NOWHERE).train()

    return make


@pytest.mark.filterwarnings("ignore:no dose has")
@pytest.mark.parametrize("name", DEBUG)
def test_a_step_asks_the_device_for_nothing(name, batch_and_method, monkeypatch):
    batch, method = batch_and_method(name)
    # a device that is none has no half precision either
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    losses = method(batch)
    losses["loss"].backward()
    torch.nn.utils.clip_grad_norm_(method.parameters(), 3.0)
    method.after_step(0)
    assert losses["loss"].device == NOWHERE


def test_such_a_question_would_be_an_error():
    values = torch.empty(4, device=NOWHERE)
    for ask in (lambda: float(values[0]), lambda: values[values > 0], values.nonzero):
        with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
            ask()


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["debug_tide", "debug_cl_d_dino", "debug_mae"])
def test_a_gpu_step_makes_the_host_wait_nowhere(name, sample_pack, sample_l1000, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    expression = read_expression_inputs([sample_l1000])
    prepared = prepare(find_recipe(name), open_pack(sample_pack), expression=expression)
    loop = TrainingLoop(
        prepared,
        accelerator=Accelerator(mixed_precision="bf16"),
        checkpoints=tmp_path,
        announce=list,
        should_stop=lambda: False,
    )
    trained = loop.accelerator.prepare_model(loop.method)
    with loop._stream(0) as stream:
        loop.take_step(trained, stream, 0)  # the optimiser's state and the pinned memory
        torch.cuda.set_sync_debug_mode("error")
        try:
            loop.take_step(trained, stream, 1)
        finally:
            torch.cuda.set_sync_debug_mode("default")
