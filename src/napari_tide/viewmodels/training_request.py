"""What a user asks to train, and the command that says the same on a cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from napari_tide.errors import OutputWriteError
from napari_tide.viewmodels.shell_command import shell_command

REQUEST = "request.json"


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """One training to start or go on with.

    Parameters
    ----------
    recipe
        Its name.
    data
        A pack, a screen or a table of profiles.
    out
        Folder of the run.
    l1000
        Expression files.
    settings
        What differs from the recipe, as ``--set`` takes it.
    device
        As the catalogue names it.
    is_resumed
        Go on from the run's last checkpoint.
    allows_outside
        Images named by the table of a screen may lie outside the table's folder.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    recipe: str
    data: Path
    out: Path
    l1000: tuple[Path, ...] = ()
    settings: tuple[str, ...] = ()
    device: str = "cpu"
    is_resumed: bool = False
    allows_outside: bool = False

    def arguments(self) -> list[str]:
        """Give the arguments of ``tide train`` and of ``python -m tide_train``."""
        given = [self.recipe, "--data", str(self.data), "--out", str(self.out)]
        for path in self.l1000:
            given += ["--l1000", str(path)]
        for setting in self.settings:
            given += ["--set", setting]
        if self.is_resumed:
            given.append("--resume")
        if self.allows_outside:
            given.append("--allow-outside")
        return given

    def environment(self) -> dict[str, str]:
        """Give the variables that keep a training to its device."""
        kind, _, place = self.device.partition(":")
        if kind == "cuda":
            return {"CUDA_VISIBLE_DEVICES": place or "0"}
        if kind == "cpu":
            return {"CUDA_VISIBLE_DEVICES": "-1", "ACCELERATE_USE_CPU": "true"}
        return {}

    def command(self) -> str:
        """Write the command to paste into a shell or a cluster's job script."""
        return shell_command(["tide", "train", *self.arguments()])

    def resumed(self) -> TrainingRequest:
        """Give the request that goes on from the last checkpoint."""
        return replace(self, is_resumed=True)

    def save(self) -> None:
        """Write the request into the run's folder, for whoever goes on with it later.

        Raises
        ------
        OutputWriteError
            The folder cannot be written.
        """
        path = self.out / REQUEST
        partial = path.with_name(path.name + ".partial")
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(TypeAdapter(TrainingRequest).dump_json(self, indent=2))
            os.replace(partial, path)  # noqa: PTH105 - the same call on every system
        except OSError as error:
            message = f"cannot write {path}: {error.strerror or error}; choose another folder"
            raise OutputWriteError(message) from error


def request_of_run(folder: Path) -> TrainingRequest | None:
    """Give the request a run was started with from a dock; None where that is not known here."""
    try:
        found = TypeAdapter(TrainingRequest).validate_json((folder / REQUEST).read_bytes())
    except (OSError, ValidationError):
        return None
    return replace(found, out=folder)  # the folder may have been moved since
