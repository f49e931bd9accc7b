"""Per-viewer state: one session, one plate viewmodel, one set of layers a viewer.

napari hands widgets a new proxy each; the viewer behind it is the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary, finalize, ref

import napari

from napari_tide._napari.background_worker import WorkerBackground
from napari_tide._napari.cell_layer import CellLayer
from napari_tide._napari.exit_guard import install_exit_guard
from napari_tide._napari.field_layers import FieldLayers, is_open
from napari_tide._napari.map_desk import MapDesk
from napari_tide._napari.overlay_layer import OverlayLayer
from napari_tide._napari.plugin_preferences import current_preferences
from napari_tide._napari.screen_opener import ScreenOpener
from napari_tide._napari.thread_room import make_thread_room
from napari_tide._napari.tile_hover import TileHover
from napari_tide._napari.training_driver import TrainingDriver
from napari_tide._napari.triton_guard import install_triton_guard
from napari_tide.viewmodels.cell_overlay import CellOverlay
from napari_tide.viewmodels.nearest_control import NearestControl
from napari_tide.viewmodels.overlay import OverlayViewModel
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.plate_run import PlateRun
from napari_tide.viewmodels.plate_scores import PlateScores
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.student_choice import StudentChoice
from napari_tide.viewmodels.training import TrainingViewModel


@dataclass(frozen=True)
class ViewerDesk:
    """What the docks of one viewer share."""

    session: Session
    plate: PlateViewModel
    control: NearestControl
    layers: FieldLayers
    opener: ScreenOpener
    maps: MapDesk
    looking: Looking
    background: WorkerBackground
    training: TrainingDriver


@dataclass(frozen=True)
class Looking:
    """What the student of one viewer sees: the choice, runs, overlays and their layers."""

    choice: StudentChoice
    run: PlateRun
    scores: PlateScores
    overlay: OverlayViewModel
    cells: CellOverlay
    overlay_layer: OverlayLayer
    cell_layer: CellLayer
    hover: TileHover


_DESKS: WeakKeyDictionary[napari.components.ViewerModel, ViewerDesk] = WeakKeyDictionary()


def desk_of(viewer: napari.components.ViewerModel) -> ViewerDesk:
    """Give the viewer's desk, set up on first use."""
    key = getattr(viewer, "__wrapped__", viewer)
    if key not in _DESKS:
        install_triton_guard()
        install_exit_guard()
        make_thread_room()
        session = Session()
        plate = PlateViewModel(session)
        layers = FieldLayers(key, session, plate, _background_of(key))
        opener, maps = ScreenOpener(session), MapDesk(session)
        background = _background_of(key)
        looking = _looking(key, session, plate, background)
        training = TrainingDriver(TrainingViewModel(session))
        training.viewmodel.student_used.connect(looking.run.run_again_with_next)
        _DESKS[key] = ViewerDesk(
            session,
            plate,
            NearestControl(session, plate),
            layers,
            opener,
            maps,
            looking,
            background,
            training,
        )
    return _DESKS[key]


def _background_of(viewer: napari.components.ViewerModel) -> WorkerBackground:
    viewer_ref = ref(viewer)

    def is_wanted() -> bool:
        alive = viewer_ref()
        return alive is not None and is_open(alive)

    background = WorkerBackground(is_wanted)
    finalize(viewer, background.cancel).atexit = True
    return background


def _looking(
    viewer: napari.components.ViewerModel,
    session: Session,
    plate: PlateViewModel,
    background: WorkerBackground,
) -> Looking:
    choice = StudentChoice(session, background, preferences=current_preferences)
    run = PlateRun(session, choice, background)
    overlay = OverlayViewModel(session, choice, run, background)
    cells = CellOverlay(session, choice, background)
    overlay_layer = OverlayLayer(viewer, session, overlay)
    return Looking(
        choice,
        run,
        PlateScores(plate, run, choice),
        overlay,
        cells,
        overlay_layer,
        CellLayer(viewer, session, cells),
        TileHover(viewer, session, overlay, overlay_layer),
    )
