"""Where an adapter is put so that ``tide hits --signature`` finds it: its student's bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

from napari_tide.discovery.signature_query import ADAPTER
from napari_tide.errors import OutputWriteError, TrainValueError
from napari_tide.students.bundle import load_bundle


def check_bundle(bundle: Path, *, of_profiles: str, is_resumed: bool) -> None:
    """Refuse a bundle that an adapter cannot be put into, before anything trains.

    Parameters
    ----------
    bundle
        Folder of a student.
    of_profiles
        The id of the student that made the profiles; empty for those of other tools.
    is_resumed
        A run that goes on may replace the adapter it delivered when it was stopped.

    Raises
    ------
    TideError
        The folder is no bundle, of another student, or has an adapter already.
    """
    found = load_bundle(bundle).id
    if found != of_profiles:
        message = (
            f"{bundle} is {found} and these profiles are of {of_profiles or 'another tool'}; give "
            f"what tide profile --student {bundle} made, or leave --student out"
        )
        raise TrainValueError(message)
    if (bundle / ADAPTER).exists() and not is_resumed:
        message = (
            f"{bundle / ADAPTER} is there already; move it away, or leave --student out and find "
            "the adapter in the run's folder"
        )
        raise TrainValueError(message)


def put_into_bundle(adapter: Path, bundle: Path) -> Path:
    """Copy an adapter's folder into a bundle, whole or not at all, and give where it lies there.

    Raises
    ------
    OutputWriteError
        The bundle cannot be written.
    """
    home, partial = bundle / ADAPTER, bundle / (ADAPTER + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(adapter, partial)
        shutil.rmtree(home, ignore_errors=True)
        partial.rename(home)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        message = (
            f"cannot write {home}: {error.strerror or error}; the adapter is in {adapter}, copy "
            "that folder there"
        )
        raise OutputWriteError(message) from error
    return home
