"""The questions the Hits dock offers, and what a user fills in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_tide.discovery.queries import Query, QueryKind

Direction = Literal["match", "anti-match", "both"]
DIRECTIONS: Mapping[Direction, str] = {
    "match": "Matches",
    "anti-match": "Anti-matches",
    "both": "Both",
}


@dataclass(frozen=True, slots=True)
class KindChoice:
    """A kind of question, as a user reads it.

    Parameters
    ----------
    hint
        What stands in the line while it is empty.
    way_in
        What to do when the line was left empty.
    """

    kind: QueryKind
    title: str
    hint: str
    help_text: str
    takes_text: bool = True
    needs_student: bool = False
    way_in: str = ""


_COMPOUND = "such as nocodazole"
_NAME_ONE = "type a compound's name, such as nocodazole"
KIND_CHOICES = (
    KindChoice(
        "gene",
        "Gene",
        "such as TUBB",
        "Compounds that act like a gene's knock-out",
        way_in="type a gene's name, such as TUBB",
    ),
    KindChoice("compound", "Compound", _COMPOUND, "Genes a compound acts like", way_in=_NAME_ONE),
    KindChoice(
        "similar", "Like a compound", _COMPOUND, "Compounds that act like one", way_in=_NAME_ONE
    ),
    KindChoice(
        "wells",
        "Selected wells",
        "select wells on the plate or in a map",
        "Compounds and genes that act like the wells selected on the plate or in a map",
        takes_text=False,
    ),
    KindChoice(
        "smiles",
        "Structure",
        "a SMILES",
        "Compounds and genes that lie where the student would put a structure",
        needs_student=True,
        way_in="paste a SMILES",
    ),
    KindChoice(
        "signature",
        "L1000 signature",
        "a GCT, GCTX or table",
        "Compounds and genes like an expression signature",
        needs_student=True,
        way_in="choose a GCT, GCTX or table with File…",
    ),
    KindChoice(
        "pairs",
        "Every pair",
        "every compound with every gene",
        "Every compound with every gene: the best 100 of each gene",
        takes_text=False,
    ),
)
_BY_KIND = {choice.kind: choice for choice in KIND_CHOICES}


class HitQuestion(BaseModel):
    """A question; it travels in files, so it is checked.

    Parameters
    ----------
    sample
        Which signature of a file that holds several.
    wells
        ``plate:well`` of the wells asked about, or of those the answer is kept within.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: QueryKind = "gene"
    text: str = ""
    sample: str = ""
    direction: Direction = "match"
    is_within_selection: bool = False
    wells: tuple[str, ...] = ()

    @property
    def choice(self) -> KindChoice:
        """What a user is told of this kind of question."""
        return _BY_KIND[self.kind]

    def in_words(self) -> str:
        """Say the question: ``"compounds that act like the knock-out of TUBB"``."""
        if self.kind == "wells":
            count = len(self.wells)
            said = f"compounds and genes like {count} selected well{'s' if count != 1 else ''}"
        else:
            said = str(Query(self.kind, (self.text,) if self.text else ()))
        opposite = {"anti-match": ", opposite effects first", "both": ", either way"}
        within = f", within {len(self.wells)} selected wells" if self.is_within_selection else ""
        return said + opposite.get(self.direction, "") + within
