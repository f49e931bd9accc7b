"""The table of a report, which its columns' heads sort."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

_SORTED = ' aria-sort="ascending"'
_SMALLEST_PLAIN = 1e-4  # smaller numbers are written as powers of ten

_SHOWN: dict[str, tuple[str, int]] = {  # column: its head, and digits where it is a number
    "rank": ("rank", 0),
    "compound": ("compound", -1),
    "dose_um": ("dose, µM", 3),
    "gene": ("gene", -1),
    "score": ("score", 2),
    "p_value": ("p", 1),
    "q_value": ("q", 1),
    "p_drug": ("p(drug)", 2),
    "n_replicates": ("wells", 0),
    "known_target": ("known", -1),
    "flags": ("flags", -1),
}


def hit_rows(table: pd.DataFrame) -> str:
    """Give the rows of a hit list as an HTML table; columns that say nothing are left out."""
    shown = [name for name in _SHOWN if _says_something(table[name])]
    heads = "".join(
        f'<th class="{_kind(name)}"{_SORTED if name == "rank" else ""}>'
        f'<button type="button">{escape(_SHOWN[name][0])}</button></th>'
        for name in shown
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(name, value) for name, value in zip(shown, values, strict=True))
        + "</tr>"
        for values in table[shown].itertuples(index=False, name=None)
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def number(value: float, digits: int) -> str:
    """Write a number for reading: two decimals for `digits` 2, else so many digits that count."""
    if not np.isfinite(value):
        return "\u2013"
    if digits == 0:
        return f"{int(value):,}"
    if abs(value) < _SMALLEST_PLAIN and value != 0:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa}\u00b710<sup>\u2212{abs(int(exponent))}</sup>"
    elif digits == 1:
        text = f"{value:.2g}"
    else:
        text = f"{value:.2f}" if digits == 2 else f"{value:.{digits}g}"
    return text.replace("-", "\u2212")


def _cell(name: str, value: object) -> str:
    digits = _SHOWN[name][1]
    if digits < 0:
        text = escape(str(value))
        return f'<td class="{_kind(name)}" data-value="{text}">{text}</td>'
    amount = float(str(value))
    key = "" if np.isnan(amount) else repr(amount)
    tone = ""
    if name == "score":
        tone = ' style="color:var(--match)"' if amount >= 0 else ' style="color:var(--anti)"'
    return f'<td class="number" data-value="{key}"{tone}>{number(amount, digits)}</td>'


def _kind(name: str) -> str:
    if _SHOWN[name][1] >= 0:
        return "number"
    return "flags" if name == "flags" else "text"


def _says_something(values: pd.Series) -> bool:
    return bool((values.notna() & (values.astype(str) != "")).any())
