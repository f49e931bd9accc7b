"""What a run opens: a screen is packed first; its table may name images elsewhere if allowed."""

import pytest

from napari_tide.errors import PathEscapeError
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.readers.screen_table import save_screen
from tide_train.events import silent
from tide_train.opened_data import open_data
from tide_train.overrides import with_overrides
from tide_train.recipes.registry import find_recipe

SMALL = ("encoder.image_px=16", "data.tile_px=32")


def test_a_screens_table_beside_the_run_is_packed_where_the_user_allows_it(plate_folder, tmp_path):
    run = tmp_path / "runs" / "first"
    save_screen(open_screen(plate_folder), run / "screen.parquet")
    config = with_overrides(find_recipe("debug_labels"), SMALL)
    given = {"announce": silent, "should_stop": lambda: False}
    with pytest.raises(PathEscapeError, match="--allow-outside"):
        open_data(run / "screen.parquet", run, config, **given)
    pack = open_data(run / "screen.parquet", run, config, allow_outside=True, **given)
    assert len(pack) == 27 * 4
    assert pack.channels == ("DNA", "ER", "Mito")
