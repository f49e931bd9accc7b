import multiprocessing

import pytest

from napari_tide.imaging.reading_threads import n_usable_cores, reading_threads


def square_in_pool(number):
    return reading_threads().submit(pow, number, 2).result(timeout=20)


def test_the_pool_is_shared_and_has_a_thread_per_core():
    assert reading_threads() is reading_threads()
    assert 1 <= n_usable_cores() <= multiprocessing.cpu_count()


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_worker_gets_threads_of_its_own():
    assert square_in_pool(3) == 9  # the pool has begun before the fork
    with multiprocessing.get_context("fork").Pool(1) as workers:
        assert workers.apply_async(square_in_pool, (4,)).get(timeout=30) == 16
