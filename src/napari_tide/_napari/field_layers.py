"""The image layers of the field on show: one a channel, reused from well to well.

Assigning ``layer.data`` is ten times quicker than removing and adding layers (measured: 45 against
509 ms for five 1080 x 1080 channels), and keeps what the user set: colours, limits, visibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict
from weakref import ref

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils.colormaps import Colormap

from napari_tide._napari.field_source import FieldSource
from napari_tide.imaging.composite import display_limits
from napari_tide.imaging.stain_colours import channel_shares, overlaid_channels, stain_colours
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.background import Background
from napari_tide.viewmodels.field_planes import FieldPlanes, Plane
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.well_colouring import RGB

METADATA_KEY = "napari_tide"
PLACE_FONT_SIZE = 12
_UNKNOWN_PIXEL = 1.0


class LayerOptions(TypedDict):
    """What a channel's layer is made with, besides its pixels."""

    name: str
    colormap: Colormap
    blending: str
    opacity: float
    visible: bool
    scale: tuple[float, float]
    units: tuple[str, str]
    axis_labels: tuple[str, str]
    contrast_limits: tuple[float, float]
    metadata: dict[str, dict[str, str | int]]


def layer_options(screen: Screen, place: Place, channel: str, plane: Plane) -> LayerOptions:
    """Give the display settings of a channel shown for the first time."""
    scale, units = field_scale(screen)
    return {
        "name": channel,
        "colormap": stain_colormap(channel, stain_colours(screen.channel_names)[channel]),
        "blending": "additive",
        "opacity": channel_shares(screen.channel_names)[channel],
        "visible": channel in overlaid_channels(screen.channel_names),
        "scale": scale,
        "units": units,
        "axis_labels": ("y", "x"),
        "contrast_limits": display_limits(plane),
        "metadata": {METADATA_KEY: layer_label(screen, place, channel)},
    }


def field_scale(screen: Screen) -> tuple[tuple[float, float], tuple[str, str]]:
    """Give scale and units of every layer over a field: one without units drops them for all."""
    size = screen.pixel_size_um
    unit = "um" if size else "pixel"
    return (size or _UNKNOWN_PIXEL,) * 2, (unit, unit)


def layer_label(screen: Screen, place: Place, channel: str) -> dict[str, str | int]:
    """Say in a layer's metadata what it shows."""
    return {
        "source": screen.source,
        "plate": place.plate,
        "well": place.well.name,
        "site": place.site,
        "channel": channel,
    }


def stain_colormap(channel: str, colour: RGB) -> Colormap:
    """Give a colour map from black to the stain's colour."""
    bright = [value / 255 for value in colour]
    return Colormap([[0, 0, 0], bright], name=f"{channel} stain", display_name=f"{channel} stain")


