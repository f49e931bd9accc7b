"""Table 1: how many images and transcriptomes of a world meet, a row per cell line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tide_train.bench.tables.report import STANDARD
from tide_train.bench.tables.report_table import Table
from tide_train.bench.tables.worlds import Size, WorldKey, open_world
from tide_train.data.transcriptome_tables import pair_images

_COLUMNS = {
    "images": "wells with a drug",
    "drugs_in_images": "drugs",
    "paired_images": "wells with RNA",
    "drugs_in_paired_images": "drugs with RNA",
    "paired_transcriptomes": "transcriptomes",
    "doses_in_both": "doses in both",
}


def pairing_table(folder: Path, scores: pd.DataFrame, *, size: Size = "mini") -> list[Table]:
    """Describe the first world of the main table; none where it is not there.

    Worlds of images take gigabytes, so runs may have been brought here without them.
    """
    seeds = scores.loc[scores["setting"] == STANDARD, "world_seed"]
    if seeds.empty:
        return []
    key = WorldKey(int(seeds.min()), size=size)
    if not (folder / key.name / "world.json").is_file():
        return []
    world = open_world(key, folder)
    counted = pair_images(world.training_data().metadata, world.expression).table
    rows = tuple(
        (line, *(int(found[name]) for name in _COLUMNS))
        for line, found in counted.to_dict(orient="index").items()
    )
    title = f"Training wells and transcriptomes of one world ({world.key.name})"
    return [Table("Table 1", title, ("cell line", *_COLUMNS.values()), rows)]
