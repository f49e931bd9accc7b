"""RDKit's 2D descriptors, scaled robustly so that one absurd value moves no other.

A descriptor becomes (value - median) / scale, clipped to ±10. The scale is the interquartile range
over 1.349 (the standard deviation of a normal distribution); where more than half of the drugs
share one value (most counts of groups) it is the mean distance from the median times 1.2533, which
is the standard deviation again but squares nothing, as some descriptors reach 1e300. One that is
constant is only centred. What RDKit cannot compute (partial charges of metals) takes the median.

Shapes: N molecules, F descriptors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors

from napari_tide.chem.feature_settings import DescriptorSettings, MoleculeForm
from napari_tide.errors import MoleculeValueError

CLIP = 10.0
_HUGE = 1e30  # far beyond any scale, and sums of it stay finite
_IQR_TO_DEVIATION = 1.349
_MEAN_DISTANCE_TO_DEVIATION = math.sqrt(math.pi / 2)

Values = npt.NDArray[np.float64]


def descriptor_names() -> tuple[str, ...]:
    """List the descriptors this RDKit computes, in its order."""
    return tuple(str(name) for name, _ in Descriptors.descList)


def raw_descriptors(molecules: Sequence[Chem.Mol], names: Sequence[str]) -> Values:
    """Compute descriptors as RDKit gives them; what it cannot compute is NaN.

    Raises
    ------
    MoleculeValueError
        This RDKit has no descriptor of that name.
    """
    unknown = sorted(set(names) - set(descriptor_names()))
    if unknown:
        message = (
            f"RDKit {rdBase.rdkitVersion} has no descriptors {unknown[:3]}; install the version "
            "that the features were made with"
        )
        raise MoleculeValueError(message)
    values_NF = np.empty((len(molecules), len(names)))
    with rdBase.BlockLogs():
        for row, molecule in enumerate(molecules):
            computed = Descriptors.CalcMolDescriptors(  # type: ignore[no-untyped-call]
                molecule, missingVal=math.nan, silent=True
            )
            values_NF[row] = [computed[name] for name in names]
    return values_NF


def fit_descriptors(
    values_NF: Values, names: Sequence[str], *, form: MoleculeForm = "parent"
) -> DescriptorSettings:
    """Learn each descriptor's median and scale from the training drugs.

    Raises
    ------
    MoleculeValueError
        There is no molecule to learn from.
    """
    if len(values_NF) == 0:
        message = "descriptors cannot be scaled without a molecule; give at least one SMILES"
        raise MoleculeValueError(message)
    statistics = [_centre_and_scale(column) for column in _bounded(values_NF).T]
    centres, scales = zip(*statistics, strict=True)
    return DescriptorSettings(
        names=tuple(names),
        centres=centres,
        scales=scales,
        form=form,
        rdkit_version=rdBase.rdkitVersion,
    )


def scale_descriptors(values_NF: Values, settings: DescriptorSettings) -> npt.NDArray[np.float32]:
    """Scale descriptors with stored statistics; the result is finite and within ±10."""
    with np.errstate(over="ignore"):  # infinite is clipped like any other
        scaled_NF = (_bounded(values_NF) - settings.centres) / settings.scales
    return np.clip(np.nan_to_num(scaled_NF, nan=0.0), -CLIP, CLIP).astype(np.float32)


def _bounded(values_NF: Values) -> Values:
    return np.clip(values_NF, -_HUGE, _HUGE)  # NaN stays


def _centre_and_scale(column: Values) -> tuple[float, float]:
    present = column[~np.isnan(column)]
    if len(present) == 0:
        return 0.0, 1.0
    low, centre, high = np.quantile(present, [0.25, 0.5, 0.75])
    scale = (high - low) / _IQR_TO_DEVIATION
    if not scale > 0:
        scale = np.abs(present - centre).mean() * _MEAN_DISTANCE_TO_DEVIATION
    return float(centre), float(scale) if scale > 0 else 1.0
