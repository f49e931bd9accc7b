"""The scFM by itself: perturbation responses from L1000 alone."""

from __future__ import annotations

from tide_train.methods.expression_response import ExpressionResponseConfig

NAME = "scfm"


def scfm() -> ExpressionResponseConfig:
    """Fine-tune an scFM on L1000 and score it beside the trivial baselines."""
    return ExpressionResponseConfig()
