"""Per-viewer state: one session, one plate viewmodel, one set of layers a viewer.

napari hands widgets a new proxy each; the viewer behind it is the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import napari

from napari_tide._napari.field_layers import FieldLayers
from napari_tide._napari.screen_opener import ScreenOpener
from napari_tide._napari.training_driver import TrainingDriver
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.training import TrainingViewModel


@dataclass(frozen=True)
class ViewerDesk:
    """What the docks of one viewer share."""

    session: Session
    plate: PlateViewModel
    layers: FieldLayers
    opener: ScreenOpener
    training: TrainingDriver


_DESKS: WeakKeyDictionary[napari.components.ViewerModel, ViewerDesk] = WeakKeyDictionary()


def desk_of(viewer: napari.components.ViewerModel) -> ViewerDesk:
    """Give the viewer's desk, set up on first use."""
    key = getattr(viewer, "__wrapped__", viewer)
    if key not in _DESKS:
        session = Session()
        plate = PlateViewModel(session)
        layers = FieldLayers(key, session, plate)
        training = TrainingDriver(TrainingViewModel(session))
        _DESKS[key] = ViewerDesk(session, plate, layers, ScreenOpener(session), training)
    return _DESKS[key]
