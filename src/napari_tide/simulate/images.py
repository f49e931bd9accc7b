"""Images of a simulated screen: rendered in batches, written by a pool of threads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from napari_tide.errors import SimulationValueError
from napari_tide.simulate.optics import draw_optics
from napari_tide.simulate.plate_layout import Layout
from napari_tide.simulate.presets import Preset
from napari_tide.simulate.render import CHANNELS, render_sites
from napari_tide.simulate.screen_files import image_folder, image_name, unwritable
from napari_tide.simulate.streams import stream_seed
from napari_tide.simulate.tiff import write_plane_tiff

BATCH_OF = {"cpu": 16, "cuda": 768}
N_WRITERS = 8
MAX_WAITING = 4


def choose_device(wanted: str) -> str:
    """Give the torch device to render on; ``"auto"`` takes a GPU where there is one.

    Raises
    ------
    SimulationValueError
        The device is unknown or absent.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cpu":
        return wanted
    is_cuda = wanted == "cuda" or (wanted.startswith("cuda:") and wanted[5:].isdigit())
    index = int(wanted[5:] or 0) if is_cuda and ":" in wanted else 0
    if not is_cuda or index >= torch.cuda.device_count():
        message = (
            f"--device {wanted} is not there; expected auto, cpu or one of "
            f"{torch.cuda.device_count()} CUDA devices"
        )
        raise SimulationValueError(message)
    return wanted


def save_images(
    out: Path,
    sites: pd.DataFrame,
    morphology_SM: npt.NDArray[np.float64],
    *,
    seed: int,
    preset: Preset,
    layout: Layout,
    device: str,
    on_sites: Callable[[int], None],
) -> str:
    """Render every site and write its planes; give the SHA-256 of all pixels, in table order.

    Parameters
    ----------
    out
        The screen's folder.
    sites, morphology_SM
        The sites and how their cells look.
    seed, preset, layout
        Where noise starts, the size of images, and the grid.
    device
        ``auto``, ``cpu`` or ``cuda``; a reproducible preset always renders on the CPU.
    on_sites
        Told how many sites each finished batch had.
    """
    for plate in sites["plate"].unique():
        _make_folder(out / image_folder(plate))
    digest = hashlib.sha256()
    waiting: list[Future[None]] = []
    with ThreadPoolExecutor(N_WRITERS, thread_name_prefix="tide-write") as pool:
        try:
            for rows, images_NCHW in rendered_sites(
                sites, morphology_SM, seed=seed, preset=preset, layout=layout, device=device
            ):
                waiting += _write(pool, out, sites.iloc[rows], images_NCHW, preset.pixel_size_um)
                digest.update(np.ascontiguousarray(images_NCHW, dtype="<u2").data)
                on_sites(len(images_NCHW))
                waiting = _settle(waiting, keep=MAX_WAITING * len(images_NCHW) * len(CHANNELS))
            _settle(waiting, keep=0)
        except BaseException:  # Ctrl-C too: planes that wait are dropped, and it goes on upwards
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return digest.hexdigest()


def rendered_sites(
    sites: pd.DataFrame,
    morphology_SM: npt.NDArray[np.float64],
    *,
    seed: int,
    preset: Preset,
    layout: Layout,
    device: str,
) -> Iterator[tuple[slice, npt.NDArray[np.uint16]]]:
    """Render sites in batches: their rows in the table, and site by channel by height by width.

    Raises
    ------
    SimulationValueError
        The device is unknown or absent.
    """
    device = "cpu" if preset.is_reproducible else choose_device(device)
    optics = draw_optics(seed, sites, layout.plate_format)
    seeds = [
        stream_seed(seed, "cells", plate, well, site)
        for plate, well, site in zip(sites["plate"], sites["well"], sites["site"], strict=True)
    ]
    size = BATCH_OF[device.split(":")[0]]
    for start in range(0, len(sites), size):
        rows = slice(start, min(start + size, len(sites)))
        images_NCHW = render_sites(
            morphology_SM[rows],
            optics.of(rows),
            seeds_N=seeds[rows],
            image_px=preset.image_px,
            device=device,
            reproducible=preset.is_reproducible,
        )
        yield rows, images_NCHW


def _write(
    pool: ThreadPoolExecutor,
    out: Path,
    sites: pd.DataFrame,
    images_NCHW: npt.NDArray[np.uint16],
    pixel_size_um: float,
) -> list[Future[None]]:
    places = zip(sites["plate"], sites["well"], sites["site"], strict=True)
    return [
        pool.submit(
            write_plane_tiff,
            out / image_folder(plate) / image_name(well, site, channel),
            plane,
            pixel_size_um=pixel_size_um,
        )
        for (plate, well, site), image in zip(places, images_NCHW, strict=True)
        for channel, plane in zip(CHANNELS, image, strict=True)
    ]


def _settle(waiting: list[Future[None]], *, keep: int) -> list[Future[None]]:
    """Wait until at most `keep` planes are unwritten; the first that failed stops the run."""
    done = max(0, len(waiting) - keep)
    for future in waiting[:done]:
        future.result()
    return waiting[done:]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
