import numpy as np
import pytest

from napari_tide.viewmodels.map_colouring import (
    CONTROL,
    OTHER,
    UNKNOWN,
    KindColouring,
    NumberColouring,
)
from napari_tide.viewmodels.map_values import commonest_targets
from napari_tide.viewmodels.well_colouring import NEUTRAL, OKABE_ITO, VIRIDIS


def test_the_legend_counts_every_point_once():
    values = ["b"] * 3 + ["a"] * 2 + ["", CONTROL, CONTROL]
    entries = KindColouring.of(values).legend(values).entries
    assert [(e.name, e.n_points) for e in entries] == [
        ("b", 3), ("a", 2), (CONTROL, 2), (UNKNOWN, 1),
    ]  # fmt: skip
    assert [e.colour for e in entries[:3]] == [OKABE_ITO[0], OKABE_ITO[1], NEUTRAL]


def test_only_as_many_kinds_are_told_apart_as_there_are_safe_colours():
    values = [f"kind {i}" for i in range(12) for _ in range(20 - i)]
    colouring = KindColouring.of(values)
    entries = colouring.legend(values).entries
    assert [e.name for e in entries] == [*(f"kind {i}" for i in range(7)), OTHER]
    assert entries[-1].n_points == sum(20 - i for i in range(7, 12))
    assert sum(e.n_points for e in entries) == len(values)
    assert colouring.n_other_kinds == 5


def test_a_kind_has_one_colour_on_every_map():
    colouring = KindColouring.of(["a", "a", "b"])
    drugs, wells = colouring.colours(["b", "a"]), colouring.colours(["a", "c", "b"])
    assert (drugs.rgb()[0] == wells.rgb()[2]).all()
    assert (drugs.rgb()[1] == wells.rgb()[0]).all()


def test_hidden_kinds_are_not_visible_but_keep_their_count():
    values = ["a", "b", "", "a"]
    colouring = KindColouring.of(values)
    hidden = {"a", UNKNOWN}
    assert colouring.colours(values, hidden=hidden).visible_N.tolist() == [
        False,
        True,
        False,
        False,
    ]
    entries = {e.name: e for e in colouring.legend(values, hidden=hidden).entries}
    assert (entries["a"].n_points, entries["a"].is_hidden, entries["b"].is_hidden) == (
        2,
        True,
        False,
    )


def test_numbers_run_from_one_end_of_viridis_to_the_other():
    values = np.array([1.0, 5.0, 9.0, np.nan])
    colouring = NumberColouring.of(values)
    rgb = colouring.colours(values).rgb().astype(int)
    assert (tuple(rgb[0]), tuple(rgb[2])) == (VIRIDIS[0], VIRIDIS[-1])
    assert tuple(rgb[1]) == pytest.approx(VIRIDIS[4], abs=4)
    assert tuple(rgb[3]) not in VIRIDIS


def test_doses_over_a_wide_span_are_coloured_by_their_logarithm():
    doses = np.array([0.01, 1.0, 100.0])
    by_dose = NumberColouring.of(doses, is_dose=True)
    assert by_dose.is_log
    codes = by_dose.colours(doses).code_N
    assert codes[1] - codes[0] == pytest.approx(codes[2] - codes[1], abs=1)
    assert not NumberColouring.of(doses).is_log


@pytest.mark.parametrize("values", [[], [np.nan], [3.0, 3.0]])
def test_numbers_that_do_not_differ_have_colours_all_the_same(values):
    values = np.array(values, dtype=float)
    assert len(NumberColouring.of(values, is_dose=True).colours(values).rgb()) == len(values)


def test_a_drug_of_many_targets_counts_for_the_commonest():
    targets = ["A|B", "B", "C", "", "B|C"]
    assert commonest_targets(targets) == ["B", "B", "C", "", "B"]
