"""Training on profiles that a lab already has: a small MLP instead of a ViT."""

from __future__ import annotations

from tide_train.methods.self_distillation import SelfDistillationConfig
from tide_train.methods.semi_clipped import SemiClippedConfig
from tide_train.methods.tide import TideConfig
from tide_train.methods.tide_plus import TidePlusConfig
from tide_train.nets.tide_teacher import TeacherConfig
from tide_train.overrides import changed
from tide_train.run_config import (
    EncoderChoice,
    OptimiserSettings,
    RnaSettings,
    RunConfig,
    ValidationSettings,
)

SMALL_SSL = SelfDistillationConfig(
    n_outputs=1024, head_hidden=256, head_bottleneck=64, momentum=0.99
)
TABLE_ENCODER = EncoderChoice(kind="features", size="micro", width=256, depth=2)


def tide_features() -> RunConfig:
    """TIDE on a table of profiles, without self-supervision."""
    return RunConfig(
        name="tide_features",
        method=TideConfig(beta=0.0, ssl=SMALL_SSL),
        encoder=TABLE_ENCODER,
        rna=RnaSettings(scfm="none"),
        epochs=40,
        batch_size=128,
        optimiser=OptimiserSettings(lr=1e-3),
    )


def tide_features_rna_teacher() -> RunConfig:
    """TIDE on a table with a teacher that sees the transcriptome alone, with gaps."""
    base = tide_features()
    return base.model_copy(
        update={
            "name": "tide_features_rna_teacher",
            "method": TideConfig(
                beta=0.0,
                distillation=2.0,
                teacher=TeacherConfig(sees_image=False, rna_dropout=0.5),
                ssl=SMALL_SSL,
                label_weight=0.3,
            ),
        }
    )


def tide_plus_features() -> RunConfig:
    """TIDE+ on a table of profiles: a mechanism head beside the student's own, no teacher."""
    base = tide_features()
    return changed(
        base,
        {
            "name": "tide_plus_features",
            "method": TidePlusConfig().model_dump(mode="json"),
            "tau": 0.15,
            "feature_noise.noise": 0.6,
            "feature_noise.dropout": 0.3,
        },
    )


def semi_clipped() -> RunConfig:
    """Semi-Clipped with PEA: an adapter from L1000 signatures to profiles, no student."""
    return RunConfig(
        name="semi_clipped",
        method=SemiClippedConfig(),
        epochs=60,
        batch_size=256,
        optimiser=OptimiserSettings(lr=1e-3),
        validation=ValidationSettings(n_times=20),
        checkpoint_every=100,
    )
