"""From a configuration to an encoder."""

from __future__ import annotations

from napari_tide.students.encoders.channel_vit import ChannelViTEncoder
from napari_tide.students.encoders.encoder import Encoder
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.encoders.feature_encoder import FeatureEncoder
from napari_tide.students.encoders.fused_vit import FusedViTEncoder
from napari_tide.students.encoders.vit import ViTEncoder


def build_encoder(config: EncoderConfig) -> Encoder:
    """Build an untrained encoder."""
    match config.kind:
        case "vit":
            return ViTEncoder(config)
        case "channel_vit":
            return ChannelViTEncoder(config)
        case "fused_vit":
            return FusedViTEncoder(config)
        case "features":
            return FeatureEncoder(config)
