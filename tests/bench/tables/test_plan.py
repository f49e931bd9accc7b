"""Which cells make which table."""

from __future__ import annotations

import pytest

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.arms import (
    ARMS,
    CHANGES,
    METHODS,
    RAW,
    UNTRAINED,
    arm_config,
    needs_rna,
)
from tide_train.bench.tables.make_tables import TablesRequest, chosen_arms, numbers
from tide_train.bench.tables.plan import (
    ABLATION_ARMS,
    GRID_ARMS,
    MAIN_ARMS,
    PARTS,
    PIXEL_ARMS,
    STRESS_ARMS,
    planned_cells,
)
from tide_train.bench.tables.worlds import SIZES


def test_every_planned_arm_exists():
    planned = {*MAIN_ARMS, *PIXEL_ARMS, *ABLATION_ARMS, *GRID_ARMS, *STRESS_ARMS}
    assert planned <= set(ARMS)
    assert {*METHODS, RAW} <= {*PIXEL_ARMS, "tide_ssl"}, "every method is in the main table"
    assert {*PIXEL_ARMS} - {"mae", "untrained"} == {*MAIN_ARMS}, "tables have no pixels to hide"


def test_cells_stand_once_and_have_folders_of_their_own(tmp_path):
    cells = planned_cells([0, 1, 2], [0, 1], PARTS)
    folders = {cell.folder(tmp_path) for cell in cells}
    assert len(cells) == len(set(cells)) == len(folders)
    assert sum(cell.arm == RAW for cell in cells) == 3, "what does not train needs no second seed"


def test_the_main_table_has_every_seed_and_the_other_parts_one():
    main = planned_cells([4, 5], [2, 3], ["main"])
    assert {cell.seed for cell in main} == {2, 3}
    assert {cell.seed for cell in planned_cells([4, 5], [2, 3], ["ablations", "grid"])} == {2}


@pytest.mark.parametrize("missing", ["worlds", "seeds", "parts"])
def test_nothing_to_do_is_said(missing):
    asked = {"worlds": [0], "seeds": [0], "parts": ["main"], missing: []}
    with pytest.raises(TrainValueError, match="nothing to train"):
        planned_cells(**asked)


@pytest.mark.parametrize("size", SIZES)
def test_all_arms_share_encoder_steps_and_batch(size):
    configs = [arm_config(arm, seed=3, size=size) for arm in ARMS if arm != RAW]
    for name in (
        "encoder",
        "n_steps",
        "batch_size",
        "feature_noise",
        "augmentation",
        "crops",
        "tau",
    ):
        assert len({repr(getattr(config, name)) for config in configs}) == 1, name
    assert {config.seed for config in configs} == {3}


def test_ablations_differ_from_their_method_by_what_they_say():
    for arm, (method, changes) in CHANGES.items():
        own, base = (arm_config(name, seed=0).model_dump(mode="json") for name in (arm, method))
        assert own["name"] == arm
        own["name"] = base["name"]
        for path in changes:
            *above, last = path.split(".")
            mine, theirs = own, base
            for part in above:
                mine, theirs = mine[part], theirs[part]
            assert mine[last] != theirs[last], arm
            mine[last] = theirs[last]
        assert own == base, arm


def test_what_learns_from_rna_is_given_it():
    assert needs_rna("tide_plus_perm")
    assert needs_rna("labels_cl_r")
    assert not any(needs_rna(arm) for arm in ("labels", "cl_d", "dino", "cl_d_dino", "raw"))


def test_an_unknown_arm_is_refused():
    with pytest.raises(TrainValueError, match="no arm 'tyde'"):
        arm_config("tyde", seed=0)


def test_lists_of_seeds_are_read():
    assert list(numbers("0-3", "--worlds")) == [0, 1, 2, 3]
    assert list(numbers("0,2, 5-6,2", "--worlds")) == [0, 2, 5, 6]
    with pytest.raises(TrainValueError, match="--worlds 3-1 runs backwards; write it as 1-3"):
        numbers("0,3-1", "--worlds")
    for wrong in ("", "a", "1-b", "-1", "1.5", "1-"):
        with pytest.raises(TrainValueError, match="--worlds"):
            numbers(wrong, "--worlds")


def test_a_size_of_images_has_its_own_arms_and_folders(tmp_path):
    cells = planned_cells([1], [0, 1], ["main"], size="paper")
    assert [cell.arm for cell in cells if cell.seed == 0] == list(PIXEL_ARMS)
    assert not {cell.arm for cell in cells if cell.seed == 1} & {RAW, UNTRAINED}
    features = {cell.folder(tmp_path) for cell in planned_cells([1], [0, 1], ["main"])}
    assert not features & {cell.folder(tmp_path) for cell in cells}


def test_arms_are_chosen_by_name():
    cells = planned_cells([1], [0], ["main"])
    assert chosen_arms("labels, tide", cells) == {"labels", "tide"}
    assert chosen_arms("", cells) == {*MAIN_ARMS}
    with pytest.raises(
        TrainValueError, match=r"no arm 'mae' in these parts\. Available: raw, dino"
    ):
        chosen_arms("mae", cells)


def test_the_command_names_what_was_asked(tmp_path):
    asked = TablesRequest(tmp_path, "0-3", "0", parts=("grid",))
    assert asked.command == "tide bench tables --preset mini --worlds 0-3 --seeds 0 --part grid"
    asked = TablesRequest(tmp_path, "7", size="paper", arms="tide")
    assert asked.command == ("tide bench tables --preset paper --worlds 7 --seeds 0,1 --arms tide")
