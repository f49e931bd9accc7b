"""The configuration of a run: everything that makes one training different from another.

Titles and descriptions are what ``tide train --help``, the docs and the Train dock show.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_tide.students.encoders.encoder_config import SIZES, EncoderKind
from tide_train.data.augment import AugmentConfig
from tide_train.data.drug_table import DrugFeatures
from tide_train.data.expression_inputs import TeacherForm
from tide_train.data.multi_crop import CropConfig
from tide_train.data.views import FeatureNoise
from tide_train.methods.registry import AnyMethodConfig


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EncoderChoice(_Settings):
    """Which encoder; its channels and tile size come from the data."""

    kind: EncoderKind = Field(default="vit", title="Encoder")
    size: Literal["base", "small", "tiny", "mini", "micro"] = Field(
        default="small", description="base and small are the published ViT-B and ViT-S"
    )
    width: int | None = Field(default=None, ge=8, description="Instead of the size's own")
    depth: int | None = Field(default=None, ge=1, description="Instead of the size's own")
    image_px: int | None = Field(
        default=None, ge=16, title="Tile side", description="In px; the pack's own by default"
    )
    patch_px: int = Field(default=16, ge=4)
    has_channel_embedding: bool = True
    standardises_input: bool = False
    drop_path: float = Field(default=0.0, ge=0, lt=1)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Width, depth and heads."""
        width, depth, heads = SIZES[self.size]
        return self.width or width, self.depth or depth, heads


class OptimiserSettings(_Settings):
    """AdamW with a straight warm-up and a cosine to the end."""

    lr: float = Field(default=5e-4, gt=0, title="Learning rate", description="At its highest")
    lr_end: float = Field(default=1e-6, ge=0, description="In the end")
    warmup_share: float = Field(default=0.05, ge=0, le=1, description="Share of steps it rises")
    weight_decay: float = Field(default=0.05, ge=0, description="Not on biases and scales")
    betas: tuple[float, float] = (0.9, 0.95)
    clip_norm: float = Field(default=3.0, ge=0, description="Longest gradient; 0 is no limit")


class DataSettings(_Settings):
    """Which images train, which choose the checkpoint, which stay unseen."""

    held_out_compounds: tuple[str, ...] = Field(
        default=(), description="Never trained on, for tests on unseen drugs"
    )
    leave_out: tuple[str, ...] = Field(default=(), description="Compounds to ignore altogether")
    drops_singles: bool = Field(
        default=False, description="Ignore compounds with a single image instead of stopping"
    )
    keeps_singles: bool = Field(
        default=False,
        description="Train on compounds with a single image too; they choose no checkpoint",
    )
    channels: tuple[str, ...] = Field(default=(), description="Only these channels; all if empty")
    tile_px: int | None = Field(
        default=None, ge=16, description="Side of a tile in the field, where a screen is given"
    )
    n_validation: int = Field(
        default=10, ge=1, description="Images of each perturbation that choose the checkpoint"
    )
    paired_share: float | None = Field(
        default=None, gt=0, lt=1, description="Share of each batch that has a transcriptome"
    )


class RnaSettings(_Settings):
    """What the teacher gets from L1000."""

    form: TeacherForm = Field(
        default="control_scaled", description="Against the line's own DMSO, or as measured"
    )
    min_replicates: int | None = Field(
        default=None, ge=1, description="Rarer conditions are dropped; 5 where there are such"
    )
    n_per_drug: int | None = Field(
        default=None, ge=0, description="At most so many transcriptomes a drug and line"
    )
    control: Literal["", "permuted", "shuffled"] = Field(
        default="", description="permuted between drugs, or shuffled among samples (controls)"
    )
    scfm: str = Field(
        default="small",
        description="small: the embedded default, trained on the same L1000; none; or a folder",
    )
    scfm_steps: int = Field(default=600, ge=1, description="Steps of its training, at most")
    scfm_is_fine_tuned: bool = Field(
        default=True, description="Fine-tune a checkpoint on the responses; else use it as it is"
    )


class ValidationSettings(_Settings):
    """How often and on how much a checkpoint is judged."""

    n_times: int = Field(default=10, ge=1, description="Validations over the run")
    max_bank_images: int = Field(default=20_000, ge=1, description="Training images that vote")
    batch_size: int = Field(default=256, ge=1)


class RunConfig(_Settings):
    """One training, from data to student."""

    name: str = Field(min_length=1, description="Of the recipe, and of the student it makes")
    method: AnyMethodConfig
    encoder: EncoderChoice = EncoderChoice()
    drugs: DrugFeatures = DrugFeatures()
    tau: float = Field(default=0.07, gt=0, description="Temperature of the student's softmax")
    epochs: float = Field(default=100, gt=0, title="Epochs")
    n_steps: int | None = Field(default=None, ge=1, description="Instead of epochs")
    batch_size: int = Field(
        default=256, ge=2, title="Batch size", description="Over all devices and accumulation"
    )
    accumulation: int = Field(
        default=1, ge=1, description="Split each batch in so many parts, to save memory"
    )
    seed: int = Field(default=0, ge=0, title="Seed")
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    optimiser: OptimiserSettings = OptimiserSettings()
    augmentation: AugmentConfig = AugmentConfig()
    crops: CropConfig = CropConfig()
    feature_noise: FeatureNoise = FeatureNoise()
    data: DataSettings = DataSettings()
    rna: RnaSettings = RnaSettings()
    validation: ValidationSettings = ValidationSettings()
    checkpoint_every: int = Field(default=500, ge=1, description="Steps between checkpoints")
    log_every: int = Field(default=10, ge=1, description="Steps between points of the curves")
    compile: bool = Field(
        default=False, description="Compile the encoder; slow to start, faster on a GPU"
    )
    tensorboard: bool = Field(default=False, description="Write TensorBoard files into the run")
    threads: int = Field(
        default=0, ge=0, description="Threads that read tiles ahead; 0: as many as cores, at most 8"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.batch_size % self.accumulation:
            message = (
                f"batch_size {self.batch_size} cannot be split in {self.accumulation} equal parts"
            )
            raise ValueError(message)
        return self
