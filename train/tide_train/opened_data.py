"""The data of a run: a pack, a table of profiles, or a screen that is packed into the run first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_tide.errors import TrainValueError
from tide_train.data.tile_pack import CONFIG, TilePack, open_pack
from tide_train.data.training_data import TrainingTable, is_trainable, open_training_data
from tide_train.events import Announce, event
from tide_train.run_config import RunConfig

if TYPE_CHECKING:
    from tide_train.data.write_pack import PackSettings

PACK = "pack"
_TILE_PX = 224


def open_data(
    path: Path,
    run: Path,
    config: RunConfig,
    *,
    announce: Announce,
    should_stop: Callable[[], bool],
    allow_outside: bool = False,
) -> TilePack | TrainingTable:
    """Open training data; a screen becomes a pack in the run's folder, which is resumable.

    Raises
    ------
    TideError
        There is nothing to train on, or somebody asked to stop while it was being packed.
    """
    if is_trainable(path):
        return _fitting(open_training_data(path), path, config)
    folder = run / PACK
    if not (folder / CONFIG).is_file():
        # only here, since a machine that trains on a pack need not read any image format
        from napari_tide.screens.open_screen import open_screen
        from napari_tide.screens.readers.reader import ReadOptions
        from tide_train.data.write_pack import write_pack

        screen = open_screen(path, options=ReadOptions(allow_outside=allow_outside))
        settings = pack_settings(config)

        def show(done: int, total: int) -> None:
            announce(event("packing", done=done, total=total))

        packed = write_pack(
            screen, folder, settings=settings, progress=show, is_cancelled=should_stop
        )
        if not packed.is_complete:
            message = f"stopped while {path} was being packed; start again and it goes on there"
            raise TrainValueError(message)
    return _fitting(open_pack(folder), folder, config)


def pack_settings(config: RunConfig) -> PackSettings:
    """Say how a screen is cut into tiles for a recipe."""
    from tide_train.data.write_pack import PackSettings

    image_px = config.encoder.image_px or _TILE_PX
    return PackSettings(
        tile_size_px=config.data.tile_px or image_px,
        image_px=image_px,
        channels=config.data.channels or None,
    )


def _fitting(
    data: TilePack | TrainingTable, path: Path, config: RunConfig
) -> TilePack | TrainingTable:
    """Refuse data that the recipe's encoder cannot read."""
    reads_tables = config.encoder.kind == "features"
    if isinstance(data, TrainingTable):
        if not reads_tables:
            message = (
                f"{path} is a table of profiles and {config.name} reads pixels; train "
                "tide_features on it, or give a pack or a screen"
            )
            raise TrainValueError(message)
        return data
    if reads_tables:
        message = (
            f"{path} holds tiles and {config.name} reads tables of profiles; train tide on it, or "
            "give profiles"
        )
        raise TrainValueError(message)
    wanted = config.data.channels
    if wanted and tuple(wanted) != data.channels:
        message = (
            f"{path} holds the channels {', '.join(data.channels)}, and {', '.join(wanted)} were "
            f"asked for; pack the screen again with --only {','.join(wanted)}"
        )
        raise TrainValueError(message)
    if config.encoder.image_px not in (None, data.image_px):
        message = (
            f"{path} holds tiles of {data.image_px} px and the encoder is to see "
            f"{config.encoder.image_px}; leave encoder.image_px out, or pack the screen again with "
            f"--image-size {config.encoder.image_px}"
        )
        raise TrainValueError(message)
    return data