class FieldLayers:
    """Keeps a viewer's channel layers on the field the session is at."""

    def __init__(
        self,
        viewer: ViewerModel,
        session: Session,
        plate: PlateViewModel,
        background: Background,
    ) -> None:
        self._viewer = ref(viewer)
        self._session = session
        self._plate = plate
        self._layers: dict[str, Image] = {}
        self._has_limits: set[str] = set()
        self._shown: Place | None = None
        self._is_new_screen = False
        self._source = FieldSource(session, plate, background)
        self._source.loaded.connect(self._on_loaded)
        self._source.failed.connect(session.report)
        session.events.screen.connect(self._on_screen)
        session.events.place.connect(self._on_place)

    @property
    def is_loading(self) -> bool:
        """Whether a field is on its way."""
        return self._source.is_busy

    @property
    def source(self) -> FieldSource:
        """Where fields come from."""
        return self._source

    def adopt(self, layers: Sequence[Image], screen: Screen, place: Place) -> None:
        """Take over layers a reader added, then open their screen around them."""
        self._source.cancel()
        self._remove([layer for layer in self._layers.values() if layer not in layers])
        self._layers = {str(layer.metadata[METADATA_KEY]["channel"]): layer for layer in layers}
        self._has_limits = {name for name, layer in self._layers.items() if layer.data.any()}
        self._shown = place
        for layer in layers:
            _widen_slider(layer)
        self._session.open(screen, place=place)
        self._show_overlays()

    def auto_contrast(self) -> None:
        """Set the display limits anew, from the well on show."""
        for layer in self._layers.values():
            if layer.data.any():
                layer.contrast_limits = display_limits(np.asarray(layer.data))

    def _on_screen(self, screen: Screen) -> None:
        shown = self._shown
        adopted = shown is not None and self._labels_match(screen, shown)
        self._is_new_screen = not adopted
        if not adopted:
            self._shown = None

    def _on_place(self, place: Place) -> None:
        site, screen = self._session.site(), self._session.screen
        if site is None or screen is None:
            return
        if place == self._shown and not self._source.is_busy:
            self._show_overlays()  # the same pixels, perhaps with a plate map joined since
            self._source.rest()
            return
        shape = next((layer.data.shape for layer in self._layers.values()), (256, 256))
        self._source.request(site, screen.channel_names, blank_shape=shape)

    def _on_loaded(self, planes: FieldPlanes) -> None:
        viewer, screen = self._viewer(), self._session.screen
        if viewer is None or screen is None or not is_open(viewer):
            return
        is_new, self._is_new_screen = self._is_new_screen, False
        if is_new:
            self._has_limits = set()
            if list(self._layers) != screen.channel_names:
                self._remove(list(self._layers.values()))
                self._layers = {}
        kept = {name: layer for name, layer in self._layers.items() if layer in viewer.layers}
        if is_new and len(kept) < len(self._layers):
            self._remove(list(kept.values()))
            kept = {}
        is_first = not kept
        self._layers = kept
        place = Place(planes.site.plate, planes.site.well, planes.site.number)
        self._shown = place
        for name, plane in planes.planes.items():
            if is_first:
                self._add(viewer, screen, place, name, plane)
            elif name in kept and is_new:
                self._renew(kept[name], screen, place, name, plane)
            elif name in kept:
                self._assign(kept[name], screen, place, name, plane)
        if is_first or is_new:
            viewer.reset_view()
        self._show_overlays()
        self._session.report(planes.problem())

    def _add(
        self, viewer: ViewerModel, screen: Screen, place: Place, name: str, plane: Plane
    ) -> None:
        options = layer_options(screen, place, name, plane)
        self._layers[name] = viewer.add_image(plane, **options)
        _widen_slider(self._layers[name])
        if plane.any():
            self._has_limits.add(name)

    def _renew(self, layer: Image, screen: Screen, place: Place, name: str, plane: Plane) -> None:
        """Show another screen in a layer as if it were new, which takes a tenth of the time."""
        options = layer_options(screen, place, name, plane)
        layer.data = plane
        layer.contrast_limits_range = options["contrast_limits"]
        for key, value in options.items():
            if key != "metadata":
                setattr(layer, key, value)
        layer.gamma = 1.0
        layer.metadata = {**layer.metadata, **options["metadata"]}
        _widen_slider(layer)
        if plane.any():
            self._has_limits.add(name)

    def _assign(self, layer: Image, screen: Screen, place: Place, name: str, plane: Plane) -> None:
        layer.data = plane
        layer.metadata = {**layer.metadata, METADATA_KEY: layer_label(screen, place, name)}
        # A channel that was blank so far has had no limits worth keeping.
        if name not in self._has_limits and plane.any():
            layer.contrast_limits = display_limits(plane)
            self._has_limits.add(name)

    def _show_overlays(self) -> None:
        viewer, screen = self._viewer(), self._session.screen
        if viewer is None or screen is None:
            return
        text = viewer.canvas.overlays.text
        text.text = self._plate.place_text()
        text.position = "top_left"
        text.font_size = PLACE_FONT_SIZE
        text.opacity = 1
        text.visible = True
        viewer.canvas.overlays.scale_bar.visible = screen.pixel_size_um is not None

    def _remove(self, layers: Sequence[Image]) -> None:
        viewer = self._viewer()
        for layer in layers:
            if viewer is not None and layer in viewer.layers:
                viewer.layers.remove(layer)

    def _labels_match(self, screen: Screen, place: Place) -> bool:
        labels = [layer.metadata.get(METADATA_KEY) for layer in self._layers.values()]
        expected = [layer_label(screen, place, name) for name in self._layers]
        return labels == expected and list(self._layers) == screen.channel_names


def _widen_slider(layer: Image) -> None:
    """Leave room on the contrast slider for wells brighter than the first."""
    low, high = layer.contrast_limits
    layer.contrast_limits_range = (min(0.0, low), 4 * high)


def is_open(viewer: ViewerModel) -> bool:
    """Tell whether a viewer still has its window; one without any, as in tests, is open."""
    window = getattr(viewer, "window", None)
    if window is None:
        return True
    try:
        window.geometry()
    except (AttributeError, RuntimeError):
        return False
    return True
