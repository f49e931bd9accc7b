"""From the options of ``tide hits`` to searches that are ready to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from napari_tide.errors import ProfileValueError, StudentValueError

if TYPE_CHECKING:
    from napari_tide.discovery.codebook_query import DrugProbabilities
    from napari_tide.discovery.known_targets import KnownTargets
    from napari_tide.discovery.queries import Query, QueryKind, Search
    from napari_tide.discovery.well_table import WellTable
    from napari_tide.profiles.profiles import Profiles
    from napari_tide.screens.screen import Screen
    from napari_tide.students.bundle import Bundle


@dataclass(frozen=True, slots=True)
class HitQuestion:
    """What the options say.

    Parameters
    ----------
    asked
        The text of every kind of question; all but one are empty.
    """

    asked: Mapping[str, str]
    sample: str
    profiles: tuple[Path, ...]
    embeddings: tuple[Path, ...]
    student: Path | None
    truth: Path | None
    screen: Path | None

    def query(self) -> Query:
        """Give the one question that is asked; none at all asks about every pair."""
        from napari_tide.discovery.queries import Query

        given = [(kind, text) for kind, text in self.asked.items() if text]
        if len(given) > 1:
            options = " and ".join(f"--{kind}" for kind, _ in given)
            message = f"{options} are different questions; ask one at a time"
            raise typer.BadParameter(message)
        if not given:
            return Query("pairs")
        kind, text = given[0]
        parts = tuple(part for part in text.split(",") if part.strip())
        return Query(cast("QueryKind", kind), parts if kind == "wells" else (text,))

    def files(self) -> dict[str, Sequence[Path]]:
        """List the inputs by option, for the record."""
        signature = self.asked.get("signature", "")
        single = {"student": self.student, "truth": self.truth, "screen": self.screen}
        found: dict[str, Sequence[Path]] = {"profiles": self.profiles}
        if self.embeddings:
            found["embeddings"] = self.embeddings
        if signature:
            found["signature"] = [Path(signature)]
        return {**found, **{name: [path] for name, path in single.items() if path is not None}}


@dataclass(frozen=True, slots=True, eq=False)
class ReadyQuestion:
    """Searches, and what hits are described with."""

    query: Query
    searches: Sequence[Search]
    targets: KnownTargets | None
    probabilities: DrugProbabilities | None
    screen: Screen | None
    warnings: tuple[str, ...]

    def with_warnings(self, told: Sequence[str]) -> ReadyQuestion:
        """Add what was noticed later."""
        return replace(self, warnings=(*self.warnings, *told))


def prepare(question: HitQuestion, *, is_per_dose: bool) -> ReadyQuestion:
    """Read everything the question needs; whatever is wrong shows before any long work."""
    from napari_tide.discovery.well_table import join_tables, well_table
    from napari_tide.profiles.store import read_profiles
    from napari_tide.screens.open_screen import open_screen

    query = question.query()
    profiles = join_tables([read_profiles(path) for path in question.profiles])
    bundle = _bundle(question, query.kind)
    screen = open_screen(question.screen) if question.screen is not None else None
    embeddings = profiles
    if question.embeddings:
        embeddings = join_tables([read_profiles(path) for path in question.embeddings])
    table = well_table(profiles)
    probabilities, notes = _probabilities(bundle, embeddings, table, question)
    return ReadyQuestion(
        query,
        _searches(question, query, table, bundle, embeddings, is_per_dose=is_per_dose),
        _targets(question, profiles, screen),
        probabilities,
        screen,
        (*table.warnings, *notes),
    )


def _searches(
    question: HitQuestion,
    query: Query,
    table: WellTable,
    bundle: Bundle | None,
    embeddings: Profiles,
    *,
    is_per_dose: bool,
) -> list[Search]:
    from napari_tide.discovery import queries

    if query.kind == "pairs":
        return [queries.search_pairs(table)]
    name = query.asked[0] if query.asked else ""
    if query.kind == "compound":
        return [queries.search_compound(table, name, is_per_dose=is_per_dose)]
    if query.kind == "gene":
        return [queries.search_gene(table, name)]
    if query.kind == "similar":
        return [queries.search_similar(table, name)]
    if query.kind == "wells":
        rows = queries.rows_of_wells(table, query.asked)
        return [
            queries.search_wells(table, rows, "compound"),
            queries.search_wells(table, rows, "gene"),
        ]
    assert bundle is not None
    from napari_tide.discovery.student_questions import search_signature, search_structure

    if query.kind == "smiles":
        from napari_tide.inference.new_drugs import NewDrugs

        prototypes = NewDrugs(bundle).prototypes([name]).cpu().numpy()
        return search_structure(name, prototypes, embeddings=embeddings, bundle=bundle)
    signature = Path(question.asked["signature"])
    return search_signature(signature, table, bundle, embeddings=embeddings, sample=question.sample)


def _bundle(question: HitQuestion, kind: str) -> Bundle | None:
    if question.student is None:
        if kind in ("smiles", "signature"):
            message = (
                f"--{kind} needs the student that made the profiles: add --student BUNDLE_FOLDER"
            )
            raise ProfileValueError(message)
        return None
    from napari_tide.students.bundle import load_bundle

    return load_bundle(question.student)


def _probabilities(
    bundle: Bundle | None, embeddings: Profiles, table: WellTable, question: HitQuestion
) -> tuple[DrugProbabilities | None, list[str]]:
    from napari_tide.discovery.codebook_query import DrugProbabilities, why_not_embeddings

    if bundle is None:
        return None, []
    reason = why_not_embeddings(embeddings, bundle)
    if not reason:
        return DrugProbabilities(embeddings, bundle, table), []
    if question.embeddings:
        message = f"--embeddings: {reason}; give what tide profile wrote with this student"
        raise StudentValueError(message)
    return None, [f"p_drug is empty, since {reason}; add --embeddings with what tide profile wrote"]


def _targets(
    question: HitQuestion, profiles: Profiles, screen: Screen | None
) -> KnownTargets | None:
    from napari_tide.discovery.known_targets import (
        read_known_targets,
        targets_in_profiles,
        targets_in_screen,
    )

    if question.truth is not None:
        return read_known_targets(question.truth)
    found = targets_in_profiles(profiles)
    return found if found is not None or screen is None else targets_in_screen(screen)
