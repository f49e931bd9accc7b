"""Tell the level of L1000 data: expression (3), z-scores (4) or signatures (5)."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.transcriptomes.metadata_values import as_text

_BY_NAME = (
    (r"level[ _-]?([345])(?!\d)", ""),
    (r"(modz|compz)", "5"),
    (r"(zspc|zsvc|_zs)", "4"),
    (r"(q2norm|qnorm|_qn)", "3"),
)
_SIGNATURE_COLUMNS = ("distil_nsample", "distil_ss", "distil_cc_q75", "sig_id", "is_gold")
# CPC006_A549_24H:BRD-K00000000:10, of one compound at one dose
_SIGNATURE_ID = re.compile(r"[^:]+:[^:]+(:[^:]+)*:-?\d+(\.\d+)?")
_LOG2_MAX = 20.0
_N_IDS = 20


def level_of_name(name: str) -> str:
    """Tell the level from a file name such as ``Level5_COMPZ`` or ``modzs_n272x978``, else ``""``.

    Underlying words: modz and compz are replicates collapsed, zspc z-scores, qnorm expression.
    """
    for pattern, level in _BY_NAME:
        match = re.search(pattern, name.lower())
        if match:
            return level or match[1]
    return ""


def level_of_metadata(samples: pd.DataFrame) -> str:
    """Tell the level from what is said of the samples, else ``""``."""
    if "provenance_code" in samples.columns:
        steps = {code.rsplit("+", 1)[-1] for code in as_text(samples["provenance_code"]).unique()}
        if steps == {"QNO"}:
            return "3"
        if steps and all(step.startswith("ZS") for step in steps):
            return "4"
    if any(name in samples.columns for name in _SIGNATURE_COLUMNS):
        return "5"
    ids = samples.index[:_N_IDS]
    is_signature = len(ids) > 0 and all(_SIGNATURE_ID.fullmatch(str(name)) for name in ids)
    return "5" if is_signature else ""


def level_of_values(values: npt.NDArray[np.float32]) -> str:
    """Tell expression from the rest: log2 values are not negative and stay under about 16.

    z-scores of replicates and signatures look alike, so values alone never say 4 or 5.
    """
    present = values[np.isfinite(values)]
    if not present.size:
        return ""
    is_log2 = present.min() >= 0 and present.max() <= _LOG2_MAX and np.median(present) > 1
    return "3" if is_log2 else ""
