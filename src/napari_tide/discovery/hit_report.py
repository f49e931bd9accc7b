"""A hit list as one page: the first hits with structure, images and dose curve, then the table."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

import pandas as pd

from napari_tide.chem.drawing import draw_svg
from napari_tide.discovery.dose_curve import dose_curve_svg
from napari_tide.discovery.dose_trend import DoseTrend
from napari_tide.discovery.hit_list import HitList, HitSource
from napari_tide.discovery.hit_pictures import picture_hit
from napari_tide.discovery.hit_trends import dose_wells
from napari_tide.discovery.report_style import SCRIPT, STYLE
from napari_tide.discovery.report_table import hit_rows, number
from napari_tide.discovery.whole_file import write_whole
from napari_tide.errors import MoleculeValueError
from napari_tide.screens.screen import Screen

N_CARDS = 12
N_ROWS = 500
_Q = 0.05


def write_report(
    hits: HitList,
    described: Mapping[str, object],
    path: Path,
    *,
    trends: Mapping[int, DoseTrend] | None = None,
    screen: Screen | None = None,
) -> None:
    """Write a page that needs nothing beside it: no network, no other file.

    Parameters
    ----------
    described
        The list's provenance, which says what was asked and how.
    trends
        Dose trends by rank.
    screen
        Where images are, to show each hit beside its nearest negative control.

    Raises
    ------
    OutputWriteError
        The page cannot be written.
    """
    write_whole(path, report_page(hits, described, trends=trends or {}, screen=screen).encode())


def report_page(
    hits: HitList,
    described: Mapping[str, object],
    *,
    trends: Mapping[int, DoseTrend],
    screen: Screen | None,
) -> str:
    """Give the page's HTML."""
    query = described["query"]
    assert isinstance(query, Mapping)
    title = str(query["in_words"])
    title = title[:1].upper() + title[1:]
    cards = [
        _card(row, source, trends.get(int(row["rank"])), screen)
        for (_, row), source in zip(
            hits.table.head(N_CARDS).iterrows(), hits.sources[:N_CARDS], strict=True
        )
    ]
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            f'<p class="soft">{escape(_origin(hits, described))}</p>',
            _figures(hits),
            _warnings(described),
            "<h2>First hits</h2>",
            f'<div class="cards">{"".join(cards)}</div>' if cards else "<p>No hit is left.</p>",
            f"<h2>{_table_title(len(hits.table))}</h2>",
            f'<div class="scroll">{hit_rows(hits.table.head(N_ROWS))}</div>',
            _reading_guide(hits, described),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main><script>{SCRIPT}</script></body></html>\n"
    )


def _origin(hits: HitList, described: Mapping[str, object]) -> str:
    students = sorted(set(hits.table["student"]) - {""})
    made_by = f"profiles of {', '.join(students)}" if students else "profiles of another tool"
    return f"{made_by}, {str(described['date'])[:10]}"


def _figures(hits: HitList) -> str:
    table = hits.table
    found = [
        (f"{hits.n_tested:,}", "tested"),
        (f"{int((table['q_value'] <= _Q).sum()):,}", f"with q up to {_Q}"),
    ]
    if (table["known_target"] != "").any():
        n_known = int((table["known_target"].head(20) == "yes").sum())
        found.append((str(n_known), "known pairs among the first 20"))
    tiles = "".join(
        f'<div class="figure"><b>{escape(value)}</b><span>{escape(what)}</span></div>'
        for value, what in found
    )
    return f'<div class="figures">{tiles}</div>'


def _warnings(described: Mapping[str, object]) -> str:
    told = described["warnings"]
    assert isinstance(told, list)
    return "".join(f'<p class="warning">{escape(str(text))}</p>' for text in told)


