import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import TrainValueError
from tide_train.data.pairing import pair, require_pairs


def table(*rows):
    return pd.DataFrame(rows, columns=["compound", "cell_line", "dose_um", "control"])


IMAGES = table(
    ("Taxol", "U2OS", 2.5, ""),
    ("taxol", "A549", 2.5, ""),
    ("FPS-ZM1", "U2OS", 10.0, ""),
    ("DMSO", "U2OS", np.nan, "negcon"),
    ("unknown", "U2OS", 1.0, ""),
)
RNA = table(
    ("TAXOL", "u2os", 0.4, ""),
    ("taxol", "U2OS", 12.0, ""),
    ("fps zm1", "U-2 OS", 10.0, ""),
    ("DMSO", "U2OS", np.nan, "negcon"),
    ("other", "A549", 1.0, ""),
)


def test_partners_share_drug_and_line_whatever_their_dose():
    pairing = pair(IMAGES, RNA)
    assert pairing.is_paired.tolist() == [True, False, True, False, False]
    assert pairing.rna_of_group[pairing.group_of_image[0]].tolist() == [0, 1]
    assert pairing.rna_of_group[pairing.group_of_image[2]].tolist() == [2]


def test_drawn_partners_are_partners_and_all_are_drawn():
    pairing, random = pair(IMAGES, RNA), np.random.default_rng(0)
    drawn = pairing.draw(np.zeros(100, np.int64), random)
    assert set(drawn) == {0, 1}


def test_the_pairing_table_counts_what_a_slow_loop_counts():
    rng = np.random.default_rng(3)

    def random_table(n):
        return table(
            *[
                (f"d{rng.integers(8)}", f"L{rng.integers(3)}", float(rng.choice([1, 3, 10])), "")
                for _ in range(n)
            ]
        )

    images, rna = random_table(60), random_table(20)
    found = pair(images, rna).table
    pairs = {(row.compound, row.cell_line) for row in rna.itertuples()}
    paired = [(row.compound, row.cell_line) in pairs for row in images.itertuples()]
    assert found.loc["all", "paired_images"] == sum(paired)
    for line in ("L0", "L1", "L2"):
        here = [
            p and row.cell_line == line for p, row in zip(paired, images.itertuples(), strict=True)
        ]
        assert found.loc[line, "paired_images"] == sum(here)
        assert found.loc[line, "drugs_in_paired_images"] == images[here]["compound"].nunique()
        assert found.loc[line, "transcriptomes"] == (rna["cell_line"] == line).sum()


def test_fewer_partners_per_drug_are_a_subset_and_none_is_none():
    pairing, random = pair(IMAGES, RNA), np.random.default_rng(0)
    one = pairing.limited(1, random)
    assert [len(rows) for rows in one.rna_of_group] == [1, 1]
    assert set(one.rna_of_group[0]) <= {0, 1}
    assert not pairing.limited(0, random).is_paired.any()


def test_data_that_cannot_teach_is_refused_with_both_spellings():
    other = RNA.assign(cell_line="HEPG2")
    with pytest.raises(TrainValueError, match="'Taxol' in 'U2OS' and L1000 of 'TAXOL' in 'HEPG2'"):
        require_pairs(pair(IMAGES, other), IMAGES, other)
    bare = IMAGES.assign(cell_line="")
    with pytest.raises(TrainValueError, match="A549, U-2 OS, U2OS; name it in Metadata_Cell"):
        require_pairs(pair(bare, RNA), bare, RNA)
    with pytest.raises(TrainValueError, match="table of L1000 has no column dose_um"):
        pair(IMAGES, RNA.drop(columns="dose_um"))
