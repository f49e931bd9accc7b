"""The hits of each viewer: one viewmodel a viewer, which outlives its dock."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import napari

from napari_tide._napari.viewer_desk import desk_of
from napari_tide.viewmodels.hits import HitsViewModel

_HITS: WeakKeyDictionary[napari.components.ViewerModel, HitsViewModel] = WeakKeyDictionary()


def hits_of(viewer: napari.components.ViewerModel) -> HitsViewModel:
    """Give the viewer's hits, set up on first use."""
    key = getattr(viewer, "__wrapped__", viewer)
    if key not in _HITS:
        desk = desk_of(key)
        _HITS[key] = HitsViewModel(desk.session, desk.background)
    return _HITS[key]
