"""A run's curves as TensorBoard files, for those who watch them there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from napari_tide.errors import TrainValueError
from tide_train.events import Announce, Event

TENSORBOARD = "tensorboard"
_CURVES = {"step": "training", "validation": "validation"}
_NO_CURVE = ("step", "n_steps", "is_best")


def require_tensorboard() -> None:
    """Refuse to begin where the files could not be written.

    Raises
    ------
    TrainValueError
        The tensorboard package is not there.
    """
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        message = (
            "TensorBoard files need the package tensorboard, which is not here; pip install "
            "tensorboard, or leave out --set tensorboard=true (metrics.jsonl has the same numbers)"
        )
        raise TrainValueError(message) from error


@contextlib.contextmanager
def also_to_tensorboard(announce: Announce, folder: Path, *, n_done: int) -> Iterator[Announce]:
    """Give a function that announces events and draws their numbers as curves.

    Parameters
    ----------
    announce
        Who else hears of them.
    folder
        Where the files go.
    n_done
        Steps done before; what an interrupted run drew beyond them is hidden.
    """
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder), purge_step=n_done + 1)

    def draw(happened: Event) -> None:
        announce(happened)
        curve = _CURVES.get(str(happened["event"]))
        step = happened.get("step")
        if curve is None or not isinstance(step, int):
            return
        for name, value in happened.items():
            if name not in _NO_CURVE and isinstance(value, int | float):
                writer.add_scalar(f"{curve}/{name}", value, step)
        writer.flush()

    try:
        yield draw
    finally:
        writer.close()
