"""From a question in the Hits dock to its answer; runs off the GUI thread.

Discovery brings torch along, so it is imported when the first question is asked and not when the
dock opens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.profiles import Profiles
from napari_tide.viewmodels.background import CancelToken, Steps
from napari_tide.viewmodels.hit_places import canonical_well
from napari_tide.viewmodels.hit_question import HitQuestion
from napari_tide.viewmodels.hit_record import Asked, record_of
from napari_tide.viewmodels.hit_store import Answer, HitStory, Trend

if TYPE_CHECKING:
    from napari_tide.discovery.dose_trend import DoseTrend
    from napari_tide.discovery.hit_list import HitList
    from napari_tide.discovery.known_targets import KnownTargets
    from napari_tide.discovery.queries import Search
    from napari_tide.discovery.well_table import WellTable
    from napari_tide.students.bundle import Bundle

Progress = tuple[int, int]
Count = Callable[[int, int], None]

PAIRS_A_GENE = 100
_ROWS_WITH_TREND = 200
_LOOK_EVERY_S = 0.05


class SearchCancelledError(Exception):
    """Raised through a search that is to stop."""


class HitSearch:
    """Answers questions; what it read for one it keeps for the next of the same profiles."""

    def __init__(self) -> None:
        self._given: Profiles | None = None
        self._profiles: Profiles | None = None
        self._table: WellTable | None = None
        self._bundle: Bundle | None = None

    def steps(self, asked: Asked, token: CancelToken) -> Steps[Progress, Answer | None]:
        """Answer in a thread, yielding how far it is; nothing comes of a cancelled search."""
        latest: list[Progress] = [(0, 0)]
        stop = threading.Event()

        def count(done: int, total: int) -> None:
            if stop.is_set() or token():
                raise SearchCancelledError
            latest[0] = (done, total)

        with ThreadPoolExecutor(1, thread_name_prefix="hits") as pool:
            future: Future[Answer] = pool.submit(self.answer, asked, count)
            try:
                while not wait_for([future], timeout=_LOOK_EVERY_S).done:
                    yield latest[0]
                return future.result()
            except SearchCancelledError:
                return None
            finally:
                stop.set()

    def answer(self, asked: Asked, count: Count) -> Answer:
        """Answer one question.

        Raises
        ------
        TideError
            It has no answer; the sentence says why.
        """
        from napari_tide.discovery.hit_list import HitSettings, find_hits

        question = asked.question
        count(0, 0)
        wells, table = self._read(asked.profiles)
        bundle = self._load(asked.student)
        count(0, 0)
        searches = self._searches(question, wells, table, bundle)
        if question.is_within_selection:
            searches = _within(searches, question.wells)
        settings = HitSettings(
            tail=question.direction, top=PAIRS_A_GENE if question.kind == "pairs" else None
        )
        probabilities = None
        if bundle is not None:
            from napari_tide.discovery.codebook_query import DrugProbabilities, why_not_embeddings

            if not why_not_embeddings(wells, bundle):
                probabilities = DrugProbabilities(wells, bundle, table)
        found = find_hits(
            searches,
            settings,
            targets=_targets(asked),
            probabilities=probabilities,
            progress=count,
        )
        trends = _trends(found)
        story = HitStory(
            question=question,
            null_reason=found.null_reason,
            n_tested=found.n_tested,
            warnings=table.warnings,
            trends={rank: _told(trend) for rank, trend in trends.items()},
            provenance=record_of(asked, found, settings, warnings=table.warnings, trends=trends),
        )
        return Answer(found.table, story)

    def _read(self, profiles: Profiles) -> tuple[Profiles, WellTable]:
        from napari_tide.discovery.well_table import join_tables, well_table

        if self._profiles is None or self._table is None or self._given is not profiles:
            joined = join_tables([profiles])
            self._profiles, self._table, self._given = joined, well_table(joined), profiles
        return self._profiles, self._table

    def _load(self, student: Path | None) -> Bundle | None:
        if student is None:
            return None
        from napari_tide.students.bundle import load_bundle

        if self._bundle is None or self._bundle.folder != student:
            self._bundle = load_bundle(student)
        return self._bundle

    def _searches(
        self, question: HitQuestion, wells: Profiles, table: WellTable, bundle: Bundle | None
    ) -> Sequence[Search]:
        from napari_tide.discovery import queries

        name = question.text.strip()
        match question.kind:
            case "compound":
                return [queries.search_compound(table, name)]
            case "gene":
                return [queries.search_gene(table, name)]
            case "similar":
                return [queries.search_similar(table, name)]
            case "pairs":
                return [queries.search_pairs(table)]
            case "wells":
                rows = rows_of(table, question.wells)
                return [
                    queries.search_wells(table, rows, "compound"),
                    queries.search_wells(table, rows, "gene"),
                ]
        assert bundle is not None  # the viewmodel asks for a student first
        from napari_tide.discovery.student_questions import search_signature, search_structure

        if question.kind == "signature":
            return search_signature(
                Path(name), table, bundle, embeddings=wells, sample=question.sample.strip()
            )
        from napari_tide.inference.new_drugs import NewDrugs

        prototypes = NewDrugs(bundle).prototypes([name]).cpu().numpy()
        return search_structure(name, prototypes, embeddings=wells, bundle=bundle)


def rows_of(table: WellTable, places: Iterable[str]) -> npt.NDArray[np.int64]:
    """Find wells written ``plate:B03`` among those that have a profile.

    Raises
    ------
    ProfileValueError
        None of them has one.
    """
    chosen = set(places)
    names = {name: canonical_well(name) for name in table.wells["well"].unique()}
    there = table.wells["plate"].astype(str) + ":" + table.wells["well"].map(names)
    rows = np.flatnonzero(there.isin(chosen)).astype(np.int64)
    if not len(rows):
        message = (
            f"none of the {len(chosen)} selected wells has a profile; select wells that were run, "
            "or run them in the Plate dock"
        )
        raise ProfileValueError(message)
    return rows


def _within(searches: Sequence[Search], places: Iterable[str]) -> list[Search]:
    """Rank only what has a well in the selection; all its wells count."""
    found = []
    for search in searches:
        chosen = np.zeros(len(search.table), bool)
        chosen[rows_of(search.table, places)] = True
        kept = tuple(known for known in search.treatments if chosen[known.rows_n].any())
        found.append(replace(search, treatments=kept))
    if not any(search.treatments for search in found):
        what = " or ".join(search.kind for search in searches)
        message = f"no {what} lies in the selected wells; select more, or search them all"
        raise ProfileValueError(message)
    return found


def _targets(asked: Asked) -> KnownTargets | None:
    from napari_tide.discovery.known_targets import targets_in_profiles, targets_in_screen

    found = targets_in_profiles(asked.profiles)
    return found if found is not None or asked.screen is None else targets_in_screen(asked.screen)


def _trends(found: HitList) -> Mapping[int, DoseTrend]:
    from napari_tide.discovery.hit_trends import trends_of

    first = replace(found, sources=found.sources[:_ROWS_WITH_TREND])
    return trends_of(first)


def _told(trend: DoseTrend) -> Trend:
    return Trend(rho=trend.rho, p_value=trend.p_value, n_doses=trend.n_doses)
