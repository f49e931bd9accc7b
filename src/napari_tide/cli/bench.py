"""``tide bench``: measurements side by side with the best other library."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_tide.cli.output import refuse_output

bench = typer.Typer(help="Measure, and write down what was measured.", no_args_is_help=True)


@bench.command()
def speed(
    *,
    only: Annotated[
        list[str] | None, typer.Option(help="One measurement by name; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the table here (.md).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time the product beside its peers in one run, and say which goals are met."""
    from tide_train.bench.speed import measure_speed

    if out is not None:
        refuse_output(out, (".md",), overwrite=overwrite)
    report = measure_speed(only or (), announce=lambda name: print(f"{name} ...", file=sys.stderr))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(report.to_markdown(), encoding="utf-8")
    print(report.to_json() if as_json else report.to_markdown())


class Preset(StrEnum):
    """What is trained."""

    paper = "paper"
    tiny = "tiny"


class Device(StrEnum):
    """Where."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


@bench.command()
def step(
    *,
    preset: Annotated[
        Preset | None, typer.Option(help="What is trained; paper on a GPU, tiny on a CPU.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where.")] = Device.auto,
    batch_size: Annotated[
        int | None, typer.Option(min=16, help="Images a batch; halved until it fits.")
    ] = None,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the encoder.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the table here (.md).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time the TIDE training step beside a plain one, and the share of the device's peak."""
    from tide_train.bench.training_step import measure_training_step

    if out is not None:
        refuse_output(out, (".md",), overwrite=overwrite)
    report = measure_training_step(
        None if preset is None else preset.value,
        device=device.value,
        batch_size=batch_size,
        is_compiled=compiled,
        announce=lambda said: print(f"{said} ...", file=sys.stderr),
    )
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(report.to_markdown(), encoding="utf-8")
    print(report.to_json() if as_json else report.to_markdown())


class Tables(StrEnum):
    """Size of the benchmark."""

    mini = "mini"
    paper = "paper"
    tiny = "tiny"


class TablesPart(StrEnum):
    """A part of the benchmark."""

    main = "main"
    ablations = "ablations"
    responses = "responses"
    grid = "grid"
    stress = "stress"


@bench.command()
def tables(
    *,
    out: Annotated[Path, typer.Option(help="Folder of runs and report; goes on where it ended.")],
    worlds: Annotated[str, typer.Option(help="Seeds of simulated worlds, such as 0-9.")],
    preset: Annotated[
        Tables,
        typer.Option(
            help="mini: features, on a CPU; paper: images, on a GPU; tiny: a few images, to try."
        ),
    ] = Tables.mini,
    seeds: Annotated[str, typer.Option(help="Seeds of trainings.")] = "0,1",
    part: Annotated[
        list[TablesPart] | None, typer.Option(help="Only this part; may be repeated.")
    ] = None,
    arms: Annotated[str, typer.Option(help="Only these, such as labels,tide.")] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Trainings at a time, a core each.")] = 2,
) -> None:
    """Train and judge every method on simulated worlds: the paper's tables, with intervals."""
    from tide_train.bench.tables.make_tables import TablesRequest, make_tables
    from tide_train.bench.tables.plan import PARTS

    chosen = [one.value for one in part or ()]
    request = TablesRequest(
        out=out,
        worlds=worlds,
        seeds=seeds,
        parts=tuple(name for name in PARTS if not chosen or name in chosen),
        jobs=jobs,
        size=preset.value,
        arms=arms,
    )
    report = make_tables(request, announce=lambda said: print(said, file=sys.stderr))
    print(f"{report.n_cells} trainings: {report.markdown}")
