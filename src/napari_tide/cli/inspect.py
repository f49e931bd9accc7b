"""``tide inspect``: what is in a screen, and its table for the other commands."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_tide.cli.inspect_expression import inspect_expression, is_expression
from napari_tide.cli.inspect_pixels import checked_pixels, pixel_facts, pixel_rows
from napari_tide.cli.output import refuse_output
from napari_tide.errors import PlaneFormatError, ScreenValueError

if TYPE_CHECKING:
    from rich.table import Table

    from napari_tide.inference.pixel_check import PixelCheck
    from napari_tide.screens.screen import Screen
    from napari_tide.screens.summary import ScreenSummary

_TABLE_ENDINGS = (".parquet", ".csv")


_Source = Annotated[
    Path, typer.Argument(help="Plate folder, load_data.csv, Index.xml, L1000 .gctx, ...")
]
_PlateMap = Annotated[
    Path | None, typer.Option(help="What the wells hold, or which plate has which map.")
]
_Metadata = Annotated[
    list[Path] | None, typer.Option(help="Compounds, genes or samples; may be repeated.")
]
_Out = Annotated[Path | None, typer.Option(help="Write the screen table here (.parquet or .csv).")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace --out.")]
_Channels = Annotated[str | None, typer.Option(help="What channels are: ch1=DNA,ch2=ER.")]
_Required = Annotated[str | None, typer.Option(help="Fail unless these stains are there: DNA,ER.")]
_Pattern = Annotated[
    str | None,
    typer.Option(help="Regular expression of file names; groups well, site, channel, ..."),
]
_Images = Annotated[Path | None, typer.Option(help="The folder the images are in now.")]
_Plane = Annotated[int | None, typer.Option(help="Which z plane, counted as there.")]
_Time = Annotated[int | None, typer.Option(help="Which time point, counted as there.")]
_Outside = Annotated[
    bool, typer.Option("--allow-outside", help="Let paths leave the source's folder.")
]
_CheckPixels = Annotated[
    bool, typer.Option("--check-pixels", help="Read every plane; fail if one is unreadable.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def inspect(
    source: _Source,
    *,
    platemap: _PlateMap = None,
    metadata: _Metadata = None,
    out: _Out = None,
    overwrite: _Overwrite = False,
    channels: _Channels = None,
    require_channels: _Required = None,
    pattern: _Pattern = None,
    images: _Images = None,
    plane: _Plane = None,
    time: _Time = None,
    allow_outside: _Outside = False,
    check_pixels: _CheckPixels = False,
    as_json: _Json = False,
) -> None:
    """Say what a screen holds: plates, wells, channels, treatments, controls, what is missing.

    Of a GCT or GCTX file: samples, genes, compounds, doses.
    """
    from napari_tide.screens.open_screen import open_screen
    from napari_tide.screens.readers.reader import ReadOptions

    source, out = _from_home(source), out and _from_home(out)
    if is_expression(source):
        _refuse_for_expression(
            source, {"--out": out, "--platemap": platemap, "--metadata": metadata,
                     "--require-channels": require_channels, "--check-pixels": check_pixels},
        )  # fmt: skip
        inspect_expression(source, as_json=as_json)
        return
    if out is not None:
        refuse_output(out, _TABLE_ENDINGS, overwrite=overwrite)
    options = ReadOptions(
        channels=parse_channels(channels or ""),
        pattern=pattern,
        images=images and _from_home(images),
        plane=plane,
        time=time,
        allow_outside=allow_outside,
    )
    maps = platemap and _from_home(platemap)
    tables = [_from_home(path) for path in metadata or ()]
    screen = open_screen(source, plate_map=maps, metadata=tables, options=options)
    if require_channels is not None:
        _require(screen, _words(require_channels, "--require-channels", "DNA,ER"))
    _inspect_screen(screen, out, check_pixels=check_pixels, as_json=as_json)


def _inspect_screen(screen: Screen, out: Path | None, *, check_pixels: bool, as_json: bool) -> None:
    """Count, read, write and print; nothing is written where a plane cannot be read."""
    from napari_tide.screens.summary import summarise_screen

    summary = summarise_screen(screen)
    pixels = checked_pixels(screen) if check_pixels else None
    is_readable = pixels is None or not pixels.unreadable
    if out is not None and is_readable:
        summary = _saved(screen, summary, out)
    _print(summary, pixels, screen.source, as_json=as_json)
    if pixels is not None and not is_readable:
        raise PlaneFormatError(pixels.sentence())


def _from_home(path: Path) -> Path:
    """Follow a ``~`` the shell left, as in ``--images=~/plates``."""
    try:
        return path.expanduser()
    except RuntimeError:  # nobody's home: a file that is named so
        return path


def parse_channels(text: str) -> dict[str, str]:
    """Read ``"ch1=DNA,ch2=ER"``: what the source calls a channel, to its stain.

    Raises
    ------
    ScreenValueError
        The text is not a list of such pairs, or names a channel twice.
    """
    names: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else []:
        label, equals, stain = (part.strip() for part in pair.partition("="))
        if not (label and equals and stain) or label in names:
            message = (
                f"--channels {text!r} is not a list of different pairs; expected it like "
                "ch1=DNA,ch2=ER"
            )
            raise ScreenValueError(message)
        names[label] = stain
    return names


def _words(text: str, option: str, example: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        message = f"{option} {text!r} has an empty name; expected it like {example}"
        raise ScreenValueError(message)
    return words


def _require(screen: Screen, stains: list[str]) -> None:
    try:
        screen.select(stains)
    except ScreenValueError as error:
        message = f"{screen.source} has {error}"
        raise ScreenValueError(message) from error


def _refuse_for_expression(source: Path, options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value]
    if given:
        message = f"{source} is an expression file, and {given[0]} is about images; leave it out"
        raise ScreenValueError(message)


def _saved(screen: Screen, summary: ScreenSummary, out: Path) -> ScreenSummary:
    from napari_tide.screens.readers.screen_table import save_screen

    save_screen(screen, out)
    if screen.root.is_relative_to(out.parent.absolute()):
        return summary
    warning = (
        f"{out} names images outside its folder; open it with --allow-outside, or write it to "
        f"{screen.root}"
    )
    return replace(summary, warnings=[*summary.warnings, warning])


def _print(
    summary: ScreenSummary, pixels: PixelCheck | None, source: str, *, as_json: bool
) -> None:
    if as_json:
        found = {} if pixels is None else {"pixels": pixel_facts(pixels)}
        print(json.dumps({**asdict(summary), **found}, allow_nan=False))
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(file=sys.stdout)
    table = _table(summary, source)
    for name, value in ({} if pixels is None else pixel_rows(pixels)).items():
        table.add_row(name, escape(value))
    console.print(table)
    for warning in summary.warnings:
        console.print(f"[yellow]![/yellow] {escape(warning)}", highlight=False, soft_wrap=True)


def _table(summary: ScreenSummary, source: str) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from napari_tide.screens.wording import counted

    doses = ", ".join(f"{dose:g}" for dose in summary.dose_values_um[:12])
    more = ", ..." if summary.doses > 12 else ""
    size = summary.pixel_size_um
    plates = ", ".join(summary.plate_names[:6]) + (", ..." if summary.plates > 6 else "")
    table = Table(show_header=False, box=None, pad_edge=False, title=None)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "source": f"{source} ({summary.format})",
        "plates": f"{summary.plates} ({plates})",
        "wells": f"{summary.wells}, {counted(summary.sites, 'site')}",
        "channels": ", ".join(summary.channels),
        "pixel": "size unknown" if size is None else f"{size:g} um",
        "compounds": f"{summary.compounds}",
        "genes": f"{summary.genes}",
        "doses": f"{summary.doses} ({doses}{more} uM)" if summary.doses else "0",
        "controls": ", ".join(f"{kind} {n}" for kind, n in summary.controls.items()) + " wells",
        "missing": f"{summary.missing_files} of the image files",
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table
