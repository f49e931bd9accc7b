"""The recipes and devices of this installation: ``python -m napari_tide._napari.recipe_listing``.

Run as a process of its own: napari does not freeze while torch is loaded, and holds no GPU memory.
"""

from __future__ import annotations

import platform
import sys

from napari_tide.viewmodels.recipe_catalogue import Device, RecipeCatalogue, RecipeEntry

BEGINS = "RECIPES "


def list_recipes() -> RecipeCatalogue:
    """Ask the training package for its recipes, and torch for devices."""
    from tide_train.methods.registry import needs_pairs
    from tide_train.recipes.registry import RECIPES, find_recipe, recipe_summary
    from tide_train.run_config import RunConfig

    entries = []
    for name in RECIPES:
        config = find_recipe(name)
        entries.append(
            RecipeEntry(
                name=name,
                summary=recipe_summary(name),
                reads="profiles" if config.encoder.kind == "features" else "tiles",
                needs_l1000=needs_pairs(config.method),
                config=config.model_dump(mode="json", by_alias=True),
            )
        )
    return RecipeCatalogue(
        settings_schema=RunConfig.model_json_schema(),
        recipes=tuple(entries),
        devices=tuple(list_devices()),
    )


def list_devices() -> list[Device]:
    """List what can be trained on, the fastest first."""
    import psutil
    import torch

    gib = 1024**3
    devices = []
    for place in range(torch.cuda.device_count()):
        told = torch.cuda.get_device_properties(place)
        title = f"{told.name}, {told.total_memory / gib:.0f} GiB"
        devices.append(Device(id=f"cuda:{place}", title=title))
    if torch.backends.mps.is_available():
        devices.append(Device(id="mps", title=f"Apple GPU ({platform.machine()})"))
    memory = psutil.virtual_memory().total / gib
    n_cores = psutil.cpu_count() or 1
    devices.append(Device(id="cpu", title=f"CPU, {n_cores} cores, {memory:.0f} GiB"))
    return devices


def read_listing(output: str) -> RecipeCatalogue | None:
    """Find the listing in what the process printed; None where it is not there."""
    lines = [line for line in output.splitlines() if line.startswith(BEGINS)]
    return RecipeCatalogue.model_validate_json(lines[-1][len(BEGINS) :]) if lines else None


if __name__ == "__main__":
    sys.stdout.write(BEGINS + list_recipes().model_dump_json() + "\n")