def _card(row: pd.Series, source: HitSource, trend: DoseTrend | None, screen: Screen | None) -> str:
    named = " · ".join(escape(text) for text in (row["compound"], row["gene"]) if text)
    parts = [
        f'<header><span class="rank">{int(row["rank"])}</span><h3>{named}</h3></header>',
        _facts(row),
        _chips(row),
        _structure(str(row["smiles"])),
        _pictures(source, screen),
        _curve(source, trend),
    ]
    return f'<article class="hit">{"".join(parts)}</article>'


def _facts(row: pd.Series) -> str:
    kind = "match" if row["direction"] == "match" else "anti"
    facts = [
        ("score", f'<span class="{kind}">{number(row["score"], 2)}</span>'),
        ("p", number(row["p_value"], 1)),
        ("q", number(row["q_value"], 1)),
        ("wells", str(int(row["n_replicates"]))),
    ]
    if pd.notna(row["dose_um"]):
        facts.append(("dose", f"{number(row['dose_um'], 3)} µM"))
    if pd.notna(row["p_drug"]):
        facts.append(("p(drug)", number(row["p_drug"], 2)))
    entries = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{entries}</dl>'


def _chips(row: pd.Series) -> str:
    known = ['<span class="chip known">known target</span>'] if row["known_target"] == "yes" else []
    flags = [
        f'<span class="chip">{escape(flag)}</span>' for flag in row["flags"].split("; ") if flag
    ]
    return f'<div class="chips">{"".join([*known, *flags])}</div>' if known or flags else ""


def _structure(smiles: str) -> str:
    if not smiles:
        return ""
    try:
        light, dark = (draw_svg(smiles, is_dark=is_dark) for is_dark in (False, True))
    except MoleculeValueError as error:
        return f'<p class="note">{escape(str(error))}</p>'
    return (
        f'<div class="drawing"><div class="on-light">{light}</div>'
        f'<div class="on-dark">{dark}</div></div>'
    )


def _pictures(source: HitSource, screen: Screen | None) -> str:
    if screen is None:
        return ""
    pictures = picture_hit(source, screen)
    if pictures.problem:
        return f'<p class="note">No images: {escape(pictures.problem)}</p>'
    sides = (
        (pictures.hit, f"well {pictures.hit_well}"),
        (pictures.control, f"untreated, well {pictures.control_well}"),
    )
    figures = "".join(
        f'<figure><img src="{address}" alt="{escape(said)}"><figcaption>{escape(said)}</figcaption>'
        "</figure>"
        for address, said in sides
    )
    plate = (
        f'<p class="note">plate {escape(pictures.plate)}, both at the brightness of the control</p>'
    )
    return f'<div><div class="pair">{figures}</div>{plate}</div>'


def _curve(source: HitSource, trend: DoseTrend | None) -> str:
    wells = dose_wells(source)
    if wells is None:
        return ""
    said = "each dot a well; band: 90 % of control wells"
    if trend is not None:
        said = f"dose trend: Spearman {trend.rho:.2f}, p {trend.p_value:.2g}; {said}"
    return f'<div>{dose_curve_svg(wells)}<p class="note">{escape(said)}</p></div>'


def _table_title(n_hits: int) -> str:
    return "All hits" if n_hits <= N_ROWS else f"First {N_ROWS} of {n_hits:,} hits"


def _reading_guide(hits: HitList, described: Mapping[str, object]) -> str:
    settings = described["settings"]
    assert isinstance(settings, Mapping)
    return (
        "<h2>How to read this</h2>"
        "<p>The score says how alike two effects are: 1 the same direction, 0 unrelated, "
        "\u22121 opposite. Replicate wells are averaged first; every plate is measured from its "
        "own negative controls.</p>"
        "<p>p is how often chance gives a score at least as extreme. Here "
        f"{escape(hits.null_reason)} (up to {settings['n_draws']:,} draws, seed "
        f"{settings['seed']}). q is the share of false discoveries to expect if the list is cut "
        f"there, over {hits.n_tested:,} tests (Benjamini\u2013Hochberg).</p>"
    )
