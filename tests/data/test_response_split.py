import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_tide.errors import TrainValueError
from tide_train.data.response_split import split_responses

PAIRS = st.lists(
    st.tuples(st.sampled_from([f"d{i}" for i in range(9)]), st.sampled_from(["L1", "L2", "L3"])),
    min_size=3,
    max_size=60,
).filter(lambda pairs: len({drug for drug, _ in pairs}) >= 3)
SHARES = st.floats(0.01, 0.49)


@given(PAIRS, st.integers(0, 50), SHARES, SHARES, st.sampled_from(["drug_and_line", "drug"]))
def test_no_unit_stands_in_two_parts_and_no_sample_is_lost(pairs, seed, val, test, unit):
    drugs, lines = zip(*pairs, strict=True)
    split = split_responses(
        drugs, lines, seed=seed, validation_share=val, test_share=test, unit=unit
    )
    parts = (split.train, split.validation, split.test)
    assert sorted(np.concatenate(parts)) == list(range(len(pairs)))
    units = [{pairs[row] if unit == "drug_and_line" else drugs[row] for row in p} for p in parts]
    assert all(units)
    assert len(set.union(*units)) == sum(len(part) for part in units)


@given(PAIRS, st.integers(0, 50), st.randoms())
def test_a_pairs_part_does_not_depend_on_the_order_of_samples(pairs, seed, random):
    def part_of_pair(rows):
        split = split_responses(*zip(*rows, strict=True), seed=seed)
        return {
            rows[row]: name
            for name in ("train", "validation", "test")
            for row in getattr(split, name)
        }

    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert part_of_pair(pairs) == part_of_pair(shuffled)


def test_shares_are_of_pairs_and_spelling_makes_no_new_pair():
    drugs = [f"drug-{i}" for i in range(100)] + [f"Drug {i}" for i in range(100)]
    split = split_responses(drugs, ["U2OS"] * 200, seed=0, validation_share=0.1, test_share=0.3)
    assert (len(split.train), len(split.validation), len(split.test)) == (120, 20, 60)
    assert {*split.test % 100} == {*split.test[split.test < 100]}
    other = split_responses(drugs, ["U2OS"] * 200, seed=1, validation_share=0.1, test_share=0.3)
    assert {*other.test} != {*split.test}


def test_impossible_splits_are_refused():
    with pytest.raises(TrainValueError, match="2 drugs cannot be split"):
        split_responses(["a", "b"], ["L", "L"], seed=0)
    with pytest.raises(TrainValueError, match=r"shares 0\.5 .* and 0\.5 .* leave a part empty"):
        split_responses(["a"] * 9, ["L"] * 9, seed=0, validation_share=0.5, test_share=0.5)
