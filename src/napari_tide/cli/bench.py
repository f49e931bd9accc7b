"""``tide bench``: measurements side by side with the best other library."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_tide.cli.output import refuse_output

bench = typer.Typer(help="Measure, and write down what was measured.", no_args_is_help=True)


@bench.callback()
def _group() -> None:
    """Keep ``speed`` a subcommand while it is the only one."""


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
