"""What is chosen about a simulated world rather than drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_tide.errors import SimulationValueError


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Strength of what bypasses mechanism, and of noise in expression.

    Parameters
    ----------
    off_target
        Strength of direct chemistry; 0 takes the structure's influence away.
    rna_leak
        Share of the direct chemistry that also changes expression.
    rna_noise
        Factor on the noise of expression measurements.
    """

    off_target: float = 2.0
    rna_leak: float = 0.25
    rna_noise: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is not a strength."""
        for name in ("off_target", "rna_leak", "rna_noise"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                option = name.replace("_", "-")
                message = f"--{option} is {value}; expected a number of 0 or more"
                raise SimulationValueError(message)
