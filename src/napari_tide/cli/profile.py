"""``tide profile``: a screen, or a table of features, through a student."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_tide.cli.inspect import parse_channels
from napari_tide.cli.output import refuse_output, report, skipped_lines
from napari_tide.cli.site_progress import SitePace, site_progress
from napari_tide.cli.stop_request import INTERRUPTED, stopping_on_interrupt

if TYPE_CHECKING:
    from napari_tide.inference.embedder import Embedder
    from napari_tide.inference.profile_screen import ProfileRun
    from napari_tide.screens.screen import Screen
    from napari_tide.students.bundle import Bundle

_ENDINGS = (".parquet", ".h5ad")


class ProfileLevel(StrEnum):
    """What one row of the table stands for."""

    cell = "cell"
    tile = "tile"
    site = "site"
    well = "well"
    treatment = "treatment"


class Device(StrEnum):
    """Where the student runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class NumberFormat(StrEnum):
    """The precision of the encoder; auto takes bf16 where it is measured to be faster."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


def profile(
    source: Annotated[
        Path, typer.Argument(help="A screen, as for tide inspect; or a table of features.")
    ],
    *,
    student: Annotated[Path, typer.Option(help="The student's bundle folder.")],
    out: Annotated[Path, typer.Option(help="Profiles (.parquet), or for scanpy (.h5ad).")],
    level: Annotated[
        ProfileLevel | None,
        typer.Option(help="What a row stands for.", show_default="tile; a table's own"),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(help="local:N processes here, or tcp://host:port of dask.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where to run.")] = Device.auto,
    precision: Annotated[
        NumberFormat, typer.Option(help="auto measures both.")
    ] = NumberFormat.auto,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Tiles at a time.", show_default="16 on CPU, measured on GPU"),
    ] = None,
    platemap: Annotated[Path | None, typer.Option(help="As in tide inspect.")] = None,
    metadata: Annotated[list[Path] | None, typer.Option(help="As in tide inspect.")] = None,
    channels: Annotated[str | None, typer.Option(help="What channels are: ch1=DNA,ch2=ER.")] = None,
    allow_outside: Annotated[
        bool, typer.Option("--allow-outside", help="Let paths leave the source's folder.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Embed a screen with a student; run it again after a stop and it goes on where it was."""
    refuse_output(out, _ENDINGS, overwrite=overwrite)
    from napari_tide.inference.embedder import Embedder
    from napari_tide.inference.profile_screen import settings_to_go_on
    from napari_tide.screens.open_screen import open_screen
    from napari_tide.screens.readers.reader import ReadOptions
    from napari_tide.students.bundle import load_bundle

    bundle = load_bundle(student)
    reads_table = bundle.config.student.encoder.kind == "features"
    screen = None
    if not reads_table:
        _refuse_table(source, bundle)
        options = ReadOptions(channels=parse_channels(channels or ""), allow_outside=allow_outside)
        screen = open_screen(source, plate_map=platemap, metadata=metadata or (), options=options)
    chosen_precision, batch_tiles = settings_to_go_on(out, precision.value, batch_size)
    embedder = Embedder.fitted(
        bundle.student, device=device.value, precision=chosen_precision, batch_tiles=batch_tiles
    )
    if screen is None:
        facts, sentence = _table(source, bundle, embedder, out, level)
    else:
        wanted = level or ProfileLevel.tile
        facts, sentence = _screen(
            screen, bundle, embedder, out, level=wanted, cluster=cluster, overwrite=overwrite
        )
    report(facts, sentence, as_json=as_json)


def _screen(
    screen: Screen,
    bundle: Bundle,
    embedder: Embedder,
    out: Path,
    *,
    level: ProfileLevel,
    cluster: str | None,
    overwrite: bool,
) -> tuple[dict[str, object], str]:
    from napari_tide.inference.cluster import cluster_runner, connect
    from napari_tide.inference.profile_screen import profile_screen

    pace = SitePace()
    with ExitStack() as stack:
        runner = None
        client = stack.enter_context(connect(cluster)) if cluster is not None else None
        is_cancelled = stack.enter_context(stopping_on_interrupt())
        if client is not None:
            runner = cluster_runner(client, bundle.folder, embedder, is_cancelled=is_cancelled)
        run = profile_screen(
            screen,
            bundle,
            out,
            embedder=embedder,
            level=level.value,
            overwrite=overwrite,
            runner=runner,
            progress=stack.enter_context(site_progress(pace, "profile")),
            is_cancelled=is_cancelled,
        )
    if not run.is_complete:
        _say_how_to_go_on(run)
    facts: dict[str, object] = {
        **asdict(run),
        "out": str(out),
        "level": level.value,
        "student": bundle.id,
        "device": embedder.device,
        "precision": embedder.precision,
        "batch_size": embedder.batch_tiles,
        "sites_per_s": round(pace.sites_per_s, 3),
    }
    return facts, _summary(run, level, pace)


def _table(
    source: Path, bundle: Bundle, embedder: Embedder, out: Path, level: ProfileLevel | None
) -> tuple[dict[str, object], str]:
    from napari_tide.inference.profile_table import embed_table
    from napari_tide.profiles.aggregate import aggregate_to_level
    from napari_tide.profiles.anndata_export import write_anndata
    from napari_tide.profiles.store import read_profiles, write_profiles

    embedded = embed_table(read_profiles(source), bundle, embedder=embedder)
    if level is not None and level.value != embedded.level:
        embedded = aggregate_to_level(embedded, level.value)
    write = write_anndata if out.suffix == ".h5ad" else write_profiles
    write(embedded, out)
    facts: dict[str, object] = {
        "out": str(out),
        "level": embedded.level,
        "rows": len(embedded),
        "student": bundle.id,
    }
    return facts, f"{len(embedded)} {embedded.level} profiles: {out}"


def _refuse_table(source: Path, bundle: Bundle) -> None:
    from napari_tide.errors import StudentValueError
    from napari_tide.profiles.store import is_own_table

    if is_own_table(source):
        message = (
            f"{source} holds profiles already, and student {bundle.config.name} reads images; "
            "give it the screen"
        )
        raise StudentValueError(message)


def _say_how_to_go_on(run: ProfileRun) -> None:
    typer.echo(
        f"tide: stopped with {run.n_done} of {run.n_sites} sites done and kept in "
        f"{run.out}.journal; run the same command again to go on",
        err=True,
    )
    raise typer.Exit(INTERRUPTED)


def _summary(run: ProfileRun, level: ProfileLevel, pace: SitePace) -> str:
    n_read = run.n_sites - len(run.skipped)
    resumed = f", {run.n_resumed} of them from an earlier run" if run.n_resumed else ""
    lines = [f"{n_read} of {run.n_sites} sites{resumed}, {level.value} profiles: {run.out}"]
    if pace.sites_per_s:
        lines[0] += f" ({pace.rate})"
    lines += skipped_lines(run.skipped, f"{run.out}.skipped.csv")
    return "\n".join(lines)
