"""Align a table on disk in two readings: gather the controls, then map every row group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.align.alignment import Alignment, Method, fit_alignment
from napari_tide.profiles.align.controls import Controls
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import ProfileFile, ProfileWriter


def align_profiles(
    profiles: Profiles, method: Method, *, per_batch_coral: bool = False
) -> Profiles:
    """Align a table in memory by its own negative controls."""
    controls = Controls.gather([profiles])
    return fit_alignment(controls, method, per_batch_coral=per_batch_coral).apply(profiles)


def align_table(
    source: Path,
    out: Path,
    *,
    method: Method,
    per_batch_coral: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Alignment:
    """Align a Parquet table a row group at a time; memory holds the controls and one group.

    Raises
    ------
    ProfileValueError
        `source` and `out` are the same file, or the table cannot be aligned.
    """
    if source.resolve() == out.resolve():
        message = f"{out} would overwrite its own source; choose another --out"
        raise ProfileValueError(message)
    file = ProfileFile.open(source)
    controls = Controls.gather(file.iterate())
    alignment = fit_alignment(controls, method, per_batch_coral=per_batch_coral)
    done = 0
    with ProfileWriter(out) as writer:
        for part in file.iterate():
            writer.write(alignment.apply(part))
            done += len(part)
            if progress is not None:
                progress(done, file.n_rows)
    return alignment
