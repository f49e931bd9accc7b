"""Build hook: the manifest where npe2 looks for it, and the sample screen inside the wheel."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TideBuildHook(BuildHookInterface[Any]):
    """Copies ``napari.yaml`` into the package and adds ``sample_data`` to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare one build; an editable install finds the sample at the checkout's root."""
        root = Path(self.root)
        shutil.copyfile(root / "napari.yaml", root / "src" / "napari_tide" / "napari.yaml")
        build_data["artifacts"].append("src/napari_tide/napari.yaml")
        if version == "standard" and (root / "sample_data").is_dir():
            build_data["force_include"]["sample_data"] = "napari_tide/sample_data"
