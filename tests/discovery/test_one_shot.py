import numpy as np
import pytest

from napari_tide.discovery.label_retrieval import unit_rows
from napari_tide.discovery.one_shot import OneShotTask, _prototypes, draw_split, one_shot
from napari_tide.discovery.split_check import refuse_leak
from napari_tide.discovery.tuned_head import control_residuals
from napari_tide.errors import EvaluationValueError, SplitLeakError


def simulated(*, n_classes=12, n_plates=3, sites=4, spread=0.6, n_controls=8, seed=0):
    """Every class in one well a plate, with well effects along a few directions, and controls."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(n_classes, 24))
    nuisance = 4 * random.normal(size=(3, 24))
    rows, names, wells, plates, control = [], [], [], [], []
    for plate in range(n_plates):
        for number in range(n_classes + n_controls):
            is_control = number >= n_classes
            well_effect = random.normal(size=3) @ nuisance
            for _ in range(sites):
                centre = 0 if is_control else centres[number]
                rows.append(centre + spread * (well_effect + random.normal(size=24)))
                names.append("" if is_control else f"class {number}")
                wells.append(f"P{plate} W{number}")
                plates.append(f"P{plate}")
                control.append(is_control)
    return OneShotTask(
        np.array(rows),
        np.array(names, object),
        np.array(control),
        np.array(wells, object),
        np.array(plates, object),
    )


def test_prototypes_classify_as_a_plain_loop_does():
    task = simulated(n_controls=0)
    found = one_shot(task, n_runs=3, protocols=("prototypes",))
    classes = list(found.classes)
    right = {1: 0, 5: 0}
    n_queries = 0
    label = np.array([classes.index(name) for name in task.names_N])
    for run in range(3):
        split = draw_split(
            label, task.wells_N, n_classes=12, random=np.random.default_rng([0, run])
        )
        for query in split.query_Q:
            x = task.features_ND[query]
            cosines = [
                x @ s / np.linalg.norm(x) / np.linalg.norm(s)
                for s in task.features_ND[split.support_C]
            ]
            order = list(np.argsort(cosines)[::-1])
            for k in right:
                right[k] += label[query] in order[:k]
            n_queries += 1
    assert found.n_queries == n_queries
    for k, count in right.items():
        assert found.accuracy["prototypes", k].share == pytest.approx(count / n_queries)
    assert found.chance == {1: 1 / 12, 5: 5 / 12}


@pytest.mark.parametrize("apart", ["well", "plate"])
def test_supports_and_queries_share_nothing(apart):
    task = simulated()
    places = task.places(apart)
    label = np.array([int(name.split()[1]) if name else -1 for name in task.names_N])
    for run in range(20):
        split = draw_split(label, places, n_classes=12, random=np.random.default_rng(run))
        assert not set(places[split.support_C]) & set(places[split.query_Q])
        assert label[split.support_C].tolist() == list(range(12))
        assert set(label[split.query_Q]) == set(range(12))


def test_a_shared_well_would_make_recognition_look_easy():
    task = simulated(spread=1.2)
    apart = one_shot(task, n_runs=10, protocols=("prototypes",))
    leaky = OneShotTask(
        task.features_ND,
        task.names_N,
        task.is_control_N,
        np.array([f"row {i}" for i in range(len(task.names_N))], object),
        task.plates_N,
    )
    leaked = one_shot(leaky, n_runs=10, protocols=("prototypes",))
    assert leaked.accuracy["prototypes", 1].share > apart.accuracy["prototypes", 1].share + 0.1


def test_a_leaking_split_is_refused():
    support, query = np.array(["P1 B02", "P1 B03"]), np.array(["P1 B03", "P2 B02"])
    with pytest.raises(SplitLeakError, match="support and query share 1 wells, the first 'P1 B03'"):
        refuse_leak(support, query, sides=("support", "query"))
    refuse_leak(support[:1], query, sides=("support", "query"))


def test_shuffled_names_are_at_chance():
    task = simulated(n_classes=20, n_plates=4, sites=1)
    order = np.random.default_rng(1).permutation(np.flatnonzero(task.names_N != ""))
    names = task.names_N.copy()
    names[np.flatnonzero(task.names_N != "")] = task.names_N[order]
    shuffled = OneShotTask(task.features_ND, names, task.is_control_N, task.wells_N, task.plates_N)
    found = one_shot(shuffled, n_runs=30, protocols=("prototypes",))
    assert found.chance[1] in found.accuracy["prototypes", 1].over_classes
    assert found.chance[5] in found.accuracy["prototypes", 5].over_classes


def test_the_tuned_head_learns_what_wells_do_from_controls():
    task = simulated(spread=0.6, n_controls=20)
    found = one_shot(task, n_runs=15)
    plain, tuned = (found.accuracy[name, 1].share for name in ("prototypes", "tuned head"))
    assert tuned > plain + 0.03
    again = one_shot(task, n_runs=15)
    assert again.accuracy["tuned head", 1] == found.accuracy["tuned head", 1]


def test_the_tuned_head_never_sees_queries():
    task = simulated()
    label = np.array([int(name.split()[1]) if name else -1 for name in task.names_N])
    split = draw_split(label, task.wells_N, n_classes=12, random=np.random.default_rng([0, 0]))
    changed = task.features_ND.copy()
    changed[split.query_Q] = np.random.default_rng(2).normal(size=(len(split.query_Q), 24))
    other = OneShotTask(changed, task.names_N, task.is_control_N, task.wells_N, task.plates_N)
    heads = [
        _prototypes(t, unit_rows(t.features_ND), split, "tuned head", None, 0)
        for t in (task, other)
    ]
    np.testing.assert_array_equal(*heads)


def test_the_head_works_without_controls():
    found = one_shot(simulated(n_controls=0), n_runs=3)
    assert found.accuracy["tuned head", 1].share > 2 * found.chance[1]


def test_residuals_are_taken_plate_by_plate():
    features = np.array([[1.0], [3.0], [10.0], [14.0], [5.0]])
    plates = np.array(["A", "A", "B", "B", "C"], object)
    found = control_residuals(features, np.ones(5, bool), plates_N=plates)
    assert found.ravel().tolist() == [-1.0, 1.0, -2.0, 2.0]


def test_classes_in_one_well_are_left_out_by_name():
    task = simulated(n_plates=2)
    names = task.names_N.copy()
    names[task.wells_N == "P0 W3"] = ""
    found = one_shot(
        OneShotTask(task.features_ND, names, task.is_control_N, task.wells_N, task.plates_N),
        n_runs=2,
        protocols=("prototypes",),
    )
    assert found.left_out == ("class 3",)
    with pytest.raises(EvaluationValueError, match="0 of 12 interventions stand in two plates"):
        one_shot(simulated(n_plates=1), apart="plate")
