"""The scFM of a run: none, an embedded one trained on the run's own L1000, or a user's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_tide.errors import TrainValueError
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.events import Announce, event
from tide_train.methods.expression_response import (
    ExpressionResponseConfig,
    ResponseStep,
    fit_expression_response,
)
from tide_train.nets.scfm import Scfm, scfm_from_checkpoint
from tide_train.nets.scfm_folder import load_scfm
from tide_train.run_config import RunConfig

SCFM = "scfm"
_OFFICIAL = "args.json"


def scfm_of_run(
    config: RunConfig,
    inputs: ExpressionInputs,
    run: Path,
    *,
    announce: Announce,
    should_stop: Callable[[], bool],
) -> Scfm | None:
    """Give the encoder of cell lines and doses, trained first where the recipe asks for that.

    What was trained lies in the run's folder, and a resumed run finds it there.

    Raises
    ------
    TideError
        The folder a user named holds no scFM, or the L1000 files cannot train one.
    """
    settings = config.rna
    if settings.scfm == "none":
        return None
    if inputs.is_contrast or not inputs.basal:
        announce(
            event(
                "warning",
                message="the L1000 files hold no untreated expression, so cell lines are told "
                "apart by name and doses by number, without an scFM",
            )
        )
        return None
    if (run / SCFM).is_dir():
        return load_scfm(run / SCFM)
    if settings.scfm == "small":
        return _trained(config, None, inputs, run, announce, should_stop)
    folder = Path(settings.scfm)
    if not folder.is_dir():
        message = f"{folder} is no folder; give an scGPT checkpoint's or an scFM's, small, or none"
        raise TrainValueError(message)
    if not (folder / _OFFICIAL).is_file():
        return load_scfm(folder)
    if not settings.scfm_is_fine_tuned:
        doses_um = inputs.samples["dose_um"].to_numpy(dtype=np.float64)
        return scfm_from_checkpoint(folder, doses_um, seed=config.seed)
    return _trained(config, folder, inputs, run, announce, should_stop)


def _trained(
    config: RunConfig,
    checkpoint: Path | None,
    inputs: ExpressionInputs,
    run: Path,
    announce: Announce,
    should_stop: Callable[[], bool],
) -> Scfm:
    chosen = ExpressionResponseConfig(
        scfm_checkpoint=checkpoint, n_steps=config.rna.scfm_steps, seed=config.seed
    )

    def show(done: ResponseStep) -> None:
        if done.validation_loss is not None:
            announce(
                event(
                    "scfm",
                    step=done.step,
                    n_steps=done.n_steps,
                    loss=done.loss,
                    validation_loss=done.validation_loss,
                )
            )

    tuned = fit_expression_response(inputs, chosen, on_step=show, cancelled=should_stop)
    tuned.save(run / SCFM, overwrite=True)
    return tuned.scfm
