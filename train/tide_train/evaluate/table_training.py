"""Train on a table in memory, and embed other rows with what came out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tide_train.checkpoint import BEST, load_tensors
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.training_data import TrainingTable
from tide_train.events import Event
from tide_train.prepare import prepare
from tide_train.run import make_accelerator
from tide_train.run_config import RunConfig
from tide_train.training_loop import TrainingLoop

Rows = npt.NDArray[np.floating]
Embed = Callable[[Rows], Rows]


def train_on_table(
    config: RunConfig, table: TrainingTable, *, expression: ExpressionInputs | None = None
) -> Embed:
    """Train, and give the best checkpoint's encoder as a function of rows of features.

    Raises
    ------
    TideError
        The table cannot be trained on as configured.
    """
    prepared = prepare(config, table, expression=expression)
    with tempfile.TemporaryDirectory() as folder:
        loop = TrainingLoop(
            prepared,
            accelerator=make_accelerator(config),
            checkpoints=Path(folder),
            announce=_nothing,
            should_stop=_never,
        )
        loop.run()
        best = Path(folder) / BEST
        if best.is_file():
            loop.method.load_state_dict(load_tensors(best)["method"])
    method = loop.method.eval()
    device = loop.device

    @torch.no_grad()
    def embed(rows_NF: Rows) -> Rows:
        given = torch.from_numpy(np.ascontiguousarray(rows_NF, np.float32)).to(device)
        pooled_ND: Rows = method.used_encoder(given).pooled_BD.float().cpu().numpy()
        return pooled_ND

    return embed


def _nothing(happened: Event) -> None:
    del happened


def _never() -> bool:
    return False
