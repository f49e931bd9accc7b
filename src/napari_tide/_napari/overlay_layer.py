"""The image layer laid over the field: one, updated in place."""

from __future__ import annotations

from weakref import ref

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.colormaps import Colormap

from napari_tide._napari.field_layers import field_scale
from napari_tide.viewmodels.overlay import OverlayViewModel
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.well_colouring import VIRIDIS

_METADATA = {"napari_tide_overlay": True}


class OverlayLayer:
    """Keeps one layer of a viewer on what the overlay viewmodel shows."""

    def __init__(self, viewer: ViewerModel, session: Session, overlay: OverlayViewModel) -> None:
        self._viewer, self._session, self._overlay = ref(viewer), session, overlay
        self._layer: Image | None = None
        overlay.changed.connect(self._show)

    @property
    def layer(self) -> Image | None:
        """The layer, while there is one."""
        return self._layer

    def pixel_at(self, position: tuple[float, ...]) -> tuple[float, float] | None:
        """Give the field's pixel at a position of the canvas, in the world's units."""
        screen = self._session.screen
        if screen is None or len(position) < 2:
            return None
        size = field_scale(screen)[0]
        return float(position[-2]) / size[0] + 0.5, float(position[-1]) / size[1] + 0.5

    def _show(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        if self._layer is not None and self._layer not in viewer.layers:
            self._layer = None  # the user removed it
        values = self._overlay.map
        if values is None:
            self._hide(viewer)
        elif self._layer is None:
            self._add(viewer, values)
        else:
            self._layer.data = values
            self._layer.name = self._overlay.title

    def _hide(self, viewer: ViewerModel) -> None:
        if self._layer is None:
            return
        if self._session.overlay == "off":
            viewer.layers.remove(self._layer)
            self._layer = None
        else:  # a map is on its way: the last field's must not be taken for this one's
            self._layer.data = np.full_like(self._layer.data, np.nan)

    def _add(self, viewer: ViewerModel, values: np.ndarray) -> None:
        screen = self._session.screen
        assert screen is not None
        active: Layer | None = viewer.layers.selection.active
        scale, units = field_scale(screen)
        self._layer = viewer.add_image(
            values,
            name=self._overlay.title,
            colormap=_viridis(),
            contrast_limits=(0.0, 1.0),
            blending="translucent",
            opacity=0.55,
            interpolation2d="nearest",
            scale=scale,
            units=units,
            axis_labels=("y", "x"),
            metadata=dict(_METADATA),
        )
        self._layer.colorbar.visible = True
        if active is not None:
            viewer.layers.selection.active = active


def _viridis() -> Colormap:
    return Colormap(np.array(VIRIDIS) / 255, name="tide viridis", display_name="viridis")
