"""Which encoder, and how large: everything needed to build one again."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

EncoderKind = Literal["vit", "channel_vit", "fused_vit", "features"]

# width, depth, heads; the first two are the published ViT-B and ViT-S
SIZES: dict[str, tuple[int, int, int]] = {
    "base": (768, 12, 12),
    "small": (384, 12, 6),
    "tiny": (192, 12, 3),
    "mini": (192, 6, 3),
    "micro": (96, 4, 3),
}


class EncoderConfig(BaseModel):
    """An encoder's architecture; stored in every bundle and run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: EncoderKind = "vit"
    channels: tuple[str, ...] = Field(min_length=1, description="Stains, or feature columns")
    width: int = Field(default=384, ge=8, le=4096)
    depth: int = Field(default=12, ge=1, le=64)
    heads: int = Field(default=6, ge=1, le=64)
    image_px: int = Field(default=224, ge=16, le=2048, description="Side of a training tile")
    patch_px: int = Field(default=16, ge=4, le=64)
    block: Literal["sequential", "parallel"] = "sequential"
    has_channel_embedding: bool = True
    standardises_input: bool = Field(
        default=False, description="Centre and scale each channel of each tile"
    )
    has_final_norm: bool = True
    resamples_positions: bool = Field(
        default=False,
        description="Resample positions at the trained size too, as published ChannelViT does",
    )
    drop_path: float = Field(default=0.0, ge=0.0, lt=1.0)

    @classmethod
    def sized(cls, size: str, **fields: object) -> EncoderConfig:
        """Build a configuration from a named size, such as ``"small"``."""
        width, depth, heads = SIZES[size]
        return cls.model_validate({"width": width, "depth": depth, "heads": heads, **fields})

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind != "features" and self.width % self.heads:
            message = f"width {self.width} cannot be split over {self.heads} heads"
            raise ValueError(message)
        if self.kind != "features" and self.image_px % self.patch_px:
            message = f"image_px {self.image_px} is not a multiple of patch_px {self.patch_px}"
            raise ValueError(message)
        if len(set(self.channels)) != len(self.channels):
            message = f"channels are named more than once: {list(self.channels)}"
            raise ValueError(message)
        return self
