"""Drugs a student never saw, straight from their SMILES: prototypes, and the drugs they are like.

Shapes: N new drugs, K training drugs, F molecular features, D embedding width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.chem.chemberta import open_molecule_encoder
from napari_tide.chem.feature_settings import (
    ChembertaSettings,
    FeatureSettings,
    FingerprintSettings,
    TableSettings,
)
from napari_tide.chem.feature_table import FeatureTable
from napari_tide.chem.fingerprints import jaccard_similarities
from napari_tide.chem.molecular_features import FeatureSource, features_like
from napari_tide.chem.smiles import standard_or_blank
from napari_tide.errors import MoleculeValueError, StudentValueError
from napari_tide.students.bundle import Bundle

Space = Literal["codebook", "fingerprint"]

Similarities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NearDrug:
    """A training drug and how like it a new one is, from 0 (or -1 for a cosine) to 1."""

    name: str
    smiles: str
    similarity: float


class NewDrugs:
    """Gives drugs outside the training set a place among the student's prototypes.

    Parameters
    ----------
    bundle
        The student; its configuration says how molecules become features.
    source
        What the features need beside SMILES: the ChemBERTa folder or the table. It must be the one
        of the training, told by its weights or its columns.
    """

    def __init__(self, bundle: Bundle, *, source: FeatureSource | None = None) -> None:
        self._bundle, self._source = bundle, source
        self._bits_of_training: tuple[FingerprintSettings, list[int], npt.NDArray[np.uint8]] | None
        self._bits_of_training = None

    def prototypes(
        self, smiles: Sequence[str], *, names: Sequence[str] | None = None
    ) -> torch.Tensor:
        """Give each SMILES a prototype of length one, N x D, as its features alone place it.

        A training drug's residual is not part of it: in mode ``learned`` its prototype here is
        where its chemistry says it should be, in modes ``mlp`` and ``fixed`` it is its own.

        Raises
        ------
        MoleculeValueError
            A SMILES cannot be read or has no features, or a source is needed.
        StudentValueError
            The student knows no chemistry, or does not say how its features are made.
        """
        codebook = self._bundle.student.codebook
        if codebook.mode == "none":  # the codebook refuses; no feature need be computed
            return codebook.prototypes_of(codebook.features_KF[:0])
        features_NF = self._features(smiles, names)
        with torch.inference_mode():
            return codebook.prototypes_of(features_NF.to(codebook.features_KF.device))

    def nearest(
        self, smiles: str, *, n: int = 5, space: Space = "codebook"
    ) -> tuple[NearDrug, ...]:
        """List the training drugs most like a new one, the likest first.

        Parameters
        ----------
        n
            How many at most.
        space
            ``codebook``: cosine of prototypes, what the student learned. ``fingerprint``: Jaccard
            similarity of fingerprints (the student's own, FCFP4 where it has other features), which
            any student with its drugs' SMILES can answer.

        Raises
        ------
        MoleculeValueError, StudentValueError
            As for `prototypes`.
        """
        positions, similarities = (
            self._by_codebook(smiles) if space == "codebook" else self._by_fingerprint(smiles)
        )
        order = np.argsort(-similarities, kind="stable")[: max(n, 0)]
        drugs = self._bundle.config.drugs
        return tuple(
            NearDrug(drugs[k].name, drugs[k].smiles, float(similarity))
            for k, similarity in ((positions[i], similarities[i]) for i in order)
        )

    def training_fingerprints(
        self,
    ) -> tuple[FingerprintSettings, list[int], npt.NDArray[np.uint8]]:
        """Give the fingerprints drugs are compared by: how made, of which drugs, and the bits.

        Raises
        ------
        StudentValueError
            The student gives no SMILES of its drugs.
        """
        if self._bits_of_training is None:
            config = self._bundle.config
            settings = config.student.codebook.features
            if isinstance(settings, FingerprintSettings):
                bits_KF = self._bundle.student.codebook.features_KF.cpu().numpy()
                self._bits_of_training = settings, list(range(len(bits_KF))), bits_KF
            else:
                usual = FingerprintSettings()
                found = features_like([drug.smiles for drug in config.drugs], usual)
                if len(found.values_NF) == 0:
                    message = (
                        f"{config.name} gives no SMILES of its drugs, so none can be compared by "
                        "fingerprint; compare in the codebook"
                    )
                    raise StudentValueError(message)
                bits_KF = found.values_NF.astype(np.uint8)
                self._bits_of_training = usual, found.rows_N.tolist(), bits_KF
        return self._bits_of_training

    def _features(self, smiles: Sequence[str], names: Sequence[str] | None) -> torch.Tensor:
        settings = self._settings()
        if isinstance(settings, TableSettings) and self._source is None:
            return self._of_training_drugs(smiles, settings)
        self._open_source(settings)
        found = features_like(smiles, settings, source=self._source, names=names)
        return torch.from_numpy(found.of_all())

    def _open_source(self, settings: FeatureSettings) -> None:
        """Open what was given by its path, once and not for every question."""
        if not isinstance(self._source, str | Path):
            return
        if isinstance(settings, ChembertaSettings):
            self._source = open_molecule_encoder(self._source)
        elif isinstance(settings, TableSettings):
            self._source = FeatureTable.read(Path(self._source))

    def _settings(self) -> FeatureSettings:
        settings = self._bundle.config.student.codebook.features
        if settings is None:
            message = (
                f"{self._bundle.config.name} does not say how its molecular features are made, so "
                "it has no prototype for a SMILES; use one of its drugs or another student"
            )
            raise StudentValueError(message)
        return settings

    def _of_training_drugs(self, smiles: Sequence[str], settings: TableSettings) -> torch.Tensor:
        """Find features kept in the bundle; there are no others without the table."""
        known = {
            standard_or_blank(drug.smiles): k
            for k, drug in enumerate(self._bundle.config.drugs)
            if standard_or_blank(drug.smiles)
        }
        missing = [text for text in smiles if standard_or_blank(text) not in known]
        if missing:
            message = (
                f"{missing[0]!r} is none of the student's drugs, and its features come from a "
                f"table ({settings.source or 'unnamed'}); give that table with a row for it"
            )
            raise MoleculeValueError(message)
        rows = [known[standard_or_blank(text)] for text in smiles]
        return self._bundle.student.codebook.features_KF[rows]

    def _by_codebook(self, smiles: str) -> tuple[Sequence[int], Similarities]:
        prototypes_1D = self.prototypes([smiles])
        with torch.inference_mode():
            cosines_K = (prototypes_1D @ self._bundle.student.codebook().T)[0]
        return range(len(cosines_K)), cosines_K.float().cpu().numpy()

    def _by_fingerprint(self, smiles: str) -> tuple[Sequence[int], Similarities]:
        settings, positions, bits_KF = self.training_fingerprints()
        bits_1F = features_like([smiles], settings).of_all()
        return positions, jaccard_similarities(bits_1F, bits_KF)[0]
