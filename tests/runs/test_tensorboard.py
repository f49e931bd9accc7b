"""Curves in TensorBoard's own files, where that package is there, and a sentence where not."""

from __future__ import annotations

import sys

import pytest

from napari_tide.errors import TrainValueError


def test_without_the_package_a_run_is_refused_before_anything_is_written(
    sample_pack, tmp_path, trained, monkeypatch
):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TrainValueError, match=r"pip install tensorboard, or leave out --set"):
        trained("debug_labels", sample_pack, tmp_path / "run", settings=["tensorboard=true"])
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_curves_are_those_of_the_run_also_after_going_on(
    sample_pack, tmp_path, trained, monkeypatch
):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    settings = ["n_steps=6", "log_every=2", "checkpoint_every=100", "tensorboard=true"]
    more = {"settings": settings}
    first = trained("debug_labels", sample_pack, tmp_path / "run", stop_at=4, **more)
    second = trained("debug_labels", sample_pack, tmp_path / "run", is_resumed=True, **more)
    found = reader.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    found.Reload()
    expected = [
        (happened["step"], pytest.approx(happened["loss"]))
        for happened in first + second
        if happened["event"] == "step"
    ]
    assert [(point.step, point.value) for point in found.Scalars("training/loss")] == expected
    assert found.Scalars("validation/knn_top1")[-1].step == 6
