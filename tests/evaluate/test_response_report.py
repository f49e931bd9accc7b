import json

import numpy as np
import pandas as pd
import pytest

from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.response_split import split_responses
from tide_train.evaluate.response_baselines import (
    predict_control,
    predict_mean_at_dose,
    predict_mean_perturbation,
)
from tide_train.evaluate.response_report import report_responses

N_GENES = 30


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    rows = [
        (f"d{drug}", line, dose)
        for drug in range(9)
        for line in ("U2OS", "A549")
        for dose in (0.1, 1.0, 10.0)
        for _ in range(2)
    ]
    samples = pd.DataFrame(rows, columns=["compound", "cell_line", "dose_um"])
    samples = samples.assign(control="", smiles="C", plate="P")
    group = samples.groupby(["compound", "cell_line", "dose_um"]).ngroup().to_numpy()
    basal = {line: rng.normal(8, 1, (5, N_GENES)) for line in ("U2OS", "A549")}
    means = np.stack([basal[line].mean(axis=0) for line in samples["cell_line"]])
    effect = rng.normal(0, 1, (9 * 2 * 3, N_GENES))[group] * samples["dose_um"].to_numpy()[:, None]
    values = (means + effect + rng.normal(0, 0.1, means.shape)).astype(np.float32)
    genes = tuple(f"G{i}" for i in range(N_GENES))
    return ExpressionInputs(values, samples, group, genes, basal, "3")


@pytest.fixture
def split(inputs):
    return split_responses(inputs.samples["compound"], inputs.samples["cell_line"], seed=2)


def test_baselines_are_what_slow_loops_give(inputs, split):
    rows, train = split.test, split.train
    control, mean, at_dose = (
        predict_control(inputs, rows),
        predict_mean_perturbation(inputs, rows, train=train),
        predict_mean_at_dose(inputs, rows, train=train),
    )
    table = inputs.samples
    for place, row in enumerate(rows):
        line, dose = table["cell_line"][row], table["dose_um"][row]
        for gene in range(N_GENES):
            untreated = sum(inputs.basal[line][:, gene]) / 5
            changes = [
                (inputs.values_NG[i, gene] - untreated, table["dose_um"][i])
                for i in train
                if table["cell_line"][i] == line
            ]
            here = [change for change, of in changes if of == dose]
            everywhere = [change for change, _ in changes]
            assert control[place, gene] == pytest.approx(untreated)
            expected = untreated + sum(everywhere) / len(everywhere)
            assert mean[place, gene] == pytest.approx(expected)
            assert at_dose[place, gene] == pytest.approx(untreated + sum(here) / len(here))


def test_a_line_without_training_takes_the_change_of_the_others(inputs):
    lines = inputs.samples["cell_line"].to_numpy()
    train, rows = np.flatnonzero(lines == "U2OS"), np.flatnonzero(lines == "A549")[:3]
    change = inputs.values_NG[train] - inputs.basal["U2OS"].mean(axis=0)
    expected = inputs.basal["A549"].mean(axis=0) + change.mean(axis=0)
    found = predict_mean_perturbation(inputs, rows, train=train)
    np.testing.assert_allclose(found, np.tile(expected, (3, 1)))
    np.testing.assert_allclose(predict_mean_at_dose(inputs, rows, train=train), found)


def test_a_dose_that_was_not_trained_takes_the_nearest(inputs):
    doses = inputs.samples["dose_um"].to_numpy()
    lines = inputs.samples["cell_line"].to_numpy()
    train = np.flatnonzero((doses < 5) & (lines == "U2OS"))
    row = np.flatnonzero((doses > 5) & (lines == "U2OS"))[:1]
    near = train[doses[train] == 1.0]
    expected = inputs.values_NG[near].mean(axis=0)
    np.testing.assert_allclose(
        predict_mean_at_dose(inputs, row, train=train)[0], expected, rtol=1e-5
    )


def test_the_report_scores_means_of_replicates_against_the_own_line(inputs, split):
    truth = inputs.values_NG[split.test]
    report = report_responses(inputs, split, truth, best_step=7, curve=[(7, 1.0, 2.0)])
    n_conditions = len({inputs.group_N[row] for row in split.test})
    assert report.n_conditions == n_conditions == report.n_test / 2
    assert report.rows["scFM"]["r2"] == report.rows["scFM"]["pearson_change"] == 1
    assert report.rows["control"]["pearson_change"] is None
    rows = []
    for group in dict.fromkeys(inputs.group_N[split.test]):
        here = np.flatnonzero(inputs.group_N == group)
        line = inputs.samples["cell_line"][here[0]]
        mean, control = inputs.values_NG[here].mean(axis=0), inputs.basal[line].mean(axis=0)
        rows.append(1 - np.sum((mean - control) ** 2) / np.sum((mean - mean.mean()) ** 2))
    assert report.rows["control"]["r2"] == pytest.approx(np.mean(rows))


def test_the_report_is_json_and_a_table(inputs, split):
    report = report_responses(inputs, split, inputs.values_NG[split.test])
    assert json.loads(report.to_json())["rows"]["scFM"]["mse"] == 0
    heading, rule, ours, control, *_ = report.to_markdown().splitlines()
    assert heading.count("|") == rule.count("|") == ours.count("|") == 7
    assert ours == "| scFM | 1.000 | 1.000 | 1.000 | 1.000 | 0.000 |"
    assert "| - | - |" in control
