"""The end of a run: the best checkpoint becomes a calibrated student bundle with its model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from napari_tide.students.bundle import save_bundle
from napari_tide.students.bundle_config import BundleConfig, ChannelIntensity, Drug
from napari_tide.students.calibration import Calibration, calibrate
from napari_tide.students.student import Student
from tide_train.checkpoint import BEST, load_tensors
from tide_train.data.tile_pack import TilePack
from tide_train.deliver_teacher import deliver_teacher
from tide_train.evaluate.validation import embed_rows
from tide_train.events import Event
from tide_train.run_folder import RunFolder
from tide_train.seeding import seeded
from tide_train.training_loop import TrainingLoop

Rows = npt.NDArray[np.int64]

_ON_THE_CARD = ("knn_top1", "knn_top5", "student_log_loss", "teacher_log_loss")
_HEAD_STEPS, _HEAD_BATCH, _HEAD_LR = 500, 256, 1e-3


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run ended with."""

    calibration: Calibration
    metrics: dict[str, float]
    has_rna_side: bool = False  # the bundle can be asked by expression signature


def finish(
    loop: TrainingLoop,
    folder: RunFolder,
    *,
    n_steps: int,
    environment: Mapping[str, object],
) -> Finished:
    """Write the student of the best checkpoint; every process takes part, the first one writes.

    Methods that train no drug head get one here, fitted on embeddings that stay as they are, so
    that their probabilities mean something too. A teacher's RNA side goes into the bundle.
    """
    loop.accelerator.wait_for_everyone()
    best_path = folder.checkpoints / BEST
    best: dict[str, float] = {}
    if best_path.is_file():
        found = load_tensors(best_path)
        loop.method.load_state_dict(found["method"])
        best = found["best"]
    student = loop.method.student
    if not loop.method.trains_drug_head:
        _fit_head(loop)
    student.encoder.load_state_dict(loop.method.used_encoder.state_dict())
    calibration = _calibrate(loop, student)
    metrics = {name: value for name, value in best.items() if name != "step"}
    has_rna_side = False
    if loop.accelerator.is_main_process:
        curve = curve_of(folder.metrics())
        config = _bundle_config(loop, calibration, metrics, n_steps, environment, curve)
        save_bundle(student, config, folder.student, overwrite=True)
        has_rna_side = deliver_teacher(loop, folder)
    loop.accelerator.wait_for_everyone()
    return Finished(calibration, metrics, has_rna_side)


def _fit_head(loop: TrainingLoop) -> None:
    """Train head and codebook on frozen embeddings of the labelled training rows."""
    prepared, student = loop.prepared, loop.method.student
    drugs_N = prepared.labels.drugs_N
    rows = prepared.split.training[drugs_N[prepared.split.training] >= 0]
    random = np.random.default_rng([prepared.config.seed, 17])
    if len(rows) > prepared.config.validation.max_bank_images:  # of all plates, not the first ones
        rows = np.sort(random.permutation(rows)[: prepared.config.validation.max_bank_images])
    loop.method.eval()
    embeddings_ND = embed_rows(
        loop.method, rows, loop.batch_of, batch_size=prepared.config.validation.batch_size
    )
    labels_N = torch.from_numpy(drugs_N[rows]).to(embeddings_ND.device)
    trained = [
        *student.head.parameters(),
        *(p for p in student.codebook.parameters() if p.requires_grad),
    ]
    optimiser = torch.optim.AdamW(trained, lr=_HEAD_LR, weight_decay=0.05)
    with seeded(prepared.config.seed, "head"):
        for _ in range(_HEAD_STEPS):
            drawn = random.integers(0, len(rows), min(_HEAD_BATCH, len(rows)))
            chosen = torch.from_numpy(drawn).to(embeddings_ND.device)
            logits_BK = student.logits(embeddings_ND[chosen])
            loss = functional.cross_entropy(logits_BK, labels_N[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()


@torch.no_grad()
def _calibrate(loop: TrainingLoop, student: Student) -> Calibration:
    prepared = loop.prepared
    drugs_N = prepared.labels.drugs_N
    rows = prepared.split.validation[drugs_N[prepared.split.validation] >= 0]
    if not len(rows):
        return Calibration()
    loop.method.eval()
    embeddings_ND = embed_rows(
        loop.method, rows, loop.batch_of, batch_size=prepared.config.validation.batch_size
    )
    logits_NK = student.logits(embeddings_ND).float().cpu().numpy()
    return calibrate(logits_NK, drugs_N[rows])


def _bundle_config(
    loop: TrainingLoop,
    calibration: Calibration,
    metrics: dict[str, float],
    n_steps: int,
    environment: Mapping[str, object],
    curve: Sequence[Mapping[str, object]],
) -> BundleConfig:
    prepared = loop.prepared
    data = prepared.data
    pixels: dict[str, object] = {}
    if isinstance(data, TilePack):
        pixels = {
            "intensity": {
                name: ChannelIntensity(low=limits.low, high=limits.high)
                for name, limits in data.intensity.items()
            },
            "intensity_percentiles": data.intensity_percentiles,
            "tile_px": data.tile_size_px,
            "pixel_size_um": data.pixel_size_um,
        }
    drugs = prepared.drugs
    return BundleConfig.model_validate(
        {
            "name": prepared.config.name,
            "student": loop.method.student.config,
            "drugs": tuple(
                Drug(name=name, smiles=smiles)
                for name, smiles in zip(drugs.names, drugs.smiles, strict=True)
            ),
            "calibration": calibration,
            "metrics": metrics,
            "license": prepared.config.card.license,
            "description": prepared.config.card.description,
            "provenance": provenance(loop, n_steps, environment, curve),
            **pixels,
        }
    )


def curve_of(points: Sequence[Event]) -> list[dict[str, object]]:
    """Give a row per validation, with the training loss of that moment."""
    rows: list[dict[str, object]] = []
    loss: object = None
    for point in points:
        loss = point.get("loss", loss)
        if point.get("event") == "validation":
            facts = {name: point[name] for name in _ON_THE_CARD if name in point}
            rows.append({"step": point.get("step"), "loss": loss, **facts})
    return rows


def provenance(
    loop: TrainingLoop,
    n_steps: int,
    environment: Mapping[str, object],
    curve: Sequence[Mapping[str, object]] = (),
) -> dict[str, object]:
    """Say what a student was trained on, and how."""
    prepared = loop.prepared
    labels = prepared.labels.drugs_N
    told: dict[str, object] = {
        "recipe": prepared.config.name,
        "method": prepared.config.method.kind,
        "drug head": (
            "trained with the encoder"
            if loop.method.trains_drug_head
            else "fitted afterwards on frozen embeddings"
        ),
        "data": getattr(prepared.data, "screen_name", "a table of profiles"),
        "data hash": prepared.data.data_hash,
        "training images": len(prepared.split.training),
        "validation images": len(prepared.split.validation),
        "labelled training images": int((labels[prepared.split.training] >= 0).sum()),
        "held-out compounds": list(prepared.config.data.held_out_compounds),
        "steps": n_steps,
        "batch size": prepared.config.batch_size,
        "seed": prepared.config.seed,
    }
    if prepared.pairing is not None:
        told["pairing"] = prepared.pairing.table.reset_index().to_dict(orient="records")
    if curve:
        told["curve"] = curve
    for name in ("git_commit", "device", "started", "versions"):
        if name in environment:
            told[name.replace("_", " ")] = environment[name]
    return told
