"""Which transcriptomes may stand beside which images: same drug, same cell line, any dose.

Doses are kept with each side; they are never matched by equality. Images without a partner stay in
self-supervision and in the student's own cross-entropy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import TrainValueError

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Partners of every image, found by drug and cell line.

    Parameters
    ----------
    group_of_image
        Each image's group of transcriptomes, or -1 where it has none.
    rna_of_group
        The rows of the transcriptome table in each group.
    table
        The pairing table, a row per cell line and one for all.
    """

    group_of_image: Rows
    rna_of_group: tuple[Rows, ...]
    table: pd.DataFrame

    @property
    def is_paired(self) -> npt.NDArray[np.bool_]:
        """Which images have at least one transcriptome."""
        return self.group_of_image >= 0

    def draw(self, images: Rows, random: np.random.Generator) -> Rows:
        """Draw a partner at random for each paired image."""
        groups = self.group_of_image[images]
        assert (groups >= 0).all(), "only paired images have partners"
        return np.array([random.choice(self.rna_of_group[group]) for group in groups], np.int64)

    def limited(self, n_per_drug: int, random: np.random.Generator) -> Pairing:
        """Keep at most so many transcriptomes of each drug and line; none at 0."""
        if n_per_drug == 0:
            return Pairing(np.full_like(self.group_of_image, -1), (), self.table)
        kept = tuple(np.sort(random.permutation(rows)[:n_per_drug]) for rows in self.rna_of_group)
        return Pairing(self.group_of_image, kept, self.table)


def pair(images: pd.DataFrame, rna: pd.DataFrame) -> Pairing:
    """Pair images with transcriptomes.

    Parameters
    ----------
    images, rna
        Tables with ``compound``, ``cell_line``, ``dose_um`` and ``control``. Controls take no part.
        Names meet without regard to case, spaces and hyphens. `ExpressionInputs.samples` is such a
        table, and rows of its values are then what `Pairing.draw` names.

    Raises
    ------
    TrainValueError
        A table lacks a column.
    """
    image_keys = _keys(images, "images")
    rna_keys = _keys(rna, "L1000")
    rows_of_key: dict[str, list[int]] = {}
    for row, key in enumerate(rna_keys):
        if key:
            rows_of_key.setdefault(key, []).append(row)
    shared = [key for key in dict.fromkeys(image_keys) if key in rows_of_key]
    group_of_key = {key: group for group, key in enumerate(shared)}
    groups = np.array([group_of_key.get(key, -1) for key in image_keys], np.int64)
    partners = tuple(np.array(rows_of_key[key], np.int64) for key in shared)
    return Pairing(groups, partners, _table(images, rna, image_keys, rna_keys, groups))


def require_pairs(pairing: Pairing, images: pd.DataFrame, rna: pd.DataFrame) -> None:
    """Refuse to train with a teacher that would never see a pair.

    Raises
    ------
    TrainValueError
        No image has a transcriptome; the message shows how both sides spell their names.
    """
    if pairing.is_paired.any():
        return
    lines = sorted(set(rna["cell_line"]) - {""})
    if len(images) and lines and (images["cell_line"] == "").all():
        message = (
            "no image says of which cell line it is, so none can stand beside a transcriptome of "
            f"{', '.join(lines[:3])}; name it in Metadata_Cell_Line (a table of profiles) or "
            "cell_line (a screen or plate map), or train dino"
        )
        raise TrainValueError(message)
    examples = [
        f"{frame['compound'].iloc[0]!r} in {frame['cell_line'].iloc[0]!r}"
        for frame in (images, rna)
        if len(frame)
    ]
    message = (
        "no image has a transcriptome of the same drug and cell line; images are for example of "
        f"{' and L1000 of '.join(examples)}; check names and cell lines, or train dino"
    )
    raise TrainValueError(message)


def _keys(table: pd.DataFrame, what: str) -> list[str]:
    missing = [
        name for name in ("compound", "cell_line", "dose_um", "control") if name not in table
    ]
    if missing:
        message = f"the table of {what} has no column {', '.join(missing)}"
        raise TrainValueError(message)
    drugs = table["compound"].map(fold_name)
    is_treatment = (drugs != "") & (table["control"] == "")
    keys = drugs + "|" + table["cell_line"].map(fold_name)
    return list(keys.where(is_treatment, ""))


def fold_name(name: object) -> str:
    """Bring a drug's or a line's name to the form by which names meet."""
    return re.sub(r"[\s_-]+", "", str(name)).lower()


def _table(
    images: pd.DataFrame,
    rna: pd.DataFrame,
    image_keys: list[str],
    rna_keys: list[str],
    groups: Rows,
) -> pd.DataFrame:
    paired_keys = {key for key, group in zip(image_keys, groups, strict=True) if group >= 0}
    rna_is_paired = np.array([key in paired_keys for key in rna_keys], dtype=bool)
    sides = {
        "images": (images, np.array([key != "" for key in image_keys], dtype=bool)),
        "paired_images": (images, groups >= 0),
        "transcriptomes": (rna, np.array([key != "" for key in rna_keys], dtype=bool)),
        "paired_transcriptomes": (rna, rna_is_paired),
    }
    lines = sorted({*images["cell_line"], *rna["cell_line"]})
    rows = [_count(line, sides) for line in [*lines, "all"]]
    return pd.DataFrame(rows).set_index("cell_line")


def _count(
    line: str, sides: Mapping[str, tuple[pd.DataFrame, npt.NDArray[np.bool_]]]
) -> dict[str, object]:
    counts: dict[str, object] = {"cell_line": line}
    for name, (table, mask) in sides.items():
        here = mask & (line == "all" or (table["cell_line"] == line).to_numpy())
        counts[name] = int(here.sum())
        drugs = table.loc[here, "compound"].map(fold_name)
        counts[f"drugs_in_{name}"] = int(drugs.nunique())
    doses = [
        {round(float(np.log10(dose)), 1) for dose in table.loc[mask, "dose_um"] if dose > 0}
        for table, mask in (sides["paired_images"], sides["paired_transcriptomes"])
    ]
    counts["doses_in_both"] = len(doses[0] & doses[1])
    return counts
