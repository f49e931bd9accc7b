"""Numbers that describe molecules, of whichever kind a student is trained on, behind one function.

Shapes: N readable drugs among those given, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_tide.chem.chemberta import HUB_PREFIX, MoleculeEncoder, open_molecule_encoder
from napari_tide.chem.feature_settings import (
    BITS,
    FORMS,
    KINDS,
    N_BITS,
    ChembertaSettings,
    DescriptorSettings,
    FeatureKind,
    FeatureSettings,
    FingerprintKind,
    FingerprintSettings,
    MoleculeForm,
    TableSettings,
)
from napari_tide.chem.feature_table import FeatureTable
from napari_tide.chem.molecules import Rejected, read_molecules
from napari_tide.errors import MoleculeValueError

FeatureSource = str | Path | MoleculeEncoder | FeatureTable


@dataclass(frozen=True, slots=True, eq=False)
class MolecularFeatures:
    """Features of the drugs that have them, and a list of those that do not.

    Parameters
    ----------
    values_NF
        Zeros and ones (uint8) for fingerprints, float32 otherwise; always finite.
    rows_N
        Which of the drugs given each row is.
    rejected
        The other drugs, each with the reason.
    settings
        How to compute the same features of another drug.
    """

    values_NF: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    rows_N: npt.NDArray[np.int64]
    rejected: tuple[Rejected, ...]
    settings: FeatureSettings

    @property
    def kind(self) -> FeatureKind:
        """What the features are."""
        return self.settings.kind

    @property
    def names(self) -> tuple[str, ...]:
        """One name per feature."""
        if isinstance(self.settings, DescriptorSettings):
            return self.settings.names
        if isinstance(self.settings, TableSettings):
            return self.settings.columns
        return tuple(f"{self.kind}_{i:04d}" for i in range(self.settings.n_features))

    def of_all(self) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
        """Give the features if every drug has them.

        Raises
        ------
        MoleculeValueError
            Some have none; the first are named.
        """
        if not self.rejected:
            return self.values_NF
        examples = "; ".join(f"{drug.given!r}: {drug.reason}" for drug in self.rejected[:3])
        more = f" and {len(self.rejected) - 3} more" if len(self.rejected) > 3 else ""
        message = f"{examples}{more}; correct these drugs or leave them out"
        raise MoleculeValueError(message)


def molecular_features(
    smiles: Sequence[str],
    kind: FeatureKind = "fcfp4",
    *,
    n_bits: int = N_BITS,
    form: MoleculeForm = "parent",
    source: FeatureSource | None = None,
    names: Sequence[str] | None = None,
) -> MolecularFeatures:
    """Describe molecules for the first time, learning scales from them where the kind has any.

    Parameters
    ----------
    kind
        ``fcfp4`` and ``ecfp4`` are circular fingerprints, ``descriptors`` RDKit's 2D descriptors,
        ``chemberta`` the mean state of a transformer over SMILES, ``table`` a computed table.
    n_bits
        Length of a fingerprint.
    form
        Whether the neutral parent is described, without salt and solvent, or the SMILES as given.
    source
        For ``chemberta`` a folder, or ``hub:organisation/name`` to download it; for ``table`` the
        file. Either may be open already.
    names
        For ``table``, the drugs' names, beside their SMILES.

    Raises
    ------
    MoleculeValueError
        There is no such kind, or a source is needed and not given, or no drug has descriptors.
    """
    if kind not in KINDS or form not in FORMS:
        message = f"no features {kind!r} of {form!r}. Available: {list(KINDS)} of {list(FORMS)}"
        raise MoleculeValueError(message)
    if kind in ("fcfp4", "ecfp4"):
        return features_like(smiles, _fingerprint_settings(kind, n_bits, form))
    if kind == "descriptors":
        return _first_descriptors(smiles, form)
    if kind == "chemberta":
        encoder = _encoder(source)
        settings = ChembertaSettings(
            source=encoder.source,
            weights_sha256=encoder.weights_sha256,
            width=encoder.width,
            form=form,
        )
        return features_like(smiles, settings, source=encoder)
    table = _table(source)
    chosen = TableSettings(source=table.path.name, columns=table.columns)
    return features_like(smiles, chosen, source=table, names=names)


def features_like(
    smiles: Sequence[str],
    settings: FeatureSettings,
    *,
    source: FeatureSource | None = None,
    names: Sequence[str] | None = None,
) -> MolecularFeatures:
    """Describe molecules exactly as others were, with the settings and scales of those.

    Raises
    ------
    MoleculeValueError
        A source is needed and not given, or it is another one.
    """
    if isinstance(settings, TableSettings):
        return _of_table(smiles, settings, _table(source), names)
    molecules = read_molecules(smiles, form=settings.form)
    values_NF: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    if isinstance(settings, FingerprintSettings):
        from napari_tide.chem.fingerprints import circular_fingerprints

        values_NF = circular_fingerprints(
            molecules.structures, settings.kind, n_bits=settings.n_bits
        )
    elif isinstance(settings, DescriptorSettings):
        from napari_tide.chem.descriptors import raw_descriptors, scale_descriptors

        raw_NF = raw_descriptors(molecules.structures, settings.names)
        values_NF = scale_descriptors(raw_NF, settings)
    else:
        values_NF = _same_encoder(settings, source).embed(molecules.smiles)
    return MolecularFeatures(values_NF, molecules.rows, molecules.rejected, settings)


def _fingerprint_settings(
    kind: FingerprintKind, n_bits: int, form: MoleculeForm
) -> FingerprintSettings:
    if n_bits not in BITS:
        message = (
            f"a fingerprint of {n_bits} bits is impossible; give {BITS.start} to {BITS.stop - 1}"
        )
        raise MoleculeValueError(message)
    return FingerprintSettings(kind=kind, n_bits=n_bits, form=form)


def _first_descriptors(smiles: Sequence[str], form: MoleculeForm) -> MolecularFeatures:
    from napari_tide.chem.descriptors import (
        descriptor_names,
        fit_descriptors,
        raw_descriptors,
        scale_descriptors,
    )

    molecules = read_molecules(smiles, form=form)
    names = descriptor_names()
    raw_NF = raw_descriptors(molecules.structures, names)
    settings = fit_descriptors(raw_NF, names, form=form)
    values_NF = scale_descriptors(raw_NF, settings)
    return MolecularFeatures(values_NF, molecules.rows, molecules.rejected, settings)


def _of_table(
    smiles: Sequence[str],
    settings: TableSettings,
    table: FeatureTable,
    names: Sequence[str] | None,
) -> MolecularFeatures:
    if names is not None and len(names) != len(smiles):
        message = f"{len(names)} names for {len(smiles)} SMILES; give one for each"
        raise MoleculeValueError(message)
    chosen = table.columns_named(settings.columns)
    found_N = chosen.rows_of(smiles, names)
    is_whole_R = np.isfinite(chosen.values_RF).all(axis=1)
    has_features_N = (found_N >= 0) & np.take(is_whole_R, found_N)
    rejected = tuple(
        Rejected(
            row,
            (names[row] if names is not None else "") or smiles[row],
            f"{table.path.name} has "
            + ("no such drug" if found_N[row] < 0 else "missing or infinite values in its row"),
        )
        for row in np.flatnonzero(~has_features_N).tolist()
    )
    rows_N = np.flatnonzero(has_features_N)
    return MolecularFeatures(chosen.values_RF[found_N[rows_N]], rows_N, rejected, settings)


def _encoder(source: FeatureSource | None) -> MoleculeEncoder:
    if isinstance(source, MoleculeEncoder):
        return source
    if source is None or isinstance(source, FeatureTable):
        message = (
            "chemberta features need a transformer over SMILES; give its folder, or "
            f"{HUB_PREFIX}organisation/name to download it"
        )
        raise MoleculeValueError(message)
    return open_molecule_encoder(source)


def _same_encoder(settings: ChembertaSettings, source: FeatureSource | None) -> MoleculeEncoder:
    if source is None:
        is_on_hub = settings.source.startswith(HUB_PREFIX)
        message = (
            f"these features were made with the transformer {settings.source}; give its folder"
            + (f", or {settings.source} to download it" if is_on_hub else "")
        )
        raise MoleculeValueError(message)
    encoder = _encoder(source)
    if encoder.weights_sha256 != settings.weights_sha256:
        message = (
            f"{encoder.source} holds other weights than {settings.source}, which these features "
            "were made with; give that one"
        )
        raise MoleculeValueError(message)
    return encoder


def _table(source: FeatureSource | None) -> FeatureTable:
    if isinstance(source, FeatureTable):
        return source
    if source is None or isinstance(source, MoleculeEncoder):
        message = "features of kind table need a table; give a CSV or Parquet file, a row per drug"
        raise MoleculeValueError(message)
    return FeatureTable.read(Path(source))
