import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.errors import TrainValueError
from tide_train.data.batch_order import BatchOrder

seeds = st.integers(0, 2**31)


@settings(deadline=None)
@given(n_rows=st.integers(1, 200), size=st.integers(1, 40), seed=seeds, epoch=st.integers(0, 3))
def test_an_epoch_uses_each_row_at_most_once(n_rows, size, seed, epoch):
    for drop_last in (True, False):
        if drop_last and size > n_rows:
            continue
        order = BatchOrder(n_rows, size, seed=seed, drop_last=drop_last)
        first = epoch * order.steps_per_epoch
        steps = range(first, first + order.steps_per_epoch)
        seen = np.concatenate([order.batch(step) for step in steps])
        assert {order.epoch_of(step) for step in steps} == {epoch}
        assert len(set(seen.tolist())) == len(seen)
        n_expected = n_rows // size * size if drop_last else n_rows
        assert len(seen) == n_expected
        assert set(seen.tolist()) <= set(range(n_rows))


@settings(deadline=None)
@given(
    parts=st.sampled_from([1, 2, 3, 4, 6]),
    seed=seeds,
    step=st.integers(0, 500),
    share=st.sampled_from([None, 0.0, 0.2, 0.5, 1.0]),
)
def test_processes_split_the_same_global_batch_in_order(parts, seed, step, share):
    same = {"seed": seed, "paired_rows": np.arange(0, 90, 4), "paired_share": share}
    alone = BatchOrder(90, 24, **same).batch(step)
    together = [
        BatchOrder(90, 24, rank=rank, world_size=parts, **same).batch(step) for rank in range(parts)
    ]
    assert {len(part) for part in together} == {24 // parts}
    np.testing.assert_array_equal(np.concatenate(together), alone)


@settings(deadline=None)
@given(seed=seeds, first=st.integers(0, 60), share=st.sampled_from([None, 0.3]))
def test_a_resumed_run_gets_the_batches_it_would_have_got(seed, first, share):
    def order():
        return BatchOrder(50, 8, seed=seed, paired_rows=np.arange(9), paired_share=share)

    resumed, whole = order().batches(first), order().batches()
    for step in range(first + 9):
        expected = next(whole)
        if step >= first:
            np.testing.assert_array_equal(next(resumed), expected)


@settings(deadline=None)
@given(
    n_paired=st.integers(1, 70),
    size=st.sampled_from([8, 24, 64]),
    share=st.floats(0.05, 0.95),
    parts=st.sampled_from([1, 2, 4]),
    seed=seeds,
)
def test_every_process_gets_its_share_of_paired_rows(n_paired, size, share, parts, seed):
    rows = np.arange(100, 180)
    paired = rows[:n_paired]
    orders = [
        BatchOrder(
            rows, size, seed=seed, rank=rank, world_size=parts,
            paired_rows=paired, paired_share=share, drop_last=False,
        )
        for rank in range(parts)
    ]  # fmt: skip
    wanted = round(share * size)
    for step in (0, 1, 17):
        counts = [int(np.isin(order.batch(step), paired).sum()) for order in orders]
        assert sum(counts) == wanted
        assert max(counts) - min(counts) <= 1


def test_both_sides_go_through_all_their_rows_before_any_comes_again():
    order = BatchOrder(
        40, 10, seed=3, paired_rows=np.array([1, 5, 9, 33, 38]), paired_share=0.2
    )  # two paired and eight others a step
    seen = np.concatenate([order.batch(step) for step in range(20)])
    counts = np.bincount(seen, minlength=40)
    paired = np.isin(np.arange(40), [1, 5, 9, 33, 38])
    assert set(counts[paired]) == {8}  # 40 draws of 5
    assert counts[~paired].sum() == 160
    assert set(counts[~paired]) == {4, 5}  # 160 draws of 35


def test_seeds_and_epochs_differ_and_rows_may_be_chosen():
    order = BatchOrder(np.array([7, 70, 700, 7000]), 4, seed=0)
    epochs = [tuple(order.batch(step)) for step in range(30)]
    assert {tuple(sorted(epoch)) for epoch in epochs} == {(7, 70, 700, 7000)}
    assert len(set(epochs)) > 12
    assert tuple(BatchOrder(1000, 1000, seed=0).batch(0)) != tuple(
        BatchOrder(1000, 1000, seed=1).batch(0)
    )


def test_the_first_row_of_a_batch_is_fair():
    """A shuffle that favours early rows would show in where rows land."""
    order = BatchOrder(10, 10, seed=5)
    firsts = [order.batch(step)[0] for step in range(2000)]
    counts = np.bincount(firsts, minlength=10)
    assert counts.min() > 140  # 200 expected, a standard deviation of 13
    assert counts.max() < 260


@pytest.mark.parametrize(
    ("rows", "size", "options", "said"),
    [
        (96, 512, {}, "batches of 512 cannot be made of 96 rows; lower the batch size to 96"),
        (0, 1, {}, "cannot be made of 0 rows"),
        (96, 0, {}, "batches of 0 cannot"),
        (96, 10, {"world_size": 4}, "cannot be shared by 4 processes"),
        (96, 8, {"world_size": 4, "rank": 4}, "this is number 4"),
        (96, 8, {"paired_share": 1.5}, "expected 0 to 1"),
        (96, 8, {"paired_share": 0.5}, "4 of 8 rows of a batch should be paired, but there are no"),
        (
            8,
            8,
            {"paired_share": 0.5, "paired_rows": np.arange(8)},
            "should be unpaired, but there are none; set the paired share to 1",
        ),
    ],
)
def test_impossible_orders_are_one_sentence(rows, size, options, said):
    with pytest.raises(TrainValueError, match=said):
        BatchOrder(rows, size, seed=0, **options)
