"""A table of the report: estimates over worlds, written as Markdown and as plain facts."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tide_train.bench.tables.collect import OverWorlds

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number over worlds and how to print it: in percent, with a sign."""

    value: OverWorlds
    is_percent: bool = False
    is_gain: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the report.

    Parameters
    ----------
    rows
        One per line, each cell text or an estimate.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str = ""

    def to_markdown(self) -> str:
        """Write it."""
        lines = [f"**{self.name}. {self.title}**", ""]
        lines.append("| " + " | ".join(self.columns) + " |")
        lines.append("|" + "---|" * len(self.columns))
        lines += ["| " + " | ".join(map(_text, row)) + " |" for row in self.rows]
        return "\n".join([*lines, *(["", self.note] if self.note else []), ""])

    def facts(self) -> Facts:
        """Give it as JSON takes it."""
        rows = [
            [asdict(cell.value) if isinstance(cell, Estimate) else cell for cell in row]
            for row in self.rows
        ]
        return {"title": self.title, "columns": self.columns, "rows": rows, "note": self.note}


def _text(cell: object) -> str:
    if isinstance(cell, Estimate):
        return _estimate(cell)
    return str(cell)


def _estimate(cell: Estimate) -> str:
    value = cell.value
    if not value.n_worlds:
        return ""
    factor = 100.0 if cell.is_percent else 1.0
    form = ("+" if cell.is_gain else "") + (".2f" if cell.is_percent else ".3f")
    text = format(factor * value.mean, form)
    if value.n_worlds > 1:
        low, high = (format(factor * limit, form) for limit in (value.low, value.high))
        text += f" [{low}, {high}]"
    is_sure = cell.is_gain and value.n_worlds > 1 and value.low * value.high > 0
    return f"**{text}**" if is_sure else text
