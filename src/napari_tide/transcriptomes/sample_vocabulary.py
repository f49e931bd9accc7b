"""One vocabulary for samples, whichever generation of L1000 metadata a file holds.

The 2017 releases say ``cell_id``, ``pert_iname``, ``pert_dose`` and ``pert_dose_unit``; those of
2020 ``cell_iname``, ``cmap_name`` and ``nearest_dose``. Both are told in the words of a screen.
The columns a file came with are kept after these.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.chem.dose_snapping import snap_doses
from napari_tide.chem.doses import parse_dose_um
from napari_tide.errors import MoleculeValueError
from napari_tide.transcriptomes.metadata_values import as_number, as_text, tidied

# the first of these that says something wins, sample by sample
_TEXT_SOURCES = {
    "cell_line": ("cell_line", "cell_iname", "cell_id"),
    "compound": ("compound", "cmap_name", "pert_iname", "pert_desc", "pert_id"),
    "gene": ("gene",),
    "pert_type": ("pert_type",),
    "smiles": ("smiles", "canonical_smiles"),
    "plate": ("plate", "det_plate", "rna_plate"),
    "batch": ("batch", "brew_prefix"),
}
_REPLICATE_SOURCES = ("n_replicates", "distil_nsample", "nsample")
_HOURS = {"h": 1.0, "hr": 1.0, "hrs": 1.0, "hour": 1.0, "hours": 1.0}
_HOURS |= {"m": 1 / 60, "min": 1 / 60, "mins": 1 / 60, "d": 24.0, "day": 24.0, "days": 24.0}
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)", re.IGNORECASE)
_GENETIC_TYPES = ("trt_sh", "trt_oe", "trt_xpr", "trt_si")
_NEGATIVE_TYPES = ("ctl_vehicle", "ctl_untrt", "ctl_vector")
_NEGATIVE_NAMES = ("dmso", "untrt", "untreated", "h2o", "pbs")

SAMPLE_COLUMNS = (
    "cell_line",
    "compound",
    "gene",
    "dose_um",
    "time_h",
    "pert_type",
    "control",
    "smiles",
    "plate",
    "batch",
    "n_replicates",
)


def describe_samples(raw: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Put the standard columns before a file's own, and say what could not be understood.

    Parameters
    ----------
    raw
        Metadata as it stands in the file; the index holds the sample ids.

    Returns
    -------
    table
        ``cell_line, compound, gene, pert_type, control, smiles, plate, batch`` (text, ``""`` where
        unknown), ``dose_um, time_h, n_replicates`` (NaN where unknown), then the other columns.
        A knocked-down or overexpressed gene stands in ``gene``, not in ``compound``.
        ``control`` is ``"negcon"`` for vehicle, untreated and empty-vector samples (``pert_type``
        tells them apart), ``"poscon"`` for positive controls. Doses that differ by rounding are
        one dose.
    warnings
        One sentence each.
    """
    known: dict[str, pd.Series] = {
        name: _first_text(raw, sources) for name, sources in _TEXT_SOURCES.items()
    }
    types = known["pert_type"]
    genetic = [kind for kind in types.unique() if kind.lower().startswith(_GENETIC_TYPES)]
    is_genetic = types.isin(genetic)
    known["gene"] = known["gene"].where(~is_genetic | (known["gene"] != ""), known["compound"])
    known["compound"] = known["compound"].mask(is_genetic, "")
    known["control"] = _controls(raw, types, known["compound"])
    known["dose_um"], warnings = _doses(raw)
    known["time_h"] = _hours(raw)
    known["n_replicates"] = _first_number(raw, _REPLICATE_SOURCES)
    if len(raw) and (known["compound"] == "").all() and (known["gene"] == "").all():
        warnings = (*warnings, "no sample names its compound; add a siginfo or instinfo table")
    standard = pd.DataFrame({name: known[name] for name in SAMPLE_COLUMNS}, index=raw.index)
    others = {name: tidied(raw[name]) for name in raw.columns if name not in SAMPLE_COLUMNS}
    return pd.concat([standard, pd.DataFrame(others, index=raw.index)], axis=1), warnings


