"""The configuration of a run: everything that makes one training different from another.

Titles and descriptions are what ``tide train --help``, the docs and the Train dock show.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from napari_tide.students.bundle_config import LICENSE_PATTERN
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

    kind: EncoderKind = Field(
        default="vit",
        title="Encoder",
        description="vit and others read tiles, features reads a table of profiles",
    )
    size: Literal["base", "small", "tiny", "mini", "micro"] = Field(
        default="small",
        title="Size",
        description="base and small are the published ViT-B and ViT-S",
    )
    width: int | None = Field(
        default=None, ge=8, title="Width", description="Instead of the size's own"
    )
    depth: int | None = Field(
        default=None, ge=1, title="Depth", description="Instead of the size's own"
    )
    image_px: int | None = Field(
        default=None, ge=16, title="Tile side", description="In px; the pack's own by default"
    )
    patch_px: int = Field(
        default=16,
        ge=4,
        title="Patch (px)",
        description="Side of the squares a tile is cut into; smaller sees finer, and costs more",
    )
    has_channel_embedding: bool = Field(
        default=True,
        title="Channel embedding",
        description="Tell an encoder that reads channels one by one which stain each is",
    )
    standardises_input: bool = Field(
        default=False,
        title="Standardise tiles",
        description="Bring every channel of a tile to mean 0 and spread 1 first",
    )
    drop_path: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        title="Drop path",
        description="Share of layers skipped at random while training",
    )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Width, depth and heads."""
        width, depth, heads = SIZES[self.size]
        return self.width or width, self.depth or depth, heads


class OptimiserSettings(_Settings):
    """AdamW with a straight warm-up and a cosine to the end."""

    lr: float = Field(default=5e-4, gt=0, title="Learning rate", description="At its highest")
    lr_end: float = Field(default=1e-6, ge=0, title="Last learning rate", description="In the end")
    warmup_share: float = Field(
        default=0.05, ge=0, le=1, title="Warm-up", description="Share of steps it rises"
    )
    weight_decay: float = Field(
        default=0.05, ge=0, title="Weight decay", description="Not on biases and scales"
    )
    betas: tuple[float, float] = Field(
        default=(0.9, 0.95),
        title="Betas",
        description="AdamW's memory of gradients and of their squares",
    )
    clip_norm: float = Field(
        default=3.0, ge=0, title="Clip gradients", description="Longest gradient; 0 is no limit"
    )


class DataSettings(_Settings):
    """Which images train, which choose the checkpoint, which stay unseen."""

    held_out_compounds: tuple[str, ...] = Field(
        default=(),
        title="Held-out compounds",
        description="Never trained on, for tests on unseen drugs",
    )
    leave_out: tuple[str, ...] = Field(
        default=(), title="Leave out", description="Compounds to ignore altogether"
    )
    drops_singles: bool = Field(
        default=False,
        title="Drop singles",
        description="Ignore compounds with a single image instead of stopping",
    )
    keeps_singles: bool = Field(
        default=False,
        title="Keep singles",
        description="Train on compounds with a single image too; they choose no checkpoint",
    )
    channels: tuple[str, ...] = Field(
        default=(), title="Channels", description="Only these channels; all if empty"
    )
    tile_px: int | None = Field(
        default=None,
        ge=16,
        title="Tile in the field (px)",
        description="Side of a tile in the field, where a screen is given",
    )
    n_validation: int = Field(
        default=10,
        ge=1,
        title="Validation images",
        description="Images of each perturbation that choose the checkpoint",
    )
    paired_share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        title="Paired share",
        description="Share of each batch that has a transcriptome",
    )


class RnaSettings(_Settings):
    """What the teacher gets from L1000."""

    form: TeacherForm = Field(
        default="control_scaled",
        title="Form",
        description="Against the line's own DMSO, or as measured",
    )
    min_replicates: int | None = Field(
        default=None,
        ge=1,
        title="Fewest replicates",
        description="Rarer conditions are dropped; 5 where there are such",
    )
    n_per_drug: int | None = Field(
        default=None,
        ge=0,
        title="Transcriptomes per drug",
        description="At most so many transcriptomes a drug and line",
    )
    control: Literal["", "permuted", "shuffled"] = Field(
        default="",
        title="Control experiment",
        description="permuted between drugs, or shuffled among samples (controls)",
    )
    scfm: str = Field(
        default="small",
        title="Cell-line encoder (scFM)",
        description="small: the embedded default, trained on the same L1000; none; or a folder",
    )
    scfm_steps: int = Field(
        default=600, ge=1, title="scFM steps", description="Steps of its training, at most"
    )
    scfm_is_fine_tuned: bool = Field(
        default=True,
        title="Fine-tune the scFM",
        description="Fine-tune a checkpoint on the responses; else use it as it is",
    )


