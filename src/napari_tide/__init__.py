"""napari-tide: read a drug's effect in Cell Painting images."""

from napari_tide.errors import TideError

__all__ = ["TideError", "__version__"]

__version__ = "0.1.0"
