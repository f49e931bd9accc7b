"""``tide simulate``: a simulated screen with its truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from napari_tide.simulate.world_settings import WorldSettings

_DEFAULTS = WorldSettings()


def simulate(
    out: Annotated[Path, typer.Argument(help="New or empty folder for the screen.")],
    preset: Annotated[str, typer.Option(help="sample, mini or paper.")] = "sample",
    seed: Annotated[int, typer.Option(help="Which world.")] = 0,
    *,
    features_only: Annotated[
        bool, typer.Option("--features-only", help="Write features instead of images.")
    ] = False,
    rna_coverage: Annotated[
        float | None,
        typer.Option(help="Share of training drugs with expression.", show_default="the preset's"),
    ] = None,
    off_target: Annotated[
        float, typer.Option(help="Strength of direct chemical effects.")
    ] = _DEFAULTS.off_target,
    rna_leak: Annotated[
        float, typer.Option(help="Share of them that changes expression too.")
    ] = _DEFAULTS.rna_leak,
    rna_noise: Annotated[
        float, typer.Option(help="Factor on the noise of expression.")
    ] = _DEFAULTS.rna_noise,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier simulation in OUT.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print world.json.")] = False,
) -> None:
    """Simulate a screen: images or features, expression and truth."""
    from napari_tide.simulate.presets import find_preset
    from napari_tide.simulate.simulate_screen import simulate_screen
    from napari_tide.simulate.simulation import SimulationSettings

    settings = SimulationSettings(
        preset=find_preset(preset),
        seed=seed,
        world=WorldSettings(off_target=off_target, rna_leak=rna_leak, rna_noise=rna_noise),
        rna_coverage=rna_coverage,
        is_features_only=features_only,
        device=device,
    )
    with _progress_bar() as bar:
        task = bar.add_task("drawing the world", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total or None)

        described = simulate_screen(out, settings, is_overwriting=overwrite, progress=show)
    if as_json:
        print(json.dumps(described))
    else:
        sizes = described["sizes"]
        assert isinstance(sizes, dict)
        print(
            f"{out}: world {seed}, {sizes['plates']} plates, {sizes['sites']} sites, "
            f"{sizes['compounds']} compounds, {sizes['genes']} knock-outs, "
            f"expression of {sizes['rna_drugs']} drugs"
        )


def _progress_bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # of which a log would keep an empty line
    )
