"""How long a training loop waits for its data."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(slots=True)
class LoopClock:
    """Seconds a training loop waited for data, and seconds it worked."""

    wait_s: float = 0.0
    step_s: float = 0.0
    last_wait_s: float = 0.0
    last_step_s: float = 0.0

    @property
    def wait_share(self) -> float:
        """Share of all time that was waited."""
        total = self.wait_s + self.step_s
        return self.wait_s / total if total else 0.0

    def waited(self, seconds: float) -> None:
        """Count a wait."""
        self.last_wait_s = seconds
        self.wait_s += seconds

    def worked(self, seconds: float) -> None:
        """Count a step."""
        self.last_step_s = seconds
        self.step_s += seconds


class TimedBatches:
    """What every loader of batches shares: its clock, and an end."""

    def __init__(self) -> None:
        self.clock = LoopClock()

    @property
    def wait_s(self) -> float:
        """Seconds the loop waited for data."""
        return self.clock.wait_s

    @property
    def step_s(self) -> float:
        """Seconds the loop worked between batches."""
        return self.clock.step_s

    @property
    def wait_share(self) -> float:
        """Share of the loop's time that was waited."""
        return self.clock.wait_share

    def __enter__(self) -> Self:
        """Give the loader; what it needs starts with the loop."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End whatever the loop started."""
        self.close()

    def close(self) -> None:
        """End whatever the loop started; nothing here."""
