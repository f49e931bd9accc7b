"""What a run ran on: versions, device, commit and seeds, so that it can be told apart later."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import torch

_PACKAGES = ("napari-tide", "torch", "timm", "accelerate", "numpy", "pandas", "rdkit")


def describe_environment(*, seed: int, data_hash: str, n_processes: int) -> dict[str, object]:
    """Describe this machine and code."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "data_hash": data_hash,
        "git_commit": git_commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "device": device_name(),
        "n_processes": n_processes,
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def device_name() -> str:
    """Name the device that trains."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return (
        "mps" if torch.backends.mps.is_available() else f"cpu ({torch.get_num_threads()} threads)"
    )


def is_alone_by_mistake() -> bool:
    """Tell whether accelerate was asked for several CPU processes and could start one only."""
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1", "yes")
    return on_cpu and "MASTER_PORT" in os.environ and "WORLD_SIZE" not in os.environ


def git_commit() -> str:
    """Give the commit of the checkout this code lies in, marked where files were changed."""
    here = Path(__file__).resolve().parent
    try:
        _git(
            here, "ls-files", "--error-unmatch", Path(__file__).name
        )  # not somebody else's checkout
        commit = _git(here, "rev-parse", "HEAD")
        is_changed = _git(here, "status", "--porcelain", "--untracked-files=no") != ""
    except (OSError, subprocess.SubprocessError):
        return ""
    return commit + ("+" if is_changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - fixed arguments
        ["git", *arguments],  # noqa: S607 - whichever git the user has
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
