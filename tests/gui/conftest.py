"""GUI tests: napari's own settings are left alone, and no test may leave a window behind."""

from __future__ import annotations

import os

os.environ["NAPARI_CONFIG"] = ""  # before napari is imported: settings are neither read nor written

import gc

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_tide._napari.launch import register_plugin
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.plate_dock import PlateDock


@pytest.fixture(autouse=True)
def plugin():
    """The plugin, also where the checkout is not installed."""
    register_plugin()


@pytest.fixture(autouse=True)
def no_window_left(request):
    """Fail a test that leaves a top-level widget."""
    app = QApplication.instance()
    before = set(map(id, app.topLevelWidgets())) if app else set()
    yield
    app = QApplication.instance()
    if app is None:
        return
    app.processEvents()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    left = [widget for widget in app.topLevelWidgets() if id(widget) not in before]
    ours = [w for w in left if type(w).__module__.startswith("napari_tide") or w.isVisible()]
    assert not ours, f"{request.node.name} left {ours}"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Nothing is kept in the user's own cache."""
    monkeypatch.setenv("NAPARI_TIDE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def viewer():
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def dock(qtbot, viewer):
    """The viewer's Plate dock; tests of another dock have their own."""
    dock = PlateDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(360, 900)
    dock.show()
    return dock


@pytest.fixture
def wait_for(qtbot):
    """Waits until a viewer shows what its session asks for."""

    def wait(viewer):
        desk = desk_of(viewer)

        def arrived():
            assert desk.session.place is not None
            assert not desk.layers.is_loading
            assert list(viewer.layers)

        qtbot.waitUntil(arrived, timeout=10_000)
        return desk

    return wait
