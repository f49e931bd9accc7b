"""From a configuration and data to a method ready to train, with every early refusal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from napari_tide.errors import TrainValueError
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.encoders.feature_encoder import FeatureEncoder
from napari_tide.students.student import Student, StudentConfig
from tide_train.data.batch import Transcriptomes
from tide_train.data.drug_table import DrugTable, drug_table
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.pairing import Pairing, require_pairs
from tide_train.data.split import Split, perturbations, split_rows
from tide_train.data.stored_fingerprints import MOLECULES
from tide_train.data.tile_pack import TilePack
from tide_train.data.training_data import TrainingTable
from tide_train.data.transcriptome_tables import (
    CellAndDoseEncoder,
    TranscriptomeSettings,
    image_samples,
    log_doses,
    pair_images,
    transcriptomes,
)
from tide_train.data.views import Views
from tide_train.methods.method import Method, MethodInputs
from tide_train.methods.registry import build_method, needs_pairs
from tide_train.nets.dose_encoding import DoseScale
from tide_train.nets.pixel_scale import fold_pixel_scale, pixel_statistics
from tide_train.run_config import RunConfig
from tide_train.seeding import seeded

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is known of every row of the data.

    Parameters
    ----------
    drugs_N
        Position in the codebook, or -1.
    perturbations_N
        A number per perturbation, drugs and genes, or -1 for negative controls.
    doses_N, log_doses_N
        In [0, 1], and as logarithms of µM.
    lines_N
        Cell lines as numbers.
    """

    drugs_N: Rows
    perturbations_N: Rows
    doses_N: npt.NDArray[np.float32]
    log_doses_N: npt.NDArray[np.float32]
    lines_N: Rows


@dataclass(frozen=True, slots=True)
class Signatures:
    """What the columns of the teacher's expression are: genes by symbol, and in which form."""

    genes: tuple[str, ...]
    form: Literal["control_scaled", "contrast", "raw"]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything a loop needs, checked."""

    config: RunConfig
    data: TilePack | TrainingTable
    split: Split
    drugs: DrugTable
    labels: Labels
    pairing: Pairing | None
    transcriptomes: Transcriptomes | None
    method: Method
    n_steps: int
    steps_per_epoch: int
    signatures: Signatures | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know before training."""
        return (*self.split.warnings, *self.drugs.warnings)


def prepare(
    config: RunConfig,
    data: TilePack | TrainingTable,
    *,
    expression: ExpressionInputs | None = None,
    scfm: CellAndDoseEncoder | None = None,
) -> Prepared:
    """Split the data, label it, pair it and build the method.

    Raises
    ------
    TrainValueError
        The data cannot be trained on as configured; the message says what to change.
    """
    _refuse_unfit_encoder(config, data)
    metadata = data.metadata
    split = _split(config, metadata)
    drugs = drug_table(
        metadata.iloc[split.training],
        config.drugs,
        seed=config.seed,
        singles=() if config.data.keeps_singles else _singles(metadata),
        stored=data.folder / MOLECULES if isinstance(data, TilePack) else None,
    )
    labels = _labels(metadata, drugs)
    pairing = None if expression is None else pair_images(metadata, expression)
    _require_pairs(config, metadata, expression, pairing)
    drawn = _transcriptomes(config, expression, pairing, scfm)
    n_steps, steps_per_epoch = _lengths(config, len(split.training))
    has_pairs = drawn is not None and bool(drawn.pairing.is_paired[split.training].any())
    student = _student(config, data, drugs, split.training)
    inputs = MethodInputs(
        student=student,
        views=_views(config, student),
        n_steps=n_steps,
        steps_per_epoch=steps_per_epoch,
        n_genes=0 if drawn is None else drawn.rna_NG.shape[1],
        cell_width=0 if drawn is None else drawn.cells_LE.shape[1],
        rna_dose_width=1 if drawn is None else drawn.doses_NE.shape[1],
        has_pairs=has_pairs,
        transcriptomes=drawn if has_pairs else None,
        seed=config.seed,
    )
    return Prepared(
        config=config,
        data=data,
        split=split,
        drugs=drugs,
        labels=labels,
        pairing=pairing,
        transcriptomes=drawn if has_pairs else None,
        method=build_method(config.method, inputs),
        n_steps=n_steps,
        steps_per_epoch=steps_per_epoch,
        signatures=None if expression is None else _signatures(config, expression),
    )


def _signatures(config: RunConfig, expression: ExpressionInputs) -> Signatures:
    form = "contrast" if expression.is_contrast else config.rna.form
    return Signatures(expression.genes, form)


def _transcriptomes(
    config: RunConfig,
    expression: ExpressionInputs | None,
    pairing: Pairing | None,
    scfm: CellAndDoseEncoder | None,
) -> Transcriptomes | None:
    if expression is None or pairing is None or not pairing.is_paired.any():
        return None
    settings = TranscriptomeSettings(
        form=config.rna.form,
        n_per_drug=config.rna.n_per_drug,
        control=config.rna.control,
        seed=config.seed,
    )
    return transcriptomes(pairing, expression, settings, encoder=scfm)


def _split(config: RunConfig, metadata: pd.DataFrame) -> Split:
    settings = config.data
    ignored = set(settings.leave_out)
    named = metadata["Metadata_Compound"].astype(object).fillna("")
    if settings.drops_singles:
        ignored |= _singles(metadata)
    split = split_rows(
        metadata,
        n_validation=settings.n_validation,
        held_out_compounds=settings.held_out_compounds,
        seed=config.seed,
    )
    if not ignored:
        return split
    kept = ~named.isin(ignored).to_numpy()
    return Split(
        split.training[kept[split.training]],
        split.validation[kept[split.validation]],
        split.held_out,
        split.warnings,
    )


