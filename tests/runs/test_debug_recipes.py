"""Every method trains on the CPU, lowers its loss, and ends in a student that works."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_tide.students.bundle import load_bundle
from tide_train import finish
from tide_train.data.tile_pack import open_pack
from tide_train.evaluate.validation import embed_rows
from tide_train.recipes.registry import RECIPES, find_recipe

DEBUG = [
    name
    for name in RECIPES
    if name.startswith("debug_")
    and name not in ("debug_dino", "debug_tide_features", "debug_semi_clipped")
]


def said_of(events, name):
    return next(happened[name] for happened in events if happened["event"] == "student")


@pytest.mark.parametrize("name", DEBUG)
def test_a_debug_recipe_lowers_its_loss_and_leaves_a_student(
    name, sample_pack, sample_l1000, tmp_path, trained, curve
):
    events = trained(name, sample_pack, tmp_path / "run", l1000=[sample_l1000])
    losses = curve(events)
    assert np.mean(losses[-4:]) < np.mean(losses[:4]), losses
    bundle = load_bundle(tmp_path / "run" / "student")
    pack = open_pack(sample_pack)
    pixels = torch.from_numpy(pack.read(np.arange(6))).float() / pack.max_value
    with torch.inference_mode():
        chances = bundle.student.probabilities(bundle.student(pixels).pooled_BD)
    torch.testing.assert_close(chances.sum(dim=1), torch.ones(6))
    assert bundle.config.provenance["method"] == find_recipe(name).method.kind
    assert bundle.config.calibration.n_images > 0
    is_asked_by_signature = (bundle.folder / "rna_teacher" / "config.json").is_file()
    assert is_asked_by_signature == (name == "debug_tide") == said_of(events, "has_rna_side")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines if '"step"' in line and "lr" in line]


def test_dino_leaves_the_uniform_answer_behind(sample_pack, tmp_path, trained, curve):
    events = trained("debug_dino", sample_pack, tmp_path / "run", settings=["n_steps=100"])
    losses = curve(events)
    n_outputs = find_recipe("debug_dino").method.n_outputs
    # its loss first falls (one answer for all), rises as the centre follows, and then falls again
    assert np.mean(losses[-5:]) < np.log(n_outputs) - 0.3
    assert np.mean(losses[-5:]) < max(losses[5:])
    assert load_bundle(tmp_path / "run" / "student").config.provenance["method"] == "dino"


def test_a_pack_without_transcriptomes_is_refused_before_anything_is_written(
    sample_pack, tmp_path, trained
):
    with pytest.raises(ValueError, match="--l1000"):
        trained("debug_tide", sample_pack, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_head_fitted_afterwards_learns_from_the_whole_screen(
    sample_pack, tmp_path, trained, monkeypatch
):
    """Where fewer images are allowed than there are, they come from all rows, not the first."""
    read = []

    def recorded(method, rows, batch_of, *, batch_size):
        read.append(rows)
        return embed_rows(method, rows, batch_of, batch_size=batch_size)

    monkeypatch.setattr(finish, "embed_rows", recorded)
    settings = ["n_steps=2", "validation.max_bank_images=40", "method.decoder_depth=1"]
    trained("debug_mae", sample_pack, tmp_path / "run", settings=settings)
    n_rows = len(open_pack(sample_pack))
    assert len(read[0]) == 40
    assert read[0].max() > 0.8 * n_rows
