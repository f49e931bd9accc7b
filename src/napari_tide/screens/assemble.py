"""From a list of planes, as most instruments write it, to a screen with a row per site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError, ScreenValueError
from napari_tide.screens.channels import Channel, stain_name
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import KEY, illumination_column, path_column

PLANE_COLUMNS = (*KEY, "label", "address")


def name_channels(
    labels: Sequence[str], renames: Mapping[str, str], *, source: str
) -> tuple[Channel, ...]:
    """Name each label by its stain, the user's own names first.

    Raises
    ------
    ScreenFormatError
        Two labels would be the same stain.
    ScreenValueError
        The user names a label that is not there.
    """
    given = {label.lower(): stain for label, stain in renames.items()}
    unknown = [label for label in renames if label.lower() not in map(str.lower, labels)]
    if unknown:
        message = (
            f"--channels names {unknown[0]!r}, which is no channel of {source}. "
            f"Available: {list(labels)}"
        )
        raise ScreenValueError(message)
    nameless = [label for label, stain in renames.items() if not stain.strip()]
    if nameless:
        message = (
            f"--channels gives {nameless[0]!r} no name; expected one such as {nameless[0]}=DNA"
        )
        raise ScreenValueError(message)
    channels = tuple(Channel(stain_name(given.get(name.lower(), name)), name) for name in labels)
    seen: dict[str, str] = {}
    for channel in channels:
        if channel.name in seen:
            message = (
                f"{source}: channels {seen[channel.name]!r} and {channel.label!r} are both "
                f"{channel.name}; tell them apart with --channels '{channel.label}=NAME'"
            )
            raise ScreenFormatError(message)
        seen[channel.name] = channel.label
    return channels


def assemble_screen(
    planes: pd.DataFrame,
    *,
    root: Path,
    format: str,
    source: str,
    renames: Mapping[str, str] | None = None,
    illumination: Mapping[str, str] | None = None,
    extra: pd.DataFrame | None = None,
    pixel_size_um: float | None = None,
    plate_format: PlateFormat | None = None,
    warnings: Sequence[str] = (),
    allow_outside: bool = False,
) -> Screen:
    """Pivot planes (``plate, well, site, label, address``) to a screen.

    Parameters
    ----------
    planes
        One row per plane. Labels keep their order of first appearance as channel order.
    root, format, source, pixel_size_um, plate_format, warnings, allow_outside
        As in `Screen`.
    renames
        What the user calls a label.
    illumination
        Label to the address of its illumination function, the same for every site.
    extra
        Further columns per site, keyed by ``plate, well, site``.
    """
    _refuse_none_or_repeated(planes, source)
    labels = list(pd.unique(planes["label"]))
    channels = name_channels(labels, renames or {}, source=source)
    name_of = {channel.label: channel.name for channel in channels}
    wide = planes.pivot(index=KEY, columns="label", values="address")[labels].fillna("")
    wide.columns = pd.Index([path_column(name_of[label]) for label in labels])
    sites = wide.reset_index()
    for label, address in (illumination or {}).items():
        if label in name_of:
            sites[illumination_column(name_of[label])] = address
    if extra is not None:
        sites = sites.merge(extra, on=KEY, how="left", validate="one_to_one")
    return Screen(
        sites=sites,
        channels=channels,
        root=root,
        format=format,
        source=source,
        pixel_size_um=pixel_size_um,
        plate_format=plate_format,
        warnings=tuple(warnings),
        allow_outside=allow_outside,
    )


def _refuse_none_or_repeated(planes: pd.DataFrame, source: str) -> None:
    if planes.empty:
        message = f"{source} names no image; expected one file or array per site and channel"
        raise ScreenFormatError(message)
    repeated = planes.duplicated([*KEY, "label"])
    if repeated.any():
        plate, well, site, label = planes.loc[repeated, [*KEY, "label"]].iloc[0]
        message = (
            f"{source} names two images for plate {plate} well {well} site {site} channel {label} "
            f"({int(repeated.sum())} such images); keep one per site and channel"
        )
        raise ScreenFormatError(message)
