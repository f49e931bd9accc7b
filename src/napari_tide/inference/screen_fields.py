"""A screen's sites as fields to prepare, and how a bundle wants them prepared."""

from __future__ import annotations

from collections.abc import Sequence

from napari_tide.errors import StudentValueError
from napari_tide.imaging.intensity import IntensityRange, IntensityRanges
from napari_tide.imaging.intensity_estimate import estimate_ranges
from napari_tide.imaging.prepared_field import FieldFiles, FieldPreparation
from napari_tide.imaging.tile_grid import EdgePolicy
from napari_tide.screens.screen import Screen
from napari_tide.students.bundle_config import BundleConfig


def fields_of(screen: Screen, rows: Sequence[int] | None = None) -> list[FieldFiles]:
    """Give the sites in some rows of the screen's table (all of them by default)."""
    wanted = range(screen.n_sites) if rows is None else rows
    return [_field(screen, row) for row in wanted]


def _field(screen: Screen, row: int) -> FieldFiles:
    site = screen.site_at(row)
    name = f"{site.plate}/{site.well.name}/{site.number}"
    return FieldFiles(name, site.planes, site.illumination)


def channels_for(screen: Screen, config: BundleConfig) -> tuple[str, ...]:
    """Give which of the student's channels the screen has, by stain.

    Raises
    ------
    StudentValueError
        The student needs a channel the screen does not have.
    """
    present = tuple(name for name in config.channels if name in screen.channel_names)
    takes_some = config.student.encoder.kind in ("channel_vit", "fused_vit")
    if not present or (len(present) < len(config.channels) and not takes_some):
        missing = [name for name in config.channels if name not in present]
        message = (
            f"student {config.name} needs {', '.join(missing)}, but {screen.source} has "
            f"{screen.channel_names}; name channels with --channels, or use another student"
        )
        raise StudentValueError(message)
    return present


def preparation_for(
    screen: Screen,
    config: BundleConfig,
    *,
    stride_px: int | None = None,
    edge: EdgePolicy = "shift",
) -> FieldPreparation:
    """Prepare fields as in training: same channels, tile side and intensity.

    Where the bundle holds no grey values, each channel's percentiles are taken from a sample of the
    screen itself. Tiles have the trained size in micrometres where both pixel sizes are known.
    """
    channels = channels_for(screen, config)
    if all(name in config.intensity for name in channels):
        ranges = IntensityRanges(
            {
                name: IntensityRange(config.intensity[name].low, config.intensity[name].high)
                for name in channels
            }
        )
    else:
        ranges = estimate_ranges(
            fields_of(screen), channels=channels, percentiles=config.intensity_percentiles
        )
    return FieldPreparation(
        channels=channels,
        ranges=ranges,
        tile_px=tile_side_px(screen, config),
        stride_px=stride_px,
        edge=edge,
        output_px=config.student.encoder.image_px,
    )


def tile_side_px(screen: Screen, config: BundleConfig) -> int:
    """Give the tile's side in this screen's pixels."""
    if screen.pixel_size_um and config.pixel_size_um:
        return max(round(config.tile_px * config.pixel_size_um / screen.pixel_size_um), 16)
    return config.tile_px
