"""The hits of each viewer: one viewmodel a viewer, which outlives its dock."""

from __future__ import annotations

from weakref import WeakKeyDictionary, finalize

import napari

from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.worker_background import WorkerBackground
from napari_tide.viewmodels.hits import HitsViewModel

_HITS: WeakKeyDictionary[napari.components.ViewerModel, HitsViewModel] = WeakKeyDictionary()


def hits_of(viewer: napari.components.ViewerModel) -> HitsViewModel:
    """Give the viewer's hits, set up on first use."""
    key = getattr(viewer, "__wrapped__", viewer)
    if key not in _HITS:
        background = WorkerBackground()
        finalize(key, background.cancel_all)
        _HITS[key] = HitsViewModel(desk_of(key).session, background)
    return _HITS[key]
