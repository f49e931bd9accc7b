"""What a training would take: time and memory, in numbers and in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass

_GB = 1e9
_SOON_S = 90


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time and memory of a training, from a few of its steps.

    Parameters
    ----------
    device
        Its name, as a person knows it.
    n_steps, batch_size
        Of the whole training.
    step_s
        Seconds a step.
    startup_s
        Reading the data and building everything.
    packing_s, scfm_s
        Cutting a screen into tiles, and training the encoder of cell lines; 0 where neither is due.
    validation_s
        All validations, and the student's calibration at the end.
    memory_bytes
        Most of the computer's memory the training will hold.
    device_memory_bytes
        Most of a GPU's memory; 0 where there is none.
    free_bytes
        What could be had of the memory that matters; 0 where that is not known.
    """

    device: str
    n_steps: int
    batch_size: int
    step_s: float
    startup_s: float
    packing_s: float
    scfm_s: float
    validation_s: float
    memory_bytes: int
    device_memory_bytes: int = 0
    free_bytes: int = 0

    @property
    def training_s(self) -> float:
        """Seconds of the steps alone."""
        return self.step_s * self.n_steps

    @property
    def seconds(self) -> float:
        """Everything from start to student."""
        return self.startup_s + self.packing_s + self.scfm_s + self.training_s + self.validation_s

    @property
    def images_per_s(self) -> float:
        """Speed of the steps."""
        return self.batch_size / self.step_s

    @property
    def fits(self) -> bool:
        """Whether the memory is there, as far as is known."""
        needed = self.device_memory_bytes or self.memory_bytes
        return not self.free_bytes or needed <= self.free_bytes

    def describe(self) -> str:
        """Say it: ``"about 40 minutes and 3.1 GB on CPU"``."""
        if self.device_memory_bytes:
            memory = f"{_gigabytes(self.device_memory_bytes)} of GPU memory"
        else:
            memory = _gigabytes(self.memory_bytes)
        return f"about {in_words(self.seconds)} and {memory} on {self.device}"

    def details(self) -> str:
        """Say what the time goes to, and how fast it goes."""
        parts = {
            "packing": self.packing_s,
            "the cell-line encoder": self.scfm_s,
            f"{self.n_steps:,} steps": self.training_s,
            "validation": self.validation_s,
        }
        long = [
            f"{name} {in_words(seconds)}"
            for name, seconds in parts.items()
            if seconds >= max(0.05 * self.seconds, 1.0)
        ]
        return "; ".join([*long, f"{self.images_per_s:,.3g} images/s"])

    def advice(self) -> str:
        """Say what to do where memory does not hold it; empty where it does."""
        if self.fits:
            return ""
        needed = self.device_memory_bytes or self.memory_bytes
        fitting = max(self.batch_size * self.free_bytes // (2 * needed), 2)
        lower = 2 ** (fitting.bit_length() - 1)
        return (
            f"{_gigabytes(needed)} are more than the {_gigabytes(self.free_bytes)} that are free; "
            f"lower the batch size to {lower}, or split batches (accumulation "
            f"{max(self.batch_size // lower, 2)})"
        )

    def facts(self) -> dict[str, object]:
        """Give everything by name."""
        return {
            **asdict(self),
            "seconds": self.seconds,
            "training_s": self.training_s,
            "images_per_s": self.images_per_s,
            "text": self.describe(),
            "details": self.details(),
            "advice": self.advice(),
        }


def in_words(seconds: float) -> str:
    """Say a time as people do: ``"40 seconds"``, ``"12 minutes"``, ``"3 hours 20 minutes"``."""
    if seconds < _SOON_S:
        return _counted(max(round(seconds), 1), "second")
    minutes = round(seconds / 60)
    if minutes < 90:
        return _counted(minutes, "minute")
    hours, minutes = divmod(minutes, 60)
    if hours < 10:
        tens = round(minutes, -1)
        hours, tens = (hours + 1, 0) if tens == 60 else (hours, tens)
        return _counted(hours, "hour") + (f" {tens} minutes" if tens else "")
    if hours < 48:
        return _counted(hours + round(minutes / 60), "hour")
    return _counted(round((hours + minutes / 60) / 24), "day")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / _GB:.2g} GB" if n_bytes < 10 * _GB else f"{n_bytes / _GB:.0f} GB"
