"""Is a drug's score high for this plate? Each row against the negative controls of its own plate.

Probabilities of a student are over its training drugs and hold on its training screen; another
microscope or stain lot shifts them all. A plate's own controls were shifted with it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.errors import ProfileValueError, StudentValueError
from napari_tide.profiles.profiles import Profiles
from napari_tide.students.bundle import Bundle
from napari_tide.students.calibration import p_above_controls

Score = Literal["similarity", "probability"]
Values = npt.NDArray[np.float64]

_WITH_PLATES = ("cell", "tile", "site", "well")


def drug_scores(
    profiles: Profiles, bundle: Bundle, *, drug: str, score: Score = "similarity"
) -> Values:
    """Score every row for one of the student's drugs: cosine, or calibrated probability.

    Raises
    ------
    StudentValueError
        The student does not know the drug, or did not make these profiles.
    """
    names = [known.name for known in bundle.config.drugs]
    if drug not in names:
        message = f"{bundle.config.name} does not know {drug!r}. Available: {names[:10]}"
        raise StudentValueError(message)
    if profiles.student != bundle.id:
        message = (
            f"these profiles are of {profiles.student or 'another tool'}, not of {bundle.id}; "
            "profile the screen with this student"
        )
        raise StudentValueError(message)
    student, position = bundle.student, names.index(drug)
    device = next(student.parameters()).device
    with torch.inference_mode():
        rows_ND = torch.from_numpy(np.ascontiguousarray(profiles.features, np.float32)).to(device)
        if score == "probability":
            found_N = student.probabilities(rows_ND)[:, position]
        else:
            found_N = student.similarities(rows_ND, student.codebook()[position : position + 1])[
                :, 0
            ]
    return found_N.cpu().numpy().astype(np.float64)


def p_against_controls(profiles: Profiles, scores_N: npt.NDArray[np.floating]) -> Values:
    """Give each row's empirical p of scoring so high among its own plate's negative controls.

    A control is compared with the other controls, never with itself, so the p of controls are
    uniform by construction (in steps of one over their number). NaN where a plate has no (other)
    control, or the score is NaN.

    Raises
    ------
    ProfileValueError
        The profiles no longer belong to plates, or the scores do not fit them.
    """
    if profiles.level not in _WITH_PLATES:
        message = (
            f"{profiles.level} profiles belong to no plate, so there are no controls of their own "
            "to compare with; use tile, site or well profiles"
        )
        raise ProfileValueError(message)
    if len(scores_N) != len(profiles):
        message = f"{len(scores_N)} scores do not fit {len(profiles)} profiles"
        raise ProfileValueError(message)
    scores = np.asarray(scores_N, np.float64)
    plates, is_control = profiles.column("Metadata_Plate").to_numpy(), profiles.is_control
    p_values = np.full(len(scores), np.nan)
    for plate in np.unique(plates):
        here = plates == plate
        controls = scores[here & is_control]
        treated = here & ~is_control
        p_values[treated] = p_above_controls(scores[treated], controls)
        p_values[here & is_control] = _p_among_each_other(controls)
    return p_values


def _p_among_each_other(scores_M: Values) -> Values:
    is_known = np.isfinite(scores_M)
    n_known = int(is_known.sum())
    p_values = np.full(len(scores_M), np.nan)
    if n_known < 2:
        return p_values
    known = scores_M[is_known]
    # a score's own copy among the controls counts as the 1 of (1 + as high) / (1 + others)
    n_as_high = n_known - np.searchsorted(np.sort(known), known, side="left")
    p_values[is_known] = n_as_high / n_known
    return p_values
