"""``tide pack``: a screen's tiles, prepared once for training."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_tide.cli.inspect import parse_channels
from napari_tide.cli.output import report, skipped_lines
from napari_tide.cli.site_progress import SitePace, site_progress
from napari_tide.cli.stop_request import INTERRUPTED, stopping_on_interrupt

if TYPE_CHECKING:
    from tide_train.data.tile_pack import TilePack
    from tide_train.data.write_pack import PackRun


class StoredType(StrEnum):
    """How a pixel is stored."""

    uint8 = "uint8"
    uint16 = "uint16"


class Edge(StrEnum):
    """What becomes of the remainder where tiles do not fill a field."""

    shift = "shift"
    drop = "drop"
    pad = "pad"


_Source = Annotated[Path, typer.Argument(help="A screen, as for tide inspect.")]
_Out = Annotated[Path, typer.Option(help="New or empty folder for the pack.")]
_TileSize = Annotated[int, typer.Option(min=16, help="Side of a tile in the field, px.")]
_ImageSize = Annotated[int, typer.Option(min=16, help="Side of a tile as stored, px.")]
_Stride = Annotated[
    int | None, typer.Option(min=1, help="Step between tiles, px.", show_default="the tile")
]
_Edge = Annotated[Edge, typer.Option(help="The last tile: move it in, leave it out, or pad.")]
_StoredType = Annotated[StoredType, typer.Option(help="How a pixel is stored.")]
_Percentiles = Annotated[
    tuple[float, float], typer.Option(help="Of each channel: what becomes 0 and 1.")
]
_Only = Annotated[str | None, typer.Option(help="Stains to keep: DNA,ER.", show_default="all")]
_PlateMap = Annotated[Path | None, typer.Option(help="As in tide inspect.")]
_Metadata = Annotated[list[Path] | None, typer.Option(help="As in tide inspect.")]
_Channels = Annotated[str | None, typer.Option(help="What channels are: ch1=DNA,ch2=ER.")]
_Outside = Annotated[
    bool, typer.Option("--allow-outside", help="Let paths leave the source's folder.")
]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a finished pack.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def pack(
    source: _Source,
    *,
    out: _Out,
    tile_size: _TileSize = 224,
    image_size: _ImageSize = 224,
    stride: _Stride = None,
    edge: _Edge = Edge.shift,
    dtype: _StoredType = StoredType.uint8,
    percentiles: _Percentiles = (0.01, 99.9),
    only: _Only = None,
    platemap: _PlateMap = None,
    metadata: _Metadata = None,
    channels: _Channels = None,
    allow_outside: _Outside = False,
    overwrite: _Overwrite = False,
    as_json: _Json = False,
) -> None:
    """Store a screen's tiles for training; run it again after a stop and it goes on there."""
    from napari_tide.screens.open_screen import open_screen
    from napari_tide.screens.readers.reader import ReadOptions
    from tide_train.data.tile_pack import open_pack
    from tide_train.data.write_pack import PackSettings, write_pack

    kept = tuple(name.strip() for name in only.split(",")) if only is not None else None
    settings = PackSettings(
        tile_size_px=tile_size,
        image_px=image_size,
        stride_px=stride,
        edge=edge.value,
        dtype=dtype.value,
        channels=kept,
        percentiles=percentiles,
    )
    options = ReadOptions(channels=parse_channels(channels or ""), allow_outside=allow_outside)
    screen = open_screen(source, plate_map=platemap, metadata=metadata or (), options=options)
    pace = SitePace()
    with ExitStack() as stack:
        run = write_pack(
            screen,
            out,
            settings=settings,
            overwrite=overwrite,
            is_cancelled=stack.enter_context(stopping_on_interrupt()),
            progress=stack.enter_context(site_progress(pace, "pack")),
        )
    if not run.is_complete:
        _say_how_to_go_on(run)
    packed = open_pack(out)
    report(_facts(run, packed, pace), _summary(run, packed, pace), as_json=as_json)


def _say_how_to_go_on(run: PackRun) -> None:
    typer.echo(
        f"tide: stopped with {run.n_done} of {run.n_sites} sites packed and kept in {run.out}; "
        "run the same command again to go on",
        err=True,
    )
    raise typer.Exit(INTERRUPTED)


def _facts(run: PackRun, packed: TilePack, pace: SitePace) -> dict[str, object]:
    return {
        **asdict(run),
        "out": str(run.out),
        "channels": packed.channels,
        "tile_size_px": packed.tile_size_px,
        "image_px": packed.image_px,
        "dtype": packed.dtype,
        "intensity": packed.config.intensity,
        "data_hash": packed.data_hash,
        "n_bytes": _n_bytes(packed),
        "sites_per_s": round(pace.sites_per_s, 3),
    }


def _n_bytes(packed: TilePack) -> int:
    return sum(path.stat().st_size for path in packed.folder.iterdir())


def _summary(run: PackRun, packed: TilePack, pace: SitePace) -> str:
    n_read = run.n_sites - len(run.skipped)
    resumed = f", {run.n_resumed} of them from an earlier run" if run.n_resumed else ""
    tiles = f"{run.n_tiles} tiles of {', '.join(packed.channels)}"
    size = f"{_n_bytes(packed) / 1e6:.1f} MB"
    lines = [f"{n_read} of {run.n_sites} sites{resumed}, {tiles}, {size}: {run.out}"]
    if pace.sites_per_s:
        lines[0] += f" ({pace.rate})"
    lines += skipped_lines(run.skipped, str(run.out / "skipped.csv"))
    return "\n".join(lines)
