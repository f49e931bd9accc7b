"""``tide inspect FILE.gctx``: what is in an expression file."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_tide.transcriptomes.expression_summary import ExpressionSummary

_ENDINGS = (".gct", ".gctx", ".gct.gz")


def is_expression(source: Path) -> bool:
    """Tell by its name whether a file is one of expression (a folder never is)."""
    return source.name.lower().endswith(_ENDINGS) and not source.is_dir()


def inspect_expression(source: Path, *, as_json: bool) -> None:
    """Print what a GCT or GCTX file holds; of its values only a few are read."""
    from napari_tide.transcriptomes.expression_file import open_expression
    from napari_tide.transcriptomes.expression_summary import summarise_expression

    summary = summarise_expression(open_expression(source))
    if as_json:
        print(json.dumps(asdict(summary), allow_nan=False))
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    for name, value in _rows(summary, source).items():
        console.print(f"[bold]{name:<11}[/bold] {escape(value)}")
    for warning in summary.warnings:
        console.print(f"[yellow]![/yellow] {escape(warning)}")


def _rows(summary: ExpressionSummary, source: Path) -> dict[str, str]:
    doses = ", ".join(f"{dose:g}" for dose in summary.doses[:12])
    more = ", ..." if len(summary.doses) > 12 else ""
    marked = "not marked" if summary.landmarks is None else f"{summary.landmarks} landmarks"
    return {
        "source": f"{source} ({summary.format})",
        "level": summary.level or "unknown",
        "samples": f"{summary.samples}",
        "genes": f"{summary.genes} ({marked})",
        "compounds": f"{summary.compounds}",
        "cell lines": f"{summary.cell_lines}",
        "doses": f"{len(summary.doses)} ({doses}{more} uM)" if summary.doses else "0",
        "controls": ", ".join(f"{kind} {n}" for kind, n in summary.controls.items()) or "none",
    }
