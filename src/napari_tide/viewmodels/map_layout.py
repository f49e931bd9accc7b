"""Laying out a map in steps: what lies in it, whether it is known already, else UMAP in a child.

Shapes: N points of the map, M of them that can be laid out, F features.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import napari_tide
from napari_tide.errors import ProfileValueError
from napari_tide.profiles.clean import clean_features
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.project import Space
from napari_tide.profiles.project_file import REFUSED
from napari_tide.viewmodels.map_cache import FOLDER, MapCache, Places, map_key
from napari_tide.viewmodels.results_folder import is_bundled, user_cache

if TYPE_CHECKING:
    from napari_tide.students.bundle import Bundle

FEWEST_POINTS = 4
_POLL_S = 0.1

Rows = tuple[npt.NDArray[np.integer], npt.NDArray[np.generic]]


@dataclass(frozen=True, eq=False)
class MapSource:
    """What a map is made of.

    Parameters
    ----------
    space
        Which distance its rows are compared by.
    title
        What lies in it, as in "laying out 412 drugs by structure".
    n_points
        How many points it has, with those that cannot be laid out.
    rows
        Gives the numbers of the points that can be laid out, and their features M x F.
    folders
        Where it is kept, the first that can be written to.
    """

    space: Space
    title: str
    n_points: int
    rows: Callable[[], Rows]
    folders: tuple[Path, ...]


def chemistry_source(bundle: Bundle) -> MapSource:
    """Describe the map of the drugs' fingerprints; drugs without a SMILES have no place in it."""

    def rows() -> Rows:
        from napari_tide.inference.new_drugs import NewDrugs

        _, positions, bits_MF = NewDrugs(bundle).training_fingerprints()
        return np.asarray(positions), (np.asarray(bits_MF) != 0).astype(np.uint8)

    return _drug_source(bundle, "fingerprint", "by structure", rows)


def codebook_source(bundle: Bundle) -> MapSource:
    """Describe the map of the drugs' learned prototypes."""

    def rows() -> Rows:
        import torch

        with torch.inference_mode():
            prototypes_KD = bundle.student.codebook().float().cpu().numpy()
        return np.arange(len(prototypes_KD)), prototypes_KD

    return _drug_source(bundle, "codebook", "by learned effect", rows)


def profile_source(profiles: Profiles, folder: Path | None) -> MapSource:
    """Describe the map of profiles, kept in the folder of the screen's results if it has one."""

    def rows() -> Rows:
        cleaned, _ = clean_features(profiles)
        return np.arange(len(profiles)), np.asarray(cleaned.features, dtype=np.float32)

    beside = (folder / FOLDER,) if folder else ()
    title = f"{len(profiles):,} {profiles.level} profiles"
    return MapSource("profiles", title, len(profiles), rows, (*beside, user_cache() / FOLDER))


def lay_out(
    source: MapSource, *, is_cancelled: Callable[[], bool]
) -> Generator[str, None, Places | None]:
    """Give the places of a map's points, N x 2, saying between steps what is going on.

    Points that cannot be laid out are NaN. Nothing is given once `is_cancelled` says so.

    Raises
    ------
    TideError
        The map cannot be drawn; the sentence says why.
    """
    yield f"reading {source.title} …"
    index_M, rows_MF = source.rows()
    if len(rows_MF) < FEWEST_POINTS:
        message = (
            f"a map needs at least {FEWEST_POINTS} points and {source.title} gives {len(rows_MF)}; "
            "choose a student or profiles with more"
        )
        raise ProfileValueError(message)
    cache, key = MapCache(source.folders), map_key(rows_MF, source.space)
    laid_out = cache.read(key, n_points=len(rows_MF))
    if laid_out is None:
        laid_out = yield from _in_child(rows_MF, source, is_cancelled)
        if laid_out is None:
            return None
        cache.write(key, laid_out)
    places_N2 = np.full((source.n_points, 2), np.nan, dtype=np.float32)
    places_N2[index_M] = laid_out
    return places_N2


def _drug_source(bundle: Bundle, space: Space, how: str, rows: Callable[[], Rows]) -> MapSource:
    n_drugs = len(bundle.config.drugs)
    folders = (bundle.folder / FOLDER, user_cache() / FOLDER)
    if is_bundled(bundle.folder):  # maps may come with it, but nothing is written there
        folders = folders[::-1]
    return MapSource(space, f"{n_drugs:,} drugs {how}", n_drugs, rows, folders)


def _in_child(
    rows_MF: npt.NDArray[np.generic], source: MapSource, is_cancelled: Callable[[], bool]
) -> Generator[str, None, Places | None]:
    with tempfile.TemporaryDirectory(prefix="napari-tide-") as folder:
        rows_file, places_file = Path(folder) / "rows.npy", Path(folder) / "places.npy"
        np.save(rows_file, rows_MF)
        command = [sys.executable, "-m", "napari_tide.profiles.project_file", source.space]
        child = subprocess.Popen(  # noqa: S603 - our own module
            [*command, str(rows_file), str(places_file)],
            env=_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield from _wait(child, source.title, is_cancelled)
            if child.poll() is None:  # cancelled
                return None
            _, complaint = child.communicate()
        finally:
            if child.poll() is None:
                child.kill()
                child.communicate()
        if child.returncode:
            _refuse(source.title, child.returncode, complaint)
        places: Places = np.load(places_file, allow_pickle=False)
        return places


def _wait(
    child: subprocess.Popen[str], title: str, is_cancelled: Callable[[], bool]
) -> Generator[str, None, None]:
    started, told_s = time.monotonic(), -1
    while child.poll() is None and not is_cancelled():
        passed_s = int(time.monotonic() - started)
        if passed_s > told_s:
            told_s = passed_s
            yield f"laying out {title} … {passed_s} s"
        time.sleep(_POLL_S)


def _refuse(title: str, status: int, complaint: str) -> None:
    reason = complaint.strip().splitlines()[-1:] if complaint else []
    if status == REFUSED and reason:
        raise ProfileValueError(complaint.strip())
    message = (
        f"laying out {title} stopped ({reason[0] if reason else f'status {status}'}); "
        "close other programs, then ask for it again"
    )
    raise ProfileValueError(message)


def _environment() -> dict[str, str]:
    """Let the child find this very package, also where it runs from a checkout."""
    ours = str(Path(napari_tide.__file__).parents[1])
    paths = [ours, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
