"""Which drugs the tile under the pointer looks like."""

from __future__ import annotations

from weakref import ref

from napari.components import ViewerModel
from napari.utils.events import Event
from psygnal import Signal

from napari_tide._napari.overlay_layer import OverlayLayer
from napari_tide.viewmodels.overlay import OverlayViewModel
from napari_tide.viewmodels.session import Session


class TileHover:
    """Follows the pointer over the canvas while an overlay is on."""

    changed = Signal(str)

    def __init__(
        self, viewer: ViewerModel, session: Session, overlay: OverlayViewModel, layer: OverlayLayer
    ) -> None:
        self._viewer, self._session = ref(viewer), session
        self._overlay, self._layer = overlay, layer
        self._said = ""
        viewer.mouse_move_callbacks.append(self._on_move)

    @property
    def text(self) -> str:
        """Say it in one line: ``"taxol 43 %, nocodazole 22 %, …"``; empty outside all tiles."""
        return self._said

    def look_at(self, position: tuple[float, ...]) -> None:
        """Name the drugs of the tile at a position of the canvas."""
        pixel = self._layer.pixel_at(position) if self._session.overlay != "off" else None
        top = self._overlay.top_drugs_at(*pixel) if pixel is not None else []
        said = ", ".join(f"{name} {share:.0%}" for name, share in top)
        if said != self._said:
            self._said = said
            self.changed.emit(said)

    def _on_move(self, viewer: ViewerModel, event: Event) -> None:
        del viewer
        self.look_at(tuple(event.position))
