"""Cell Painting fields of simulated sites: five 16-bit planes from 23 morphology parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_tide.errors import SimulationValueError
from napari_tide.simulate.camera import SiteOptics, digitise, expose
from napari_tide.simulate.cells import Cells, draw_cells
from napari_tide.simulate.outlines import trace_outlines
from napari_tide.simulate.paint import paint_sites
from napari_tide.simulate.phenotype import RESPONSES
from napari_tide.simulate.territory import claim_pixels, patch_groups
from napari_tide.simulate.textures import texture_bank

CHANNELS = ("DNA", "ER", "RNA", "AGP", "Mito")

_PIXELS_AT_ONCE = {"cpu": 4 * 224**2, "cuda": 384 * 224**2}


@dataclass(frozen=True, slots=True)
class OpticsOfSite:
    """Optics and stain of N sites.

    Attributes
    ----------
    gain
        N by 5: scale of the stain, plate batch times well.
    offset
        N by 5: the camera's offset in counts.
    vignette
        N: loss of light in the corners, 0 to about .4.
    blur_px
        N: width (sigma) of the point spread.
    edge
        N by 2: points toward the well's edge (x, y) and is as long as the loss of light there.
    """

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    vignette: NDArray[np.float64]
    blur_px: NDArray[np.float64]
    edge: NDArray[np.float64]

    def of(self, sites: slice) -> OpticsOfSite:
        """Give the optics of some of the sites."""
        parts = (self.gain, self.offset, self.vignette, self.blur_px, self.edge)
        return OpticsOfSite(*(part[sites] for part in parts))


def render_sites(
    morphology_NP: NDArray[np.float64],
    optics: OpticsOfSite,
    *,
    seeds_N: Sequence[int] | NDArray[np.integer],
    image_px: int,
    device: str = "cpu",
    reproducible: bool = False,
) -> NDArray[np.uint16]:
    """Render N sites, N by 5 by H by W in the order of `CHANNELS`.

    Parameters
    ----------
    morphology_NP
        One row a site: the parameters of `phenotype.RESPONSES`, in that order, in standard units.
    seeds_N
        One seed a site. The cells of a site depend on its seed and its row alone.
    image_px
        Width and height of the square fields, at `phenotype.PIXEL_SIZE_UM` a pixel.
    device
        A torch device, such as ``"cpu"`` or ``"cuda"``.
    reproducible
        Draw in float64 with noise from NumPy: a site's pixels then depend on its seed, row and
        optics alone, and are equal on every processor. Otherwise noise comes from torch, and only
        the same call on the same device gives the same noise.
    """
    _check(morphology_NP, optics, n_seeds=len(seeds_N), image_px=image_px)
    drawer = _device(device)
    images_NCHW = np.empty((len(seeds_N), len(CHANNELS), image_px, image_px), np.uint16)
    seeds = [int(seed) for seed in seeds_N]
    if min(seeds, default=0) < 0:
        message = f"seed {min(seeds)}; expected seeds of 0 or more"
        raise SimulationValueError(message)
    for sites in _batches(len(seeds), image_px, drawer.type):
        images_NCHW[sites] = _render_batch(
            morphology_NP[sites],
            optics.of(sites),
            seeds[sites],
            image_px=image_px,
            device=drawer,
            reproducible=reproducible,
        )
    return images_NCHW


def _check(
    morphology_NP: NDArray[np.float64], optics: OpticsOfSite, *, n_seeds: int, image_px: int
) -> None:
    if morphology_NP.shape != (n_seeds, len(RESPONSES)):
        message = (
            f"morphology of shape {morphology_NP.shape}; expected {(n_seeds, len(RESPONSES))}: "
            "a row for each seed, a column for each parameter of phenotype.RESPONSES"
        )
        raise SimulationValueError(message)
    if not np.isfinite(morphology_NP).all():
        message = "morphology holds values that are not finite; expected standard units"
        raise SimulationValueError(message)
    if optics.gain.shape != (n_seeds, len(CHANNELS)) or optics.edge.shape != (n_seeds, 2):
        message = (
            f"optics with gain {optics.gain.shape} and edge {optics.edge.shape}; expected "
            f"{(n_seeds, len(CHANNELS))} and {(n_seeds, 2)}"
        )
        raise SimulationValueError(message)
    if image_px < 16:
        message = f"{image_px} pixels cannot hold a cell; expected an image size of at least 16"
        raise SimulationValueError(message)


def _device(name: str) -> torch.device:
    available = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    asked = "cuda:0" if name == "cuda" else name
    if asked not in available:
        message = f"no device {name!r} to render on. Available: {available}"
        raise SimulationValueError(message)
    return torch.device(asked)


def _batches(n_sites: int, image_px: int, kind: str) -> Iterator[slice]:
    size = max(1, _PIXELS_AT_ONCE[kind] // image_px**2)
    for start in range(0, n_sites, size):
        yield slice(start, min(start + size, n_sites))


def _render_batch(
    morphology_NP: NDArray[np.float64],
    optics: OpticsOfSite,
    seeds: Sequence[int],
    *,
    image_px: int,
    device: torch.device,
    reproducible: bool,
) -> NDArray[np.uint16]:
    dtype = torch.float64 if reproducible else torch.float32
    drawn = draw_cells(morphology_NP, seeds_N=seeds, image_px=image_px)
    photons = _draw(drawn, image_px=image_px, device=device, dtype=dtype)
    on_device = SiteOptics(
        *(
            torch.as_tensor(part).to(device, dtype)
            for part in (optics.gain, optics.offset, optics.vignette, optics.blur_px, optics.edge)
        )
    )
    seen = expose(photons, on_device, longest_blur_px=float(optics.blur_px.max()))
    noise = _noise(seeds, seen, reproducible=reproducible)
    counts: NDArray[np.uint16] = digitise(seen, noise, on_device).cpu().numpy().view(np.uint16)
    return counts


def _draw(drawn: Cells, *, image_px: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    groups = patch_groups(torch.as_tensor(drawn.values["reach"]))
    groups = [(side, members.to(device)) for side, members in groups]
    cells = {name: torch.as_tensor(v).to(device, dtype) for name, v in drawn.values.items()}
    outlines = trace_outlines(cells)
    territory = claim_pixels(
        cells,
        outlines,
        site_M=torch.as_tensor(drawn.site).to(device),
        groups=groups,
        n_sites=drawn.n_sites,
        image_px=image_px,
    )
    bank = _bank(str(device), dtype)
    return paint_sites(
        cells, outlines, territory, bank=bank, n_sites=drawn.n_sites, image_px=image_px
    )


@lru_cache(maxsize=4)
def _bank(device: str, dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: torch.as_tensor(t).to(device, dtype) for name, t in texture_bank().items()}


def _noise(seeds: Sequence[int], like: Tensor, *, reproducible: bool) -> Tensor:
    """Draw one standard normal number for every pixel."""
    if reproducible:
        shape = tuple(like.shape[1:])
        draws = [
            np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 1)))).standard_normal(
                shape
            )
            for seed in seeds
        ]
        return torch.as_tensor(np.stack(draws)).to(like)
    generator = torch.Generator(like.device)
    generator.manual_seed(
        int(np.random.SeedSequence((*seeds, 1)).generate_state(1, np.uint64)[0] >> 1)
    )
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)
