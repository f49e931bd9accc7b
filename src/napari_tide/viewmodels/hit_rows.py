"""A hit list of any length, sorted and filtered in milliseconds.

Every column is turned once into numbers that sort as it does; after that sorting and filtering are
numpy's. Shapes: R rows of the list, S rows shown.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.hit_table import COLUMNS, NUMBERS, WHOLE_NUMBERS

HitKey = tuple[str, str]
"""What a star or note is about: a compound and a gene, whatever the dose or question."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HitColumn:
    """A column as a user sees it."""

    name: str
    title: str
    help_text: str


STAR = HitColumn("star", "★", "Starred: press space")
_SHOWN = (
    HitColumn("rank", "#", "Rank in this list"),
    HitColumn("compound", "Compound", "The compound"),
    HitColumn("gene", "Gene", "The gene that was knocked out"),
    HitColumn(
        "score", "Score", "How alike they act: 1 the same, 0 nothing shared, -1 the opposite"
    ),
    HitColumn("q_value", "q", "Expected share of false hits among this one and all better ones"),
    HitColumn("dose_um", "Dose (µM)", "The dose that stands out most"),
    HitColumn("p_drug", "P(drug)", "The student's probability of the drug in these wells"),
    HitColumn("n_replicates", "Wells", "Replicate wells behind the row"),
    HitColumn("known_target", "Known", "Whether the gene is a known target of the compound"),
    HitColumn("flags", "Look twice", "Edge wells, single replicates, quality flags"),
    HitColumn("p_value", "p", "Chance of such a score, from the null"),
)
_ALWAYS = frozenset({"rank", "score", "q_value", "n_replicates", "p_value"})
_SIDES = ("compound", "gene")


class HitRows:
    """A hit list, ready to be shown in any order."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table[list(COLUMNS)].reset_index(drop=True)
        self._values = {name: self.table[name].to_numpy() for name in COLUMNS}
        self._keys = {name: _sort_key(self._values[name], name) for name in COLUMNS}
        self._all = np.arange(len(self.table), dtype=np.int64)

    @classmethod
    def empty(cls) -> HitRows:
        """Give a list without rows."""
        return cls(pd.DataFrame({name: [] for name in COLUMNS}))

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._all)

    @functools.cached_property
    def columns(self) -> tuple[HitColumn, ...]:
        """The columns that tell something about this list; what is the same in all rows is not."""
        return (STAR, *(column for column in _SHOWN if self._tells(column.name)))

    @functools.cached_property
    def is_of_one_plate(self) -> bool:
        """Whether all wells are on the same plate, so that its name tells nothing."""
        return len(set(self._values["plates"])) == 1 and "|" not in str(self._values["plates"][0])

    @functools.cached_property
    def positions(self) -> Mapping[HitKey, tuple[int, ...]]:
        """Where each compound with each gene stands."""
        found: dict[HitKey, list[int]] = {}
        sides = zip(*(self._values[name] for name in _SIDES), strict=True)
        for position, (compound, gene) in enumerate(sides):
            found.setdefault((str(compound), str(gene)), []).append(position)
        return {key: tuple(places) for key, places in found.items()}

    def key(self, position: int) -> HitKey:
        """Say which compound and gene a row is about."""
        return str(self._values["compound"][position]), str(self._values["gene"][position])

    def value(self, position: int, column: str) -> str | float:
        """Give one cell."""
        found = self._values[column][position]
        return float(found) if column in (*NUMBERS, *WHOLE_NUMBERS) else str(found)

    def text(self, position: int, column: str) -> str:
        """Give one cell as it is shown."""
        found = self.value(position, column)
        if isinstance(found, str):
            return found
        if np.isnan(found):
            return "\N{EN DASH}"
        if column in WHOLE_NUMBERS:
            return f"{found:.0f}"
        if column in ("p_value", "q_value"):
            return f"{found:.3f}" if found >= 0.001 else f"{found:.0e}"
        return f"{found:.2f}" if column in ("score", "p_drug") else f"{found:.3g}"

    def starred(self, stars: Collection[HitKey]) -> npt.NDArray[np.bool_]:
        """Tell which rows are starred."""
        return self._at(place for key in stars for place in self.positions.get(key, ()))

    def keep(
        self, *, min_size: float = 0.0, among: npt.NDArray[np.bool_] | None = None
    ) -> Positions:
        """Choose the rows whose score is at least of a size, among some of them."""
        kept = among if among is not None else np.ones(len(self), bool)
        if min_size > 0:
            kept = kept & (np.abs(self._values["score"].astype(np.float64)) >= min_size)
        return np.flatnonzero(kept).astype(np.int64)

    def arrange(
        self,
        shown_S: Positions,
        column: str,
        *,
        is_descending: bool = False,
        stars: npt.NDArray[np.bool_] | None = None,
    ) -> Positions:
        """Sort some rows by a column; rows that say nothing come last, ties stay by rank."""
        if column == STAR.name:
            is_starred = stars if stars is not None else np.zeros(len(self), bool)
            keys = np.where(is_starred, 0.0, 1.0)[shown_S]
        else:
            keys = self._keys[column][shown_S]
        order = np.argsort(-keys if is_descending else keys, kind="stable")  # NaN comes last
        return shown_S[order]

    def _at(self, places: Iterable[int]) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(self), bool)
        found[list(places)] = True
        return found

    def _tells(self, name: str) -> bool:
        if name in _ALWAYS:
            return True
        values = self._keys[name]
        present = values[~np.isnan(values)]
        if name == "dose_um":
            return len(present) > 0
        if name in _SIDES:
            return len(present) > 0 and (len(self) == 1 or bool((values != values[0]).any()))
        return len(present) > 0


def _sort_key(values: npt.NDArray[np.generic], name: str) -> npt.NDArray[np.float64]:
    """Give numbers that sort as the values do; NaN for a cell that says nothing."""
    if name in (*NUMBERS, *WHOLE_NUMBERS):
        return values.astype(np.float64)
    codes, texts = pd.factorize(values)
    folded = np.array([str(text).casefold() for text in texts], dtype=np.str_)
    rank = np.empty(len(texts))
    rank[np.argsort(folded, kind="stable")] = np.arange(len(texts))
    if len(texts):
        rank[folded == ""] = np.nan
    return rank[codes] if len(codes) else np.zeros(0)
