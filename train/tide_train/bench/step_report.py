"""What timing the training step gave, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

IMAGES_GOAL, PEAK_GOAL, WAIT_GOAL = 3000.0, 0.4, 0.05


@dataclass(frozen=True, slots=True)
class StepReport:
    """What was measured, all in one run.

    Parameters
    ----------
    images_per_s, data_wait
        Of the training loop, reading its pack; the share of time it waited.
    ours_s, plain_s
        Median seconds of a step on a ready batch, and the same written plainly.
    flops_per_step
        Of matrix products and convolutions, forward and backward, views not counted.
    peak_flops_per_s
        The best that large matrix products reached on this device in this precision.
    memory_bytes
        The most the device held in the loop; 0 on a CPU.
    """

    machine: str
    date: str
    preset: str
    device: str
    precision: str
    batch_size: int
    is_compiled: bool
    images_per_s: float
    data_wait: float
    ours_s: float
    plain_s: float
    flops_per_step: int
    peak_flops_per_s: float
    memory_bytes: int

    @property
    def peak_share(self) -> float:
        """Share of the matrix peak that the loop reaches."""
        per_image = self.flops_per_step / self.batch_size
        return per_image * self.images_per_s / self.peak_flops_per_s

    @property
    def is_goal_measured(self) -> bool:
        """Whether the goals, which are for a GPU at the paper's size, can be judged by this."""
        return self.preset == "paper" and self.device != "cpu"

    def to_json(self) -> str:
        """Write the report for a script."""
        facts = {"peak_share": self.peak_share, "is_goal_measured": self.is_goal_measured}
        return json.dumps({**asdict(self), **facts})

    def to_markdown(self) -> str:
        """Write the report as it stands in docs/performance.md."""
        lines = [
            f"{self.machine}, {self.device}, {self.date}",
            "",
            self._what(),
            "",
            "| what | ours | beside it | goal | met |",
            "|---|---|---|---|---|",
            *self._rows(),
            "",
            "The official DINO code was not run.",
        ]
        if not self.is_goal_measured:
            lines.append("The goals are for a GPU at the paper's size and stay unmeasured here.")
        return "\n".join(lines) + "\n"

    def _what(self) -> str:
        compiled = ", compiled" if self.is_compiled else ""
        memory = f", {self.memory_bytes / 1024**3:.1f} GB" if self.memory_bytes else ""
        per_image = self.flops_per_step / self.batch_size / 1e9
        return (
            f"TIDE, preset {self.preset}, {self.precision}{compiled}, batches of "
            f"{self.batch_size}{memory}; {per_image:.3g} GFLOP an image"
        )

    def _rows(self) -> list[str]:
        rate, share, wait = self.images_per_s, self.peak_share, self.data_wait
        peak = f"{self.peak_flops_per_s / 1e12:.3g} TFLOP/s in large products"
        rows = [
            ("images a second", f"{rate:.0f}", "", f"{IMAGES_GOAL:.0f}", rate >= IMAGES_GOAL),
            ("share of the peak", f"{share:.1%}", peak, f"{PEAK_GOAL:.0%}", share >= PEAK_GOAL),
            ("waiting for data", f"{wait:.1%}", "", f"< {WAIT_GOAL:.0%}", wait < WAIT_GOAL),
        ]
        lines = [
            f"| {what} | {ours} | {beside} | {goal} | {self._met(is_met=is_met)} |"
            for what, ours, beside, goal, is_met in rows
        ]
        ours, plain = (f"{1000 * seconds:.0f} ms" for seconds in (self.ours_s, self.plain_s))
        beside = f"{plain}: the same maths, eager and unfused ({self.plain_s / self.ours_s:.2f} x)"
        return [*lines, f"| a step on a ready batch | {ours} | {beside} | | |"]

    def _met(self, *, is_met: bool) -> str:
        return ("yes" if is_met else "no") if self.is_goal_measured else "unmeasured"
