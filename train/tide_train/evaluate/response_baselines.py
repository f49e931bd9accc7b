"""What a prediction of expression must beat: no change, and the change drugs cause on average.

Shape legend: N samples asked for, G genes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tide_train.data.expression_inputs import ExpressionInputs

Rows = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def predict_control(inputs: ExpressionInputs, rows: Rows) -> FloatArray:
    """Predict that nothing happens: the mean DMSO profile of the sample's line, (N, G)."""
    means = {line: profiles.astype(float).mean(axis=0) for line, profiles in inputs.basal.items()}
    lines = inputs.samples["cell_line"].iloc[rows]
    return np.array([means[line] for line in lines])


def predict_mean_perturbation(inputs: ExpressionInputs, rows: Rows, *, train: Rows) -> FloatArray:
    """Predict the mean training change in the sample's line, added to its control, (N, G).

    A line that was never trained on takes the mean change over all lines.
    """
    change_NG = inputs.values_NG[train] - predict_control(inputs, train)
    trained_lines = inputs.samples["cell_line"].iloc[train].to_numpy()
    mean_of_line = {
        line: change_NG[trained_lines == line].mean(axis=0) for line in np.unique(trained_lines)
    }
    everywhere = change_NG.mean(axis=0)
    lines = inputs.samples["cell_line"].iloc[rows]
    mean_NG = np.array([mean_of_line.get(line, everywhere) for line in lines])
    return predict_control(inputs, rows) + mean_NG


def predict_mean_at_dose(inputs: ExpressionInputs, rows: Rows, *, train: Rows) -> FloatArray:
    """Predict the mean training change in the line at the nearest trained dose, (N, G).

    Harder to beat than the other two: it knows that more of a drug does more.
    """
    doses = np.log10(inputs.samples["dose_um"].to_numpy(dtype=float))
    lines = inputs.samples["cell_line"].to_numpy()
    change_NG = inputs.values_NG[train] - predict_control(inputs, train)
    predicted_NG = predict_mean_perturbation(inputs, rows, train=train)
    control_NG = predict_control(inputs, rows)
    for place, row in enumerate(rows):
        is_near = (lines[train] == lines[row]) & np.isfinite(doses[train])
        if not np.isfinite(doses[row]) or not is_near.any():
            continue
        distance = np.where(is_near, np.abs(doses[train] - doses[row]), np.inf)
        nearest = distance <= distance.min() + 1e-6
        predicted_NG[place] = control_NG[place] + change_NG[nearest].mean(axis=0)
    return predicted_NG
