"""Everything a response predictor trains on, made ready once: samples with structures and controls.

Shape legend: N treated samples, F molecular features, K drugs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.chem.feature_settings import FeatureSettings
from napari_tide.chem.molecular_features import FeatureSource, features_like
from napari_tide.errors import TrainValueError
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.nets.dose_encoding import DoseScale

FloatArray = npt.NDArray[np.float32]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ResponseData:
    """Treated samples that have a structure and untreated partners.

    Parameters
    ----------
    inputs
        Their expression, and the controls.
    features_NF
        Molecular features of each sample's drug.
    doses_N
        In [0, 1] over the range of `dose_scale`.
    n_drugs, n_without_structure
        How many drugs stand here, and how many had to be left out.
    """

    inputs: ExpressionInputs
    features_NF: FloatArray
    doses_N: FloatArray
    dose_scale: DoseScale
    n_drugs: int
    n_without_structure: int


def response_data(
    inputs: ExpressionInputs, features: FeatureSettings, *, source: FeatureSource | None = None
) -> ResponseData:
    """Keep what can be trained on: expression of drugs with a structure, in lines with DMSO.

    Parameters
    ----------
    source
        Where features come from that are not computed: a transformer's folder or a table.

    Raises
    ------
    TrainValueError
        The values are contrasts, or nothing is left.
    """
    if inputs.is_contrast:
        message = (
            f"responses are predicted from expression, but the files hold level {inputs.level}; "
            "give level 3 files with their DMSO samples"
        )
        raise TrainValueError(message)
    has_control = inputs.samples["cell_line"].isin(list(inputs.basal)).to_numpy(dtype=bool)
    known = _features_of_drugs(inputs, features, source)
    has_structure = inputs.samples["compound"].isin(list(known)).to_numpy(dtype=bool)
    n_without = int(inputs.samples.loc[~has_structure, "compound"].nunique())
    kept = has_control & has_structure
    if not kept.any():
        message = (
            f"none of {len(kept)} treated samples has both a readable SMILES and DMSO samples of "
            "its line; add structures, or files with controls"
        )
        raise TrainValueError(message)
    if n_without:
        _log.warning("%d drugs have no readable SMILES; their samples were left out", n_without)
    usable = inputs.take(kept)
    scale = DoseScale.of(usable.samples["dose_um"].to_numpy(dtype=np.float64))
    drugs = usable.samples["compound"]
    return ResponseData(
        inputs=usable,
        features_NF=np.stack([known[drug] for drug in drugs]),
        doses_N=scale.scale(usable.samples["dose_um"].to_numpy(dtype=np.float64)),
        dose_scale=scale,
        n_drugs=int(drugs.nunique()),
        n_without_structure=n_without,
    )


def _features_of_drugs(
    inputs: ExpressionInputs, features: FeatureSettings, source: FeatureSource | None
) -> dict[str, FloatArray]:
    """Describe each drug once, by the first SMILES its samples give."""
    given: dict[str, str] = {}
    for drug, smiles in zip(inputs.samples["compound"], inputs.samples["smiles"], strict=True):
        if smiles or drug not in given:
            given[drug] = given.get(drug) or smiles
    names = list(given)
    described = features_like(list(given.values()), features, source=source, names=names)
    rows = described.values_NF.astype(np.float32)
    return {names[row]: rows[place] for place, row in enumerate(described.rows_N)}