def _first_text(raw: pd.DataFrame, sources: tuple[str, ...]) -> pd.Series:
    found = pd.Series("", index=raw.index)
    for name in sources:
        if name in raw.columns and (found == "").any():
            found = found.where(found != "", as_text(raw[name]))
    return found


def _first_number(raw: pd.DataFrame, sources: tuple[str, ...]) -> pd.Series:
    found = pd.Series(np.nan, index=raw.index)
    for name in sources:
        if name in raw.columns:
            found = found.fillna(as_number(raw[name]))
    return found


def _controls(raw: pd.DataFrame, pert_type: pd.Series, compound: pd.Series) -> pd.Series:
    if "control" in raw.columns:
        return as_text(raw["control"])
    told = {kind: _control_of_type(kind) for kind in pert_type.unique()}
    named = {name: "negcon" for name in compound.unique() if name.lower() in _NEGATIVE_NAMES}
    return pert_type.map(told).where(pert_type != "", compound.map(named)).fillna("")


def _control_of_type(pert_type: str) -> str:
    kind = pert_type.lower().partition(".")[0]
    if kind in _NEGATIVE_TYPES:
        return "negcon"
    return "poscon" if kind == "trt_poscon" else ""


def _doses(raw: pd.DataFrame) -> tuple[pd.Series, tuple[str, ...]]:
    found = _first_number(raw, ("dose_um",))
    refused: list[str] = []
    for texts in _dose_texts(raw):
        if found.isna().any():
            parsed, strange = _parse_each(texts.where(found.isna(), ""))
            found = found.fillna(pd.Series(parsed, index=raw.index))
            refused.extend(strange)
    found = found.mask(~np.isfinite(found) | (found < 0))
    warnings: tuple[str, ...] = ()
    if refused:
        some = ", ".join(sorted(set(refused))[:3])
        warnings = (f"{len(set(refused))} doses are not in molar units and were left out: {some}",)
    return pd.Series(snap_doses(found.to_numpy()), index=raw.index), warnings


def _dose_texts(raw: pd.DataFrame) -> list[pd.Series]:
    """Give doses as text with their unit, the most exact source first."""
    texts = []
    unit = as_text(raw["pert_dose_unit"]) if "pert_dose_unit" in raw.columns else None
    for name in ("nearest_dose", "pert_dose"):
        if name in raw.columns:
            number = as_text(raw[name])
            texts.append(number if unit is None else _joined(number, unit))
    if "pert_idose" in raw.columns:
        texts.append(as_text(raw["pert_idose"]))
    return texts


def _joined(number: pd.Series, unit: pd.Series) -> pd.Series:
    return (number + " " + unit).str.strip().where(number != "", "")


def _parse_each(texts: pd.Series) -> tuple[npt.NDArray[np.float64], list[str]]:
    codes, distinct = pd.factorize(texts)
    refused = []
    doses = np.full(len(distinct), np.nan)
    for place, text in enumerate(distinct):
        try:
            doses[place] = parse_dose_um(text) if text else np.nan
        except MoleculeValueError:
            refused.append(str(text))
    return doses[codes], refused


def _hours(raw: pd.DataFrame) -> pd.Series:
    found = _first_number(raw, ("time_h",))
    if "pert_time" in raw.columns:
        number = as_text(raw["pert_time"])
        unit = as_text(raw["pert_time_unit"]) if "pert_time_unit" in raw.columns else ""
        found = found.fillna((number + unit).map(_one_time))
    if "pert_itime" in raw.columns:
        found = found.fillna(as_text(raw["pert_itime"]).map(_one_time))
    return found.astype(np.float64)


def _one_time(text: str) -> float:
    match = _TIME.fullmatch(text)
    if match is None:
        return np.nan
    return float(match[1]) * _HOURS.get(match[2].lower() or "h", np.nan)
