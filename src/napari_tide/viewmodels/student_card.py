"""A student's model card as a dock shows it."""

from __future__ import annotations

import re
from pathlib import Path

_CARD = "README.md"
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_HEADING = re.compile(r"^(?=#+ )", re.MULTILINE)
_BARE_TABLE = re.compile(r"^\|[ |]*\|\n\|[-: |]*\|\n((?:\|.*\|(?:\n|\Z))+)", re.MULTILINE)
_CELL_END = re.compile(r"(?<!\\)\|")
_MOST_CHARACTERS = 50_000


def read_card(bundle: Path) -> str:
    """Read the card in Markdown, without what only the Hub reads; empty where there is none.

    Headings are made smaller, and tables without a title row are lists: Qt draws the empty row.
    """
    try:
        text = (bundle / _CARD).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    card = _FRONT_MATTER.sub("", text[:_MOST_CHARACTERS]).strip()
    card = _BARE_TABLE.sub(_as_list, card)
    return _HEADING.sub("##", card)  # a dock is narrower than a page


def _as_list(table: re.Match[str]) -> str:
    lines = []
    for row in table.group(1).splitlines():
        name, *values = (cell.strip() for cell in _CELL_END.split(row.strip()[1:-1]))
        lines.append(f"- **{name}**: {', '.join(values)}")
    return "\n".join(lines) + "\n"
