import pytest

from napari_tide.errors import TrainValueError
from tide_train.overrides import changed, with_overrides
from tide_train.recipes.ablations import CHANGES
from tide_train.recipes.registry import RECIPES, find_recipe, recipe_summary


def test_settings_reach_every_depth_and_keep_their_types():
    config = with_overrides(
        find_recipe("tide"),
        [
            "batch_size=64",
            "method.teacher.sees_image=false",
            "data.held_out_compounds=aspirin, caffeine",
            "crops.global_scale=[0.75, 1]",
            "rna.n_per_drug=10",
            "data.paired_share=none",
            "rna.scfm=none",
        ],
    )
    assert config.batch_size == 64
    assert config.method.teacher.sees_image is False
    assert config.data.held_out_compounds == ("aspirin", "caffeine")
    assert config.crops.global_scale == (0.75, 1.0)
    assert config.rna.n_per_drug == 10
    assert config.data.paired_share is None
    assert config.rna.scfm == "none"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("batchsize=3", "did you mean 'batch_size'"),
        ("method.bet=1", "did you mean 'beta'"),
        ("method.temperature.x=1", "there is no setting"),
        ("batch_size=many", "setting batch_size does not fit"),
        ("batch_size=-1", "greater than or equal to 2"),
        ("encoder.kind=resnet", "'vit', 'channel_vit'"),
        ("batch_size", "write it as KEY=VALUE"),
        ("=3", "write it as KEY=VALUE"),
        ("accumulation=3", "cannot be split in 3 equal parts"),
    ],
)
def test_settings_that_do_not_fit_are_named(setting, said):
    with pytest.raises(TrainValueError, match=said):
        with_overrides(find_recipe("tide"), [setting])


def test_every_recipe_is_named_for_itself_and_says_what_it_is():
    for name in RECIPES:
        assert find_recipe(name).name == name
        assert recipe_summary(name).endswith(".")


def test_an_ablation_changes_what_it_says_and_nothing_else():
    base = find_recipe("tide").model_dump()
    for name, changes in CHANGES.items():
        found = find_recipe(name).model_dump()
        sections = {key.split(".")[0] for key in changes} | {"name"}
        assert {key for key in base if base[key] != found[key]} == sections, name


def test_an_unknown_recipe_names_its_neighbour():
    with pytest.raises(TrainValueError, match="did you mean 'dino'"):
        find_recipe("dyno")


def test_changed_is_checked_like_the_rest():
    with pytest.raises(TrainValueError, match="no setting"):
        changed(find_recipe("tide"), {"method.nothing": 1})