class ValidationSettings(_Settings):
    """How often and on how much a checkpoint is judged."""

    n_times: int = Field(
        default=10, ge=1, title="Validations", description="Validations over the run"
    )
    max_bank_images: int = Field(
        default=20_000, ge=1, title="Voting images", description="Training images that vote"
    )
    batch_size: int = Field(
        default=256,
        ge=1,
        title="Images at once",
        description="Images embedded together; lower it if memory runs out while validating",
    )


class CardSettings(_Settings):
    """What the student's model card says of its use."""

    license: str = Field(
        default="other",
        title="Licence",
        description="Of the weights, as the Hub writes it: cc-by-4.0, bsd-3-clause, other",
    )
    description: str = Field(
        default="",
        max_length=2000,
        title="Description",
        description="A sentence or two for the model card: which cells, what for",
    )

    @field_validator("license")
    @classmethod
    def _is_written_as_on_the_hub(cls, license_: str) -> str:
        if re.fullmatch(LICENSE_PATTERN, license_) is None:
            message = "a licence is written as on the Hub, such as cc-by-4.0, cc0-1.0 or other"
            raise ValueError(message)
        return license_


class RunConfig(_Settings):
    """One training, from data to student."""

    name: str = Field(
        min_length=1, title="Name", description="Of the recipe, and of the student it makes"
    )
    method: AnyMethodConfig = Field(
        title="Method", description="What learns from what, with its own settings"
    )
    encoder: EncoderChoice = Field(
        default=EncoderChoice(), title="Encoder", description="What reads images or features"
    )
    drugs: DrugFeatures = Field(
        default=DrugFeatures(),
        title="Drugs",
        description="The codebook and the structures that organise it",
    )
    tau: float = Field(
        default=0.07, gt=0, title="Temperature", description="Temperature of the student's softmax"
    )
    epochs: float = Field(
        default=100, gt=0, title="Epochs", description="How often every image is seen"
    )
    n_steps: int | None = Field(default=None, ge=1, title="Steps", description="Instead of epochs")
    batch_size: int = Field(
        default=256, ge=2, title="Batch size", description="Over all devices and accumulation"
    )
    accumulation: int = Field(
        default=1,
        ge=1,
        title="Accumulation",
        description="Split each batch in so many parts, to save memory",
    )
    seed: int = Field(
        default=0,
        ge=0,
        title="Seed",
        description="Of weights, batches and changes; a CPU repeats a run of the same seed",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", title="Precision", description="auto: bf16 on a GPU that has it, else fp32"
    )
    optimiser: OptimiserSettings = Field(
        default=OptimiserSettings(), title="Optimiser", description="How weights are changed"
    )
    augmentation: AugmentConfig = Field(
        default=AugmentConfig(),
        title="Augmentation",
        description="How tiles are changed before they are seen",
    )
    crops: CropConfig = Field(
        default=CropConfig(),
        title="Crops",
        description="Parts of a tile that self-supervision compares",
    )
    feature_noise: FeatureNoise = Field(
        default=FeatureNoise(),
        title="Feature noise",
        description="How profiles are changed before they are seen",
    )
    data: DataSettings = Field(
        default=DataSettings(), title="Data", description="Which images train"
    )
    rna: RnaSettings = Field(
        default=RnaSettings(), title="RNA", description="What the teacher gets from L1000"
    )
    validation: ValidationSettings = Field(
        default=ValidationSettings(), title="Validation", description="How checkpoints are judged"
    )
    card: CardSettings = Field(
        default=CardSettings(), title="Model card", description="What a reader should know"
    )
    checkpoint_every: int = Field(
        default=500, ge=1, title="Checkpoint every", description="Steps between checkpoints"
    )
    log_every: int = Field(
        default=10, ge=1, title="Points every", description="Steps between points of the curves"
    )
    compile: bool = Field(
        default=False,
        title="Compile",
        description="Compile the encoder; slow to start, faster on a GPU",
    )
    tensorboard: bool = Field(
        default=False, title="TensorBoard", description="Write TensorBoard files into the run"
    )
    threads: int = Field(
        default=0,
        ge=0,
        title="Reading threads",
        description="Threads that read tiles ahead; 0: as many as cores, at most 8",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.batch_size % self.accumulation:
            message = (
                f"batch_size {self.batch_size} cannot be split in {self.accumulation} equal parts"
            )
            raise ValueError(message)
        return self