def _singles(metadata: pd.DataFrame) -> set[str]:
    """Name the compounds with one image in all the data, whatever the split does with them."""
    named = metadata["Metadata_Compound"].astype(object).fillna("")
    counts = named[named != ""].value_counts()
    return {str(name) for name in counts.index[counts == 1]}


def _refuse_unfit_encoder(config: RunConfig, data: TilePack | TrainingTable) -> None:
    is_table, reads_tables = isinstance(data, TrainingTable), config.encoder.kind == "features"
    if is_table and config.method.kind == "mae":
        message = f"{config.name} hides parts of images, and a table has none; give a pack"
        raise TrainValueError(message)
    if is_table == reads_tables:
        return
    given, kind = ("a table of features", "features") if is_table else ("a pack of tiles", "vit")
    message = (
        f"encoder {config.encoder.kind!r} of {config.name} cannot read {given}; choose one that "
        f"can (--set encoder.kind={kind})"
    )
    raise TrainValueError(message)


def _labels(metadata: pd.DataFrame, drugs: DrugTable) -> Labels:
    table = image_samples(metadata)
    doses_um = table["dose_um"].to_numpy(dtype=np.float64)
    has_doses = bool((np.isfinite(doses_um) & (doses_um > 0)).any())
    scaled = (
        DoseScale.of(doses_um).scale(doses_um)
        if has_doses
        else np.full(len(doses_um), 0.5, np.float32)
    )
    names = perturbations(metadata)
    numbers = pd.factorize(pd.Series(names).where(names != ""), sort=True)[0]
    return Labels(
        drugs_N=drugs.labels(metadata),
        perturbations_N=numbers.astype(np.int64),
        doses_N=scaled,
        log_doses_N=log_doses(doses_um),
        lines_N=pd.factorize(table["cell_line"], sort=True)[0].astype(np.int64),
    )


def _require_pairs(
    config: RunConfig,
    metadata: pd.DataFrame,
    expression: ExpressionInputs | None,
    pairing: Pairing | None,
) -> None:
    if not needs_pairs(config.method):
        return
    if expression is None or pairing is None:
        message = (
            f"{config.name} learns from transcriptomes beside the images; give a GCT or GCTX file "
            "with --l1000, or train labels, cl_d or dino"
        )
        raise TrainValueError(message)
    treated = image_samples(metadata)
    treated = treated[(treated["compound"] != "") & (treated["control"] == "")]
    require_pairs(pairing, treated, expression.samples)


def _lengths(config: RunConfig, n_training: int) -> tuple[int, int]:
    if n_training < config.batch_size:
        message = (
            f"{n_training} training images do not fill a batch of {config.batch_size}; lower it "
            f"(--set batch_size={_power_of_two_below(n_training)})"
        )
        raise TrainValueError(message)
    steps_per_epoch = n_training // config.batch_size
    n_steps = config.n_steps or max(round(config.epochs * steps_per_epoch), 1)
    return n_steps, steps_per_epoch


def _power_of_two_below(number: int) -> int:
    return max(2 ** (number.bit_length() - 1), 2)


def _student(
    config: RunConfig, data: TilePack | TrainingTable, drugs: DrugTable, training: Rows
) -> Student:
    choice = config.encoder
    width, depth, heads = choice.shape
    encoder = EncoderConfig(
        kind=choice.kind,
        channels=data.channels,
        width=width,
        depth=depth,
        heads=heads,
        image_px=data.image_px if isinstance(data, TilePack) else 224,
        patch_px=choice.patch_px,
        has_channel_embedding=choice.has_channel_embedding,
        standardises_input=choice.standardises_input,
        drop_path=choice.drop_path,
    )
    codebook = CodebookConfig(
        mode=config.drugs.mode,
        features=drugs.settings,
        n_drugs=len(drugs),
        n_features=drugs.features_KF.shape[1],
        hidden=config.drugs.hidden,
    )
    with seeded(config.seed, "student"):
        student = Student(
            StudentConfig(encoder=encoder, codebook=codebook, tau=config.tau),
            torch.from_numpy(drugs.features_KF),
        )
    if isinstance(student.encoder, FeatureEncoder):
        _fit_feature_scales(student.encoder, data, training)
    if isinstance(data, TilePack):
        fold_pixel_scale(student.encoder, *pixel_statistics(data, training))
    return student


def _fit_feature_scales(
    encoder: FeatureEncoder, data: TilePack | TrainingTable, training: Rows
) -> None:
    rows_NF = np.asarray(data.read(training), dtype=np.float64)
    rows_NF = np.where(np.isfinite(rows_NF), rows_NF, np.nan)
    is_empty_F = np.isnan(rows_NF).all(axis=0)
    rows_NF[:, is_empty_F] = 0.0
    spread_F = np.nanstd(rows_NF, axis=0)
    encoder.mean.copy_(torch.from_numpy(np.nanmean(rows_NF, axis=0)))
    encoder.scale.copy_(torch.from_numpy(np.where(spread_F > 1e-9, spread_F, 1.0)))


def _views(config: RunConfig, student: Student) -> Views:
    encoder = student.encoder
    return Views(
        augmentation=config.augmentation,
        crops=config.crops,
        feature_noise=config.feature_noise,
        patch_px=config.encoder.patch_px,
        table_encoder=encoder if isinstance(encoder, FeatureEncoder) else None,
    )
