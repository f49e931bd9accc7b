from tide_train.bench.rendering import time_rendering


def test_rendering_is_timed_in_seconds_a_site():
    assert 1e-5 < time_rendering(2, 64) < 5.0
