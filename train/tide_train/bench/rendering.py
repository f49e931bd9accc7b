"""How long the simulator takes to render a site."""

from __future__ import annotations

import time

import numpy as np

from napari_tide.simulate.phenotype import RESPONSES
from napari_tide.simulate.render import CHANNELS, OpticsOfSite, render_sites


def time_rendering(n_sites: int, image_px: int, *, device: str = "cpu") -> float:
    """Render sites of varied morphology and give the seconds each took, set-up excluded."""
    morphology = 0.7 * np.random.default_rng(0).standard_normal((n_sites, len(RESPONSES)))
    optics = OpticsOfSite(
        gain=np.ones((n_sites, len(CHANNELS))),
        offset=np.full((n_sites, len(CHANNELS)), 100.0),
        vignette=np.full(n_sites, 0.15),
        blur_px=np.full(n_sites, 0.75),
        edge=np.zeros((n_sites, 2)),
    )
    seeds = np.arange(n_sites)
    # makes the textures and loads the device's kernels
    render_sites(
        morphology[:1], optics.of(slice(0, 1)), seeds_N=seeds[:1], image_px=image_px, device=device
    )
    start = time.perf_counter()
    render_sites(morphology, optics, seeds_N=seeds, image_px=image_px, device=device)
    return (time.perf_counter() - start) / n_sites
