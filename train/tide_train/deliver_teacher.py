"""A teacher's RNA side, delivered in its student's bundle: signatures become questions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.discovery.signature_query import TEACHER, AdapterConfig
from napari_tide.students.bundle import load_bundle
from tide_train.methods.method import paired
from tide_train.methods.tide import Tide
from tide_train.nets.teacher_rna_side import (
    BranchMeans,
    PairedInputs,
    branch_means,
    folded_rna_side,
)
from tide_train.nets.tide_teacher import TeacherConfig
from tide_train.run_folder import RunFolder
from tide_train.signature_folder import write_signature_folder
from tide_train.training_loop import TrainingLoop

_MOST_PAIRS = 4_096  # a mean needs no more
_STREAM = 29
_FORMS = {
    "control_scaled": (
        "differences from untreated cells of the same line in their standard deviations, such as "
        "L1000 z-scores"
    ),
    "contrast": "differences from controls, as in the L1000 files of level 4 or 5 it trained on",
    "raw": "expression itself, as measured and normalised in the files it trained on",
}
_CARD = """\
# From expression signatures to the codebook's space

The RNA side of the teacher of `{student}`: give it an L1000 signature and it says where the teacher
would place it among the codebook's prototypes, beside which the student places images.
`tide hits --signature` reads it from here.

| | |
|---|---|
| Recipe | {recipe} |
| Genes | {n_genes} |
| Signatures | {form} |
| Image | {image} |
| Dose | {dose} |
| Cell line | mean over {n_pairs} training pairs |
| Teacher's temperature | {tau} |

## Limits

A signature has no image, no dose and no cell line, so the teacher is asked with less than it was
trained on. Only the direction of what it gives means something. It knows the drugs and cell lines
it was trained on. Its probabilities over drugs (`p_drug`) are not calibrated.
"""


def deliver_teacher(loop: TrainingLoop, folder: RunFolder) -> bool:
    """Write the teacher's RNA side into the bundle of a run, where it has learned one.

    Not for a teacher that never trained, nor for runs whose transcriptomes were exchanged as a
    negative control.

    Raises
    ------
    OutputWriteError
        The folder cannot be written.
    """
    method, signatures = loop.method, loop.prepared.signatures
    if not isinstance(method, Tide) or method.teacher is None or signatures is None:
        return False
    if not method.config.alpha or loop.config.rna.control:
        return False
    method.eval()
    means = branch_means(method.teacher, _pairs(loop, method))
    if not means.n_pairs:
        return False
    layers = folded_rna_side(method.teacher, means)
    tensors = {
        f"layers.{number}.{part}": value
        for number, layer in enumerate(layers)
        for part, value in zip(("weight", "bias"), layer, strict=True)
    }
    if signatures.form == "raw":  # what a gene that a signature lacks counts as
        weight, bias = layers[0]
        tensors |= {"mean": means.rna_G, "layers.0.bias": bias + weight @ means.rna_G}
    student, teacher = load_bundle(folder.student).id, method.teacher.config
    config = AdapterConfig(
        genes=signatures.genes,
        n_layers=len(layers),
        width=len(layers[-1][1]),
        student=student,
        activation="relu",
        space="codebook",
        tau=teacher.tau,
    )
    card = _CARD.format(
        student=student,
        recipe=loop.config.name,
        n_genes=len(signatures.genes),
        form=_FORMS[signatures.form],
        tau=teacher.tau,
        **_filled(teacher, means),
    )
    write_signature_folder(folder.student / TEACHER, config, tensors=tensors, card=card)
    return True


def _pairs(loop: TrainingLoop, method: Tide) -> Iterator[PairedInputs]:
    """Read training pairs as they are, without augmentation."""
    transcriptomes = loop.prepared.transcriptomes
    assert transcriptomes is not None, "there is no teacher without pairs"
    rows = _chosen(loop, transcriptomes.pairing.is_paired)
    size = loop.config.validation.batch_size
    for start in range(0, len(rows), size):
        batch = loop.batch_of(rows[start : start + size])
        partners = paired(batch)
        if not len(partners.samples_P):
            continue
        with torch.no_grad():
            embeddings_BD = method.student(batch.samples).pooled_BD.float()
        yield PairedInputs(
            image_BD=embeddings_BD[partners.samples_P],
            rna_BG=partners.rna_PG,
            cell_BE=partners.cells_PE,
            image_doses_B=batch.doses_B[partners.samples_P],
            rna_doses_BE=partners.doses_PE,
        )


def _chosen(loop: TrainingLoop, is_paired: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    training = loop.prepared.split.training
    rows = training[is_paired[training]]
    random = np.random.default_rng([loop.config.seed, _STREAM])
    return np.sort(random.permutation(rows)[:_MOST_PAIRS])


def _filled(teacher: TeacherConfig, means: BranchMeans) -> dict[str, object]:
    mean = f"mean over {means.n_pairs} training pairs"
    image, dose = mean, mean
    if not teacher.sees_image:
        image = "never seen by this teacher"
    elif teacher.image_dropout:
        image = "missing, as for a share of its training"
    if not teacher.sees_dose:
        dose = "never seen by this teacher"
    return {"image": image, "dose": dose, "n_pairs": means.n_pairs}
