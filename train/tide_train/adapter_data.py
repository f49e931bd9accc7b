"""Everything an adapter's training needs, checked: profiles, signatures, who trains and who judges.

Shapes: N image profiles, S signatures, G genes, P axes of the aligned profiles, D features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.errors import TrainValueError
from tide_train.data.batch_corrections import Correction, undone
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.pairing import Pairing, fold_name, require_pairs
from tide_train.data.signature_pairs import (
    ImageTargets,
    PairedRows,
    corrected_signatures,
    deployed_correction,
    paired_rows,
)
from tide_train.data.split import split_rows
from tide_train.data.training_data import TrainingTable
from tide_train.data.transcriptome_tables import image_samples, pair_images
from tide_train.evaluate.signature_retrieval import Treated, retrieval
from tide_train.methods.semi_clipped import PairDraw, SemiClippedConfig
from tide_train.run_config import RunConfig

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]

_SCORE = "reciprocal_rank"


@dataclass(frozen=True, slots=True, eq=False)
class AdapterData:
    """What an adapter is trained on and judged by.

    Parameters
    ----------
    method
        The method's settings.
    genes
        Symbols of the signatures.
    signatures
        All signatures after each correction.
    deployed
        The form in which signatures will be asked with.
    targets
        Aligned image profiles.
    rows, pairing
        Who stands beside whom.
    validation
        Profiles of wells that do not train.
    held_out
        Signatures of compounds that were named to be held out; they choose nothing.
    student, data_hash
        Of the profiles; the hash covers the signatures too.
    warnings
        What a user should know, one sentence each.
    """

    method: SemiClippedConfig
    genes: tuple[str, ...]
    signatures: Mapping[Correction, npt.NDArray[np.float32]]
    deployed: Correction
    targets: ImageTargets
    rows: PairedRows
    pairing: Pairing
    validation: Rows
    held_out: Rows
    student: str
    data_hash: str
    warnings: tuple[str, ...]

    @property
    def n_drugs(self) -> int:
        """How many drugs train."""
        return len(np.unique(self.rows.drugs_N[self.rows.training]))

    @property
    def way_back(self) -> npt.NDArray[np.float64]:
        """The matrix P x D from aligned profiles back to the features of the table."""
        return undone(self.targets.alignment)

    def draw(self, config: RunConfig, device: torch.device | str) -> PairDraw:
        """Give what batches are drawn from, on a device."""
        return PairDraw(
            {name: torch.from_numpy(v).to(device) for name, v in self.signatures.items()},
            self.method.corrections,
            torch.from_numpy(self.targets.aligned_ND).to(device),
            self.rows.group_of_image,
            self.rows.signatures_of_group,
            config.seed,
        )

    def judge(self, reached_SP: Floats) -> dict[str, float]:
        """Judge where all signatures came to lie, by retrieval.

        ``within``: signatures that trained, among images of wells that did not. ``disjoint``:
        signatures of drugs that did not train, among all images. ``held_out``: of compounds that
        were named to be held out. ``in_table``: the last of these that is there, among profiles as
        they stand in the table, which is how the adapter is used.
        """
        rows, aligned = self.rows, self.targets.aligned_ND
        every = np.arange(len(aligned))
        gallery = self._images(aligned, every)
        questions = {
            "within": (rows.trained_signatures, self._images(aligned, self.validation)),
            "disjoint": (rows.judging, gallery),
            "held_out": (self.held_out, gallery),
        }
        found: dict[str, float] = {}
        for name, (asking, among) in questions.items():
            result = retrieval(self._asking(reached_SP, asking), among)
            found |= {} if result is None else result.facts(name)
        last = self.held_out if len(self.held_out) else rows.judging
        centred = self._images(self.targets.centred_ND, every)
        result = retrieval(self._asking(reached_SP @ self.way_back, last), centred)
        return found | ({} if result is None else result.facts("in_table"))

    @staticmethod
    def score(metrics: Mapping[str, float]) -> float:
        """Give the number that chooses the checkpoint."""
        within = metrics.get(f"within_{_SCORE}", -1.0)
        return metrics.get(f"disjoint_{_SCORE}", within)

    def _asking(self, reached: Floats, signatures: Rows) -> Treated:
        rows = self.rows
        return Treated.of(
            reached[signatures],
            rows.drugs_S[signatures],
            rows.lines_S[signatures],
            rows.doses_S[signatures],
        )

    def _images(self, profiles: Floats, images: Rows) -> Treated:
        rows = self.rows
        return Treated.of(
            profiles[images], rows.drugs_N[images], rows.lines_N[images], rows.doses_N[images]
        )


def adapter_data(
    config: RunConfig, data: TrainingTable, inputs: ExpressionInputs | None
) -> AdapterData:
    """Align profiles, correct signatures, pair the two, and split the drugs.

    Raises
    ------
    TrainValueError
        There are no signatures, pairs or controls.
    ProfileValueError
        The profiles have no negative controls.
    """
    method = config.method
    assert isinstance(method, SemiClippedConfig)
    if inputs is None:
        message = (
            f"{config.name} takes expression signatures to image profiles; give a GCT or GCTX file "
            "with --l1000"
        )
        raise TrainValueError(message)
    pairing = _pairing(data, inputs)
    settings = config.data
    split = split_rows(
        data.metadata,
        n_validation=settings.n_validation,
        held_out_compounds=settings.held_out_compounds,
        seed=config.seed,
    )
    named = image_samples(data.metadata)["compound"].to_numpy()
    may_train = split.training[~np.isin(named[split.training], settings.leave_out)]
    rows = paired_rows(
        data.metadata,
        inputs,
        pairing,
        training=may_train,
        held_out_share=method.held_out_share,
        seed=config.seed,
    )
    deployed = deployed_correction(inputs, method.corrections)
    held = {fold_name(name) for name in settings.held_out_compounds}
    return AdapterData(
        method=method,
        genes=inputs.genes,
        signatures=corrected_signatures(inputs, [*method.corrections, deployed]),
        deployed=deployed,
        targets=ImageTargets.of(data),
        rows=rows,
        pairing=pairing,
        validation=split.validation,
        held_out=np.flatnonzero(inputs.samples["compound"].map(fold_name).isin(held)),
        student=data.student,
        data_hash=_hash(data, inputs),
        warnings=(*data.notes, *split.warnings, *inputs.notes),
    )


def _pairing(data: TrainingTable, inputs: ExpressionInputs) -> Pairing:
    pairing = pair_images(data.metadata, inputs)
    images = image_samples(data.metadata)
    treated = images[(images["compound"] != "") & (images["control"] == "")]
    require_pairs(pairing, treated, inputs.samples)
    return pairing


def _hash(data: TrainingTable, inputs: ExpressionInputs) -> str:
    digest = hashlib.sha256(data.data_hash.encode())
    digest.update("\n".join(inputs.genes).encode())
    digest.update(np.ascontiguousarray(inputs.values_NG).data.cast("B"))
    return digest.hexdigest()
