"""What is said of one hit beside its structure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from napari_tide.viewmodels.hit_places import PlaceName, places_in
from napari_tide.viewmodels.hit_rows import HitRows
from napari_tide.viewmodels.hit_store import Trend

_MOST_WELLS = 6
Fact = tuple[str, str]


def places_of(rows: HitRows, position: int) -> list[PlaceName]:
    """List a hit's wells."""
    return places_in(str(rows.value(position, "wells")))


def title_of(rows: HitRows, position: int) -> str:
    """Name a hit: ``"nocodazole 2.5 µM · TUBB"``."""
    compound, gene = rows.key(position)
    dose = float(rows.value(position, "dose_um"))
    said = f"{compound} {dose:.3g} µM" if compound and not math.isnan(dose) else compound
    return " · ".join(part for part in (said, gene) if part)


def facts_of(rows: HitRows, position: int, trend: Trend | None = None) -> list[Fact]:
    """List what a user weighs a hit by, each as a name and a text."""
    return list(_facts(rows, position, trend))


def _facts(rows: HitRows, position: int, trend: Trend | None) -> Iterator[Fact]:
    def shown(column: str) -> str:
        return rows.text(position, column)

    kind = "alike" if rows.value(position, "direction") == "match" else "opposite"
    yield "Score", f"{shown('score')} ({kind}), p {shown('p_value')}, q {shown('q_value')}"
    yield "Replicates", _replicates(places_of(rows, position), is_plate_known=rows.is_of_one_plate)
    if trend is not None:
        yield "With dose", _in_words(trend)
    if not math.isnan(float(rows.value(position, "p_drug"))):
        yield "P(drug)", shown("p_drug")
    known = rows.value(position, "known_target")
    if known:
        yield "Known target", str(known)
    flags = rows.value(position, "flags")
    if flags:
        yield "Look twice", str(flags)


def _replicates(places: Sequence[PlaceName], *, is_plate_known: bool) -> str:
    by_plate: dict[str, list[str]] = {}
    for plate, well in places[:_MOST_WELLS]:
        by_plate.setdefault(plate, []).append(well)
    said = "; ".join(
        ", ".join(wells) if is_plate_known else f"{plate} {', '.join(wells)}"
        for plate, wells in by_plate.items()
    )
    n_plates = len({plate for plate, _ in places})
    more = f" and {len(places) - _MOST_WELLS} more" if len(places) > _MOST_WELLS else ""
    wells = f"{len(places)} well{'s' if len(places) != 1 else ''}"
    plates = f" on {n_plates} plates" if n_plates > 1 else ""
    return f"{wells}{plates}: {said}{more}"


def _in_words(trend: Trend) -> str:
    way = "grows" if trend.rho > 0 else "falls"
    return f"{way} over {trend.n_doses} doses (Spearman {trend.rho:.2f}, p {trend.p_value:.2g})"
