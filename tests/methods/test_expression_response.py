import json

import numpy as np
import pytest
import torch

from napari_tide.chem.feature_settings import FingerprintSettings
from napari_tide.errors import TrainValueError
from napari_tide.simulate.expression import simulate_expression
from napari_tide.simulate.world import make_world
from tide_train.data.expression_inputs import expression_inputs
from tide_train.methods.expression_response import (
    ExpressionResponseConfig,
    fit_expression_response,
)
from tide_train.nets.scfm_folder import load_scfm, read_scfm_config

SMALL = ExpressionResponseConfig(
    width=16, n_layers=2, n_heads=2, max_genes=30, n_profiles=2, hidden=64, batch_size=64,
    n_steps=200, validate_every=25, learning_rate=3e-3, features=FingerprintSettings(n_bits=256),
    dropout=0.0, seed=1,
)  # fmt: skip
BRIEF = SMALL.model_copy(update={"n_steps": 6, "validate_every": 3})


@pytest.fixture(scope="module")
def world():
    """Expression of 60 drugs over the 60 genes that answer most, in two lines."""
    table = simulate_expression(make_world(3), range(60))
    in_line = table.samples["cell_iname"].to_numpy() == "U2OS"
    spread = table.values[in_line].std(axis=0)
    return expression_inputs([table.take_genes(spread >= np.sort(spread)[-60])])


def test_it_learns_and_beats_predicting_the_control(world):
    losses = []
    tuned = fit_expression_response(world, SMALL, on_step=lambda step: losses.append(step.loss))
    assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:20])
    rows = tuned.report.rows
    assert rows["scFM"]["mse"] < 0.8 * rows["control"]["mse"]
    assert rows["scFM"]["r2_change"] > 0.1 > rows["mean perturbation"]["r2_change"]
    assert rows["scFM"]["pearson_change"] > 0.4 > rows["mean perturbation"]["pearson_change"]
    assert rows["control"]["pearson_change"] is None
    # both lines are told apart by their untreated expression alone
    encodings = tuned.scfm.cell_encodings(world)
    assert (encodings["U2OS"] - encodings["A549"]).abs().max() > 0.01


def test_equal_seeds_give_equal_losses_and_weights(world):
    def run(seed):
        steps = []
        config = BRIEF.model_copy(update={"seed": seed, "dropout": 0.2})
        tuned = fit_expression_response(world, config, on_step=steps.append)
        return steps, tuned.predictor.state_dict()

    (first, weights), (second, again), (other, _) = run(0), run(0), run(5)
    assert first == second
    assert first != other
    assert all(weights[name].equal(again[name]) for name in weights)


def test_the_weights_of_the_best_validation_are_kept(world):
    validations = {}
    tuned = fit_expression_response(
        world,
        SMALL.model_copy(update={"patience": 2, "learning_rate": 0.05, "n_steps": 400}),
        on_step=lambda s: validations.update({s.step: s.validation_loss}),
    )
    known = {step: loss for step, loss in validations.items() if loss is not None}
    assert tuned.report.best_step == min(known, key=known.get)
    # two validations without a gain end it
    assert max(known) == tuned.report.best_step + 2 * 25 < 400


def test_a_cancelled_run_gives_what_it_has(world):
    steps = []
    tuned = fit_expression_response(
        world, BRIEF, on_step=steps.append, cancelled=lambda: len(steps) == 4
    )
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert tuned.report.best_step == 3


def test_a_saved_run_says_how_it_was_trained(world, tmp_path):
    tuned = fit_expression_response(world, BRIEF)
    tuned.save(tmp_path / "scfm")
    config = read_scfm_config(tmp_path / "scfm")
    assert config.genes == world.genes
    assert config.training["config"]["seed"] == 1
    assert config.training["test"]["scFM"] == tuned.report.rows["scFM"]
    before, after = tuned.scfm.cell_encodings(world), load_scfm(tmp_path / "scfm")
    assert after.cell_encodings(world)["U2OS"].equal(before["U2OS"])
    # 0.4 to 11 uM were measured
    assert after.dose_scale.lowest == pytest.approx(np.log10(0.4))
    assert after.dose_scale.highest == pytest.approx(np.log10(11))


def test_a_checkpoint_is_where_training_starts(world, tmp_path):
    tuned = fit_expression_response(world, BRIEF)
    encoder = tuned.predictor.encoder
    (tmp_path / "args.json").write_text(encoder.config.model_dump_json())
    (tmp_path / "vocab.json").write_text(json.dumps(encoder.vocabulary))
    torch.save(encoder.state_dict(), tmp_path / "best_model.pt")
    config = BRIEF.model_copy(update={"scfm_checkpoint": tmp_path, "n_steps": 1})
    started = fit_expression_response(world, config).predictor.encoder.state_dict()
    for name, value in encoder.state_dict().items():
        # one step of the learning rate, at most, away from it
        assert (started[name] - value).abs().max() < 2 * BRIEF.learning_rate
    assert not started["value_encoder.linear2.weight"].equal(
        encoder.state_dict()["value_encoder.linear2.weight"]
    )


def test_drugs_without_structure_are_counted_and_left_out(world, caplog):
    samples = world.samples
    first = samples["compound"].iloc[0]
    without = samples.assign(smiles=samples["smiles"].mask(samples["compound"] == first, ""))
    tuned = fit_expression_response(type(world)(**{**fields(world), "samples": without}), BRIEF)
    report = tuned.report
    n_left = report.n_train + report.n_validation + report.n_test
    assert n_left == len(samples) - (samples["compound"] == first).sum()
    assert "1 drugs have no readable SMILES" in caplog.text


def fields(inputs):
    return {name: getattr(inputs, name) for name in type(inputs).__slots__}


def test_what_cannot_be_trained_on_is_refused(world):
    blank = world.samples.assign(smiles="")
    with pytest.raises(TrainValueError, match="treated samples has both a readable SMILES"):
        fit_expression_response(type(world)(**{**fields(world), "samples": blank}), BRIEF)
    with pytest.raises(TrainValueError, match="hold level 5; give level 3 files"):
        fit_expression_response(type(world)(**{**fields(world), "level": "5"}), BRIEF)


def test_settings_have_titles_for_forms_and_unknown_ones_are_refused():
    described = ExpressionResponseConfig.model_fields
    assert all(field.title for field in described.values())
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        ExpressionResponseConfig(lr=1)
