"""Simulate a screen: draw the world, lay out plates, and write images or features, RNA and truth.

``world.json`` is written last: a folder without it is not a finished screen.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

import napari_tide
from napari_tide.errors import OutputExistsError
from napari_tide.simulate import features, screen_files, truth
from napari_tide.simulate.expression import RNA_DOSES_UM
from napari_tide.simulate.simulation import Simulation, SimulationSettings, simulate
from napari_tide.simulate.world import SIMULATOR_VERSION
from napari_tide.transcriptomes.gctx_writer import write_gctx

CHANNELS = ("DNA", "ER", "RNA", "AGP", "Mito")

OUTPUTS = (
    "world.json",
    "screen.parquet",
    "features.parquet",
    "load_data.csv",
    "barcode_platemap.csv",
    "compound_metadata.csv",
    "l1000.gctx",
    "images",
    "platemaps",
    "truth",
)

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many sites are done, and how many there are."""


def simulate_screen(
    out: Path,
    settings: SimulationSettings,
    *,
    is_overwriting: bool = False,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Simulate a screen into a folder and give what ``world.json`` says.

    Parameters
    ----------
    out
        A new or empty folder.
    settings
        What to simulate.
    is_overwriting
        Replace the files of an earlier simulation; other files in the folder stay.
    progress
        Told after every batch of sites.

    Raises
    ------
    OutputExistsError
        The folder holds something and may not be overwritten.
    SimulationValueError
        The settings are impossible; nothing was written.
    OutputWriteError
        The folder cannot be written.
    """
    tell = progress or (lambda _stage, _done, _total: None)
    _refuse_occupied(out, is_overwriting=is_overwriting)
    if not settings.is_features_only:
        from napari_tide.simulate.images import choose_device

        choose_device(settings.device)
    tell("drawing the world", 0, 0)
    simulation = simulate(settings)
    _clear(out)
    checksums = save_tables(out, simulation, settings)
    if settings.is_features_only:
        tell("measuring features", 0, len(simulation.sites))
        checksums["features"] = _save_features(out, simulation)
    else:
        checksums["pixels"] = _save_images(out, simulation, settings, tell)
    described = describe_simulation(simulation, settings, checksums)
    screen_files.save_text(json.dumps(described, indent=2) + "\n", out / "world.json")
    return described


def _refuse_occupied(out: Path, *, is_overwriting: bool) -> None:
    if out.exists() and not out.is_dir():
        message = f"{out} is a file; give a folder for the screen"
        raise OutputExistsError(message)
    if out.is_dir() and any(out.iterdir()) and not is_overwriting:
        message = f"{out} is not empty; choose another folder, or replace it with --overwrite"
        raise OutputExistsError(message)


def _clear(out: Path) -> None:
    """Remove an earlier simulation, ``world.json`` first, and nothing else."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in OUTPUTS:
            path = out / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise screen_files.unwritable(out, error) from error


def save_tables(out: Path, simulation: Simulation, settings: SimulationSettings) -> dict[str, str]:
    """Write truth, plate maps and transcriptomes, all but pixels and features; give checksums.

    Raises
    ------
    OutputWriteError
        A file cannot be written.
    """
    world, selection, sites = simulation.world, simulation.selection, simulation.sites
    design = settings.design
    tables = {
        "drug_gene": truth.drug_gene_truth(world, selection),
        "pathways": truth.pathway_truth(
            world, selection, doses_um=design.doses_um, lines=design.lines
        ),
        "drugs": truth.drug_truth(world, selection, with_rna=simulation.rna_drugs),
    }
    for name, table in tables.items():
        screen_files.save_csv(table, out / "truth" / f"{name}.csv")
    screen_files.save_plate_maps(sites, out, compounds=world.compounds)
    write_gctx(simulation.expression, out / "l1000.gctx")
    checksums = {name: screen_files.table_checksum(table) for name, table in tables.items()}
    checksums["sites"] = screen_files.table_checksum(sites)
    checksums["l1000_values"] = _digest(simulation.expression.values.astype("<f4"))
    checksums["l1000_samples"] = screen_files.table_checksum(
        simulation.expression.samples.reset_index()
    )
    return checksums


def _save_features(out: Path, simulation: Simulation) -> str:
    plates = list(simulation.sites["plate"])
    measured_SF = features.measure(simulation.world.seed, simulation.morphology_SM, plates)
    names = features.feature_names()
    screen_files.save_features(simulation.sites, measured_SF, out, names=names)
    return _digest(measured_SF.astype("<f4"))


def _save_images(
    out: Path, simulation: Simulation, settings: SimulationSettings, tell: Progress
) -> str:
    from napari_tide.simulate.images import save_images

    sites, preset = simulation.sites, settings.preset
    done = 0

    def count(n_sites: int) -> None:
        nonlocal done
        done += n_sites
        tell("rendering sites", done, len(sites))

    tell("rendering sites", 0, len(sites))
    digest = save_images(
        out,
        sites,
        simulation.morphology_SM,
        seed=settings.seed,
        preset=preset,
        layout=simulation.layout,
        device=settings.device,
        on_sites=count,
    )
    screen_files.save_load_data(sites, out, channels=CHANNELS)
    screen_files.save_screen_table(
        sites,
        out,
        channels=CHANNELS,
        pixel_size_um=preset.pixel_size_um,
        plate_format=simulation.layout.plate_format,
    )
    return digest


def describe_simulation(
    simulation: Simulation, settings: SimulationSettings, checksums: dict[str, str]
) -> dict[str, object]:
    """Give what ``world.json`` says."""
    world, sites = simulation.world, simulation.sites
    named = [world.compounds[drug] for drug in simulation.selection.drugs]
    held_out = [
        compound.name
        for compound, drug in zip(named, simulation.selection.drugs, strict=True)
        if world.is_held_out_D[drug]
    ]
    return {
        "simulator_version": SIMULATOR_VERSION,
        "napari_tide_version": napari_tide.__version__,
        "preset": settings.preset.name,
        "seed": settings.seed,
        "mode": "features" if settings.is_features_only else "images",
        "options": {**asdict(settings.world), "rna_coverage": settings.coverage},
        "design": asdict(settings.design),
        "image_px": None if settings.is_features_only else settings.preset.image_px,
        "pixel_size_um": None if settings.is_features_only else settings.preset.pixel_size_um,
        "is_reproducible": settings.is_features_only or settings.preset.is_reproducible,
        "sizes": {
            "plates": int(sites["plate"].nunique()),
            "wells": len(simulation.layout.wells),
            "sites": len(sites),
            "compounds": len(named),
            "genes": len(simulation.selection.genes),
            "rna_drugs": len(simulation.rna_drugs),
            "rna_samples": simulation.expression.n_samples,
        },
        "rna_doses_um": list(RNA_DOSES_UM),
        "held_out": held_out,
        "rna_drugs": [world.compounds[drug].name for drug in simulation.rna_drugs],
        "sha256": checksums,
    }


def _digest(values: npt.NDArray[np.generic]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
