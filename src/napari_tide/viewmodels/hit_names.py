"""The compounds and genes that can be asked about, and which of them a user may mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_tide.discovery.queries import QueryKind
from napari_tide.discovery.similar_names import nearest_names
from napari_tide.profiles.profiles import Profiles

_MOST = 12
_FEWEST_LETTERS = 3
_MOST_COMPARED = 20_000


@dataclass(frozen=True, slots=True)
class HitNames:
    """Names by kind, in order."""

    compounds: tuple[str, ...] = ()
    genes: tuple[str, ...] = ()

    @classmethod
    def of(cls, profiles: Profiles | None) -> HitNames:
        """Collect the names that profiles hold; controls are no compounds to ask about."""
        if profiles is None:
            return cls()
        is_treated = ~profiles.is_control
        genes = profiles.column("Metadata_Gene")[is_treated].unique()
        compounds = profiles.column("Metadata_Compound")[is_treated].unique()
        return cls(_sorted(compounds), _sorted(genes))

    def complete(self, typed: str, kind: QueryKind) -> list[str]:
        """List the names a user may mean: those that begin so, those that hold it, those alike."""
        known = {"gene": self.genes, "compound": self.compounds, "similar": self.compounds}
        names, folded = known.get(kind, ()), typed.strip().casefold()
        begin = [name for name in names if name.casefold().startswith(folded)][:_MOST]
        if not folded or len(begin) == _MOST:
            return begin
        hold = [name for name in names if folded in name.casefold()]
        found = list(dict.fromkeys([*begin, *hold]))[:_MOST]
        if found or len(folded) < _FEWEST_LETTERS or len(names) > _MOST_COMPARED:
            return found
        return nearest_names(typed, names)


def _sorted(names: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted({str(name) for name in names if str(name)}, key=str.casefold))
