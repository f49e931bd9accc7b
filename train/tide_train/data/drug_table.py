"""The training drugs: the codebook's rows, with structures and molecular features."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from napari_tide.chem.feature_settings import FeatureKind, FeatureSettings
from napari_tide.chem.molecular_features import molecular_features
from napari_tide.chem.rdkit_presence import has_rdkit
from napari_tide.errors import TrainValueError
from napari_tide.students.codebook import CodebookMode
from tide_train.data.stored_fingerprints import SUFFIX, StoredFingerprints

Labels = npt.NDArray[np.int64]


class DrugFeatures(BaseModel):
    """Which molecular features organise the codebook, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: CodebookMode = Field(
        default="learned",
        title="Codebook",
        description="learned: MLP and residual; mlp: no residual; fixed: frozen; none: free",
    )
    kind: FeatureKind = Field(
        default="fcfp4", title="Molecular features", description="What describes a structure"
    )
    n_bits: int = Field(
        default=2048, ge=8, title="Fingerprint bits", description="Length of a fingerprint"
    )
    source: str = Field(
        default="",
        title="Features from",
        description="Folder or hub: id of a ChemBERTa, the file of a table, or fingerprints that "
        "tide drug-features wrote",
    )
    hidden: int = Field(
        default=512, ge=1, title="Hidden width", description="Hidden width of the codebook's MLP"
    )
    permuted: Literal["", "features"] = Field(
        default="",
        title="Exchange structures",
        description="features: exchange structures between drugs (a control)",
    )


@dataclass(frozen=True, slots=True, eq=False)
class DrugTable:
    """The codebook's drugs in order.

    Parameters
    ----------
    names, smiles
        One per drug; the SMILES may be empty.
    features_KF
        Zeros where a drug has no structure.
    settings
        How to describe another drug; None where features were exchanged.
    warnings
        What a user should know, one sentence each.
    """

    names: tuple[str, ...]
    smiles: tuple[str, ...]
    features_KF: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    settings: FeatureSettings | None
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Count the drugs."""
        return len(self.names)

    def labels(self, metadata: pd.DataFrame) -> Labels:
        """Give each row's drug, or -1 where it has none of them."""
        position = {name: k for k, name in enumerate(self.names)}
        is_control = metadata["Metadata_Control"].astype(object).fillna("") == "negcon"
        named = metadata["Metadata_Compound"].astype(object).where(~is_control, "")
        # a copy: with copy-on-write pandas gives an array that must not be written to
        return np.array(named.map(lambda name: position.get(name, -1)), np.int64)


def drug_table(
    metadata: pd.DataFrame,
    config: DrugFeatures,
    *,
    seed: int = 0,
    singles: Collection[str] = (),
    stored: Path | None = None,
) -> DrugTable:
    """Collect the drugs of the training rows and describe their structures.

    Parameters
    ----------
    metadata
        Of the training rows, in the columns of profiles.
    config, seed
        Which features, and what exchanges them where that is asked for.
    singles
        Compounds with one image in all the data, which the caller does not want to train on.
    stored
        A file of fingerprints that the data bring along, for where RDKit is not installed.

    Raises
    ------
    TrainValueError
        No drug is there, or a drug has one image only, or RDKit is needed and not installed.
    """
    is_control = metadata["Metadata_Control"].astype(object).fillna("") == "negcon"
    named = metadata.loc[~is_control].copy()
    named["Metadata_Compound"] = named["Metadata_Compound"].astype(object).fillna("")
    named = named[named["Metadata_Compound"] != ""]
    _refuse_too_few(named, singles)
    first = named.groupby("Metadata_Compound", sort=True)["Metadata_SMILES"].agg(_first_text)
    names, smiles = tuple(map(str, first.index)), tuple(first)
    found, rows, settings = _features(smiles, names, config, stored)
    features_KF: _Features = np.zeros((len(names), found.shape[1]), dtype=found.dtype)
    features_KF[rows] = found
    warnings = _said_of(names, rows, config.mode)
    if config.permuted:
        features_KF = features_KF[np.random.default_rng([seed, 11]).permutation(len(names))]
        settings = None
    return DrugTable(names, smiles, features_KF, settings, warnings)


_Features = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
_Found = tuple[_Features, Labels, FeatureSettings | None]


def _features(
    smiles: tuple[str, ...], names: tuple[str, ...], config: DrugFeatures, stored: Path | None
) -> _Found:
    is_fingerprint = config.kind in ("fcfp4", "ecfp4")
    if is_fingerprint and config.source:
        return _stored_features(smiles, names, config, Path(config.source))
    if not has_rdkit() and config.kind != "table":
        if is_fingerprint and stored is not None and stored.is_file():
            return _stored_features(smiles, names, config, stored)
        if config.mode == "none":
            return np.zeros((0, 1), np.float32), np.empty(0, np.int64), None
        message = (
            "structures are described with RDKit, which is not installed here; install rdkit, "
            "give fingerprints that tide drug-features wrote elsewhere (--set drugs.source=FILE) "
            "or a table (--set drugs.kind=table --set drugs.source=FILE), or train without "
            "chemistry (--set drugs.mode=none)"
        )
        raise TrainValueError(message)
    source = config.source if config.source.startswith("hub:") else Path(config.source)
    described = molecular_features(
        smiles,
        config.kind,
        n_bits=config.n_bits,
        source=source if config.source else None,
        names=names,
    )
    return described.values_NF, described.rows_N, described.settings


def _stored_features(
    smiles: tuple[str, ...], names: tuple[str, ...], config: DrugFeatures, path: Path
) -> _Found:
    if path.suffix != SUFFIX:
        message = (
            f"{path} does not end in {SUFFIX}, as fingerprints do that tide drug-features wrote; "
            "for a table of other features add --set drugs.kind=table"
        )
        raise TrainValueError(message)
    known = StoredFingerprints.read(path)
    if known.settings.kind != config.kind:
        message = (
            f"{path} holds {known.settings.kind} and {config.kind} was asked for; "
            f"--set drugs.kind={known.settings.kind}, or install rdkit"
        )
        raise TrainValueError(message)
    known = known.folded(config.n_bits)
    found = known.find(smiles, names)
    rows = np.flatnonzero(found >= 0)
    return known.values_RF[found[rows]], rows, known.settings


def _first_text(column: pd.Series) -> str:
    present = [str(value) for value in column if isinstance(value, str) and value]
    return present[0] if present else ""


def _refuse_too_few(named: pd.DataFrame, singles: Collection[str]) -> None:
    if not len(named):
        message = (
            "no image names a compound, so there is no drug to learn; give a plate map with "
            "compounds, or train dino or mae"
        )
        raise TrainValueError(message)
    single = sorted(set(named["Metadata_Compound"]) & set(singles))
    if single:
        message = (
            f"{len(single)} compounds have a single image ({', '.join(single[:3])}), which leaves "
            "none to check on; image them again, leave them out (--set data.drops_singles=true), "
            "or train on them all the same (--set data.keeps_singles=true)"
        )
        raise TrainValueError(message)


def _said_of(names: Sequence[str], rows: Labels, mode: CodebookMode) -> tuple[str, ...]:
    lacking = sorted(set(range(len(names))) - set(rows.tolist()))
    if not lacking or mode == "none":
        return ()
    some = ", ".join(names[k] for k in lacking[:3]) + (" ..." if len(lacking) > 3 else "")
    rest = "" if mode == "learned" else "; they share one prototype, use the codebook 'learned'"
    return (f"{len(lacking)} drugs have no usable structure ({some}){rest}",)
