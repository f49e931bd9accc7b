"""Cells of the field on show in the colours of their probability, in a Labels layer."""

from __future__ import annotations

from collections import defaultdict
from weakref import ref

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_tide._napari.field_layers import field_scale
from napari_tide.viewmodels.cell_overlay import CellOverlay
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.well_colouring import scale_colours

NAME = "cells (napari-tide)"
_OPACITY = 0.7


class CellLayer:
    """Shows the cell overlay: in the user's own Labels layer, else in one of its own."""

    def __init__(self, viewer: ViewerModel, session: Session, cells: CellOverlay) -> None:
        self._viewer, self._session, self._cells = ref(viewer), session, cells
        self._own: Labels | None = None
        self._given: Labels | None = None
        cells.changed.connect(self._show)

    def choices(self) -> list[str]:
        """Name the Labels layers that cells can be taken from."""
        viewer = self._viewer()
        layers = viewer.layers if viewer is not None else []
        return [layer.name for layer in layers if isinstance(layer, Labels) and layer != self._own]

    def use(self, name: str) -> None:
        """Colour the cells of a Labels layer; an empty name takes the built-in segmentation."""
        viewer = self._viewer()
        if viewer is None:
            return
        if not name:
            self._given = None
            self._cells.turn_on()
            return
        layer = viewer.layers[name]
        self._remove_own(viewer)
        self._given = layer
        self._cells.turn_on(np.asarray(layer.data))

    def _show(self) -> None:
        viewer, found = self._viewer(), self._cells.cells
        if viewer is None:
            return
        if not self._cells.is_on:
            self._remove_own(viewer)
        if found is None:
            if self._own is not None and self._own in viewer.layers:
                self._own.data = np.zeros_like(self._own.data)
            return
        layer = self._given
        if layer is None or layer not in viewer.layers:
            layer = self._own_layer(viewer)
            layer.data = found.labels
        layer.features = self._cells.table()
        layer.colormap = self._colours()

    def _own_layer(self, viewer: ViewerModel) -> Labels:
        if self._own is None or self._own not in viewer.layers:
            found, screen = self._cells.cells, self._session.screen
            assert found is not None
            assert screen is not None
            active = viewer.layers.selection.active
            scale, units = field_scale(screen)
            self._own = viewer.add_labels(
                found.labels,
                name=NAME,
                scale=scale,
                units=units,
                axis_labels=("y", "x"),
                opacity=_OPACITY,
            )
            if active is not None:
                viewer.layers.selection.active = active
        return self._own

    def _colours(self) -> DirectLabelColormap:
        """Colour cells as the overlay does: limits 0 and 1."""
        found, shares = self._cells.cells, self._cells.probabilities()
        clear = np.zeros(4, np.float32)
        colours: dict[int | None, np.ndarray] = defaultdict(lambda: clear)
        colours[None] = clear
        colours[0] = clear
        if found is not None and len(shares):
            rgb = np.array(scale_colours(np.nan_to_num(shares))) / 255
            for number, colour in zip(found.numbers.tolist(), rgb, strict=True):
                colours[number] = np.array([*colour, 1.0], np.float32)
        return DirectLabelColormap(color_dict=colours)

    def _remove_own(self, viewer: ViewerModel) -> None:
        if self._own is not None and self._own in viewer.layers:
            viewer.layers.remove(self._own)
        self._own = None
