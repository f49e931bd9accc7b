"""A student's model card as a dock shows it."""

from __future__ import annotations

import re
from pathlib import Path

_CARD = "README.md"
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_HEADING = re.compile(r"^(?=#+ )", re.MULTILINE)
_MOST_CHARACTERS = 50_000


def read_card(bundle: Path) -> str:
    """Read the card in Markdown, without what only the Hub reads; empty where there is none.

    Headings are made smaller.
    """
    try:
        text = (bundle / _CARD).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    card = _FRONT_MATTER.sub("", text[:_MOST_CHARACTERS]).strip()
    return _HEADING.sub("##", card)  # a dock is narrower than a page
