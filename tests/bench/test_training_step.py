import json
from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from napari_tide.errors import BenchValueError, OutOfMemoryError
from tide_train.bench import training_step
from tide_train.bench.matrix_peak import matrix_peak
from tide_train.bench.plain_training import PlainTraining
from tide_train.bench.synthetic_training import synthetic_expression, synthetic_pack
from tide_train.bench.training_step import PRESETS, measure_training_step
from tide_train.overrides import changed
from tide_train.prepare import prepare
from tide_train.recipes.registry import find_recipe
from tide_train.training_loop import TrainingLoop

TINY = PRESETS["tiny"]
CPU = torch.device("cpu")


@pytest.fixture
def sides(tmp_path):
    """Our loop and the plain one on one pack, both from the same weights."""
    pack = synthetic_pack(tmp_path / "pack", TINY.size)
    config = training_step._config(TINY, pack, 16, is_compiled=False)
    config = changed(config, {"optimiser.weight_decay": 0.0})
    accelerator = Accelerator(cpu=True)
    prepared = [prepare(config, pack, expression=synthetic_expression(TINY.size)) for _ in range(2)]
    loop = TrainingLoop(
        prepared[0],
        accelerator=accelerator,
        checkpoints=tmp_path,
        announce=list,
        should_stop=lambda: False,
    )
    plain = PlainTraining(prepared[1].method.train(), config.optimiser, accelerator=accelerator)
    loop.method.train()
    return loop, plain


def batches(loop):
    rows = loop.prepared.split.training[:16]
    while True:
        yield loop.batch_of(rows)


def test_the_plain_side_computes_what_ours_does(sides):
    loop, plain = sides
    ours, theirs = (next(batches(loop)) for _ in range(2))
    crops = plain.method.views.many(theirs.samples, theirs.random)
    torch.testing.assert_close(plain.loss(theirs, crops), loop.method(ours)["loss"])


def test_the_plain_side_takes_the_same_step(sides):
    loop, plain = sides
    for group in plain._optimiser.param_groups:
        group["lr"], group["weight_decay"] = loop._learning_rate(0), 0.0
    before = {name: value.clone() for name, value in loop.method.state_dict().items()}
    loop.take_step(loop.method, batches(loop), 0)
    plain.step(next(batches(loop)))
    ours, theirs = loop.method.state_dict(), plain.method.state_dict()
    # AdamW's first step is a sign, so last bits of a tiny gradient can turn it; few weights do
    for part in ("student.encoder", "ssl.teacher_encoder", "ssl.head", "teacher."):
        names = [name for name in before if name.startswith(part) and "num_batches" not in name]
        moved, apart = (
            torch.sqrt(sum(((ours[name] - other[name]) ** 2).sum() for name in names))
            for other in (before, theirs)
        )
        assert moved > 0
        assert apart < 0.1 * moved, part
    torch.testing.assert_close(ours["ssl.loss.centre_1O"], theirs["ssl.loss.centre_1O"])


def test_the_flops_counted_are_those_of_the_formula(sides):
    loop, plain = sides
    found = plain.count_flops(next(batches(loop)))
    encoder = loop.method.student.encoder
    width, depth, patch = encoder.width, len(encoder.trunk.blocks), encoder.patch_px

    def of_encoder(side):
        tokens = (side // patch) ** 2
        a_block = 12 * width**2 * (tokens + 1) + 2 * width * (tokens + 1) ** 2
        return 2 * (5 * patch**2 * width * tokens + depth * a_block)

    large, small = of_encoder(32), of_encoder(16)
    ssl = plain.ssl.config
    head = width * ssl.head_hidden + ssl.head_hidden**2 + ssl.head_hidden * ssl.head_bottleneck
    head = 2 * (head + ssl.head_bottleneck * ssl.n_outputs)
    per_image = 3 * (2 * large + 2 * small + 4 * head) + 2 * (large + head)
    # what is left is the drug head, the codebook and the teacher; pixels need no gradient
    assert 0.9 * 16 * per_image < found < 1.25 * 16 * per_image


def test_the_peak_is_that_of_a_product():
    peak = matrix_peak(CPU, torch.float32)
    assert 1e9 < peak < 1e14


def test_on_a_cpu_the_goals_stay_unmeasured(capsys):
    said = []
    report = measure_training_step(device="cpu", announce=said.append)
    assert said == ["writing a pack of noise", "training in batches of 16"]
    assert report.images_per_s > 0
    assert 0 <= report.data_wait < 1
    assert 0 < report.peak_share < 1
    table = report.to_markdown()
    assert table.count("unmeasured |") == 3
    assert "stay unmeasured here" in table
    assert "official DINO code was not run" in table
    assert json.loads(report.to_json())["is_goal_measured"] is False
    on_gpu = replace(report, preset="paper", device="a GPU", images_per_s=3100.0, data_wait=0.06)
    assert "| images a second | 3100 |  | 3000 | yes |" in on_gpu.to_markdown()
    assert "| waiting for data | 6.0% |  | < 5% | no |" in on_gpu.to_markdown()
    assert "unmeasured" not in on_gpu.to_markdown()


def test_a_batch_that_does_not_fit_is_halved(monkeypatch):
    tried = []

    def measure(name, pack, folder, batch_size, **how):
        tried.append(batch_size)
        message = "too large"
        raise OutOfMemoryError(message)

    monkeypatch.setattr(training_step, "_measure", measure)
    with pytest.raises(BenchValueError, match="not even a batch of 16 fits"):
        measure_training_step("tiny", device="cpu", batch_size=64)
    assert tried == [64, 32, 16]


def test_a_preset_or_device_that_is_not_there_is_refused(monkeypatch):
    with pytest.raises(BenchValueError, match=r"Available: \['paper', 'tiny'\]"):
        measure_training_step("huge", device="cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BenchValueError, match="no GPU is here"):
        measure_training_step(device="cuda")


def test_the_papers_preset_is_the_papers_size():
    config = changed(find_recipe(PRESETS["paper"].recipe), PRESETS["paper"].changes)
    assert config.encoder.shape == (384, 12, 6)
    assert (config.crops.n_local, config.crops.local_px) == (4, 96)
    assert config.method.ssl.n_outputs == 65_536
