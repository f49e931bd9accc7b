"""What a bundle's ``config.json`` says; read from outside, so checked field by field."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from napari_tide.students.calibration import Calibration
from napari_tide.students.student import StudentConfig

FORMAT_VERSION = 1
LICENSE_PATTERN = r"^[a-z0-9][a-z0-9.\-]*$"


class Drug(BaseModel):
    """A drug the student was trained to recognise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    smiles: str = ""


class ChannelIntensity(BaseModel):
    """Which counts of a channel became 0 and 1 in training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float
    high: float


class BundleConfig(BaseModel):
    """A saved student: architecture, drugs, how pixels were prepared, and where it comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = FORMAT_VERSION
    name: str = Field(min_length=1)
    student: StudentConfig
    drugs: tuple[Drug, ...] = Field(min_length=1)
    intensity: dict[str, ChannelIntensity] = Field(
        default_factory=dict, description="Per channel; empty: percentiles of the screen itself"
    )
    intensity_percentiles: tuple[float, float] = (0.01, 99.9)
    tile_px: int = Field(default=224, ge=16, description="Side of a tile in the field, in pixels")
    pixel_size_um: float | None = Field(default=None, gt=0)
    calibration: Calibration = Calibration()
    metrics: dict[str, float] = Field(default_factory=dict)
    provenance: dict[str, JsonValue] = Field(default_factory=dict)
    license: str = Field(
        default="other",
        pattern=LICENSE_PATTERN,
        description="Of the weights, as the Hub writes it: cc-by-4.0, cc0-1.0 ...",
    )
    description: str = Field(
        default="", max_length=2000, description="What its maker says of it, in a sentence or two"
    )
    sha256: str = Field(default="", description="Of model.safetensors")

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if len(self.drugs) != self.student.codebook.n_drugs:
            message = f"{len(self.drugs)} drugs for {self.student.codebook.n_drugs} prototypes"
            raise ValueError(message)
        names = [drug.name for drug in self.drugs]
        if len(set(names)) != len(names):
            message = "a drug is named more than once"
            raise ValueError(message)
        unknown = [name for name in self.intensity if name not in self.student.encoder.channels]
        if unknown:
            message = f"intensity is given for channels the encoder does not have: {unknown}"
            raise ValueError(message)
        return self

    @property
    def channels(self) -> tuple[str, ...]:
        """The stains the student sees, in order."""
        return self.student.encoder.channels
