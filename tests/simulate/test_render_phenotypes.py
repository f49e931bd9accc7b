"""Each parameter moves an independent measurement of the image in the intended direction."""

import numpy as np
import pytest
import torch
from scipy import ndimage as ndi
from scipy.spatial import ConvexHull

from napari_tide.simulate.phenotype import RESPONSES
from napari_tide.simulate.render import OpticsOfSite, render_sites

PARAMETERS = list(RESPONSES)
IMAGE_PX = 176
N_SITES = 4
LEVELS = (-1.5, 0.0, 1.5)
GAIN = 12.0  # bright stains, so that noise hardly matters
SPARSE = {"cell_size", "elongation", "protrusions", "actin_edge", "vacuoles"}  # few neighbours
SEVERAL = {"elongation", "protrusions", "binucleation"}  # rare, or measured on whole cells only


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other crawl on a busy machine."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


class Site:
    """Masks and channels of one site, background removed."""

    def __init__(self, image):
        self.dna, self.er, self.rna, self.agp, self.mito = image.astype(float) - np.percentile(
            image, 1, axis=(1, 2), keepdims=True
        )
        smooth = ndi.gaussian_filter(self.dna, 1)
        self.nuclei = smooth > 0.35 * np.percentile(smooth[smooth > 0.25 * smooth.max()], 50)
        self.labels, self.n = ndi.label(self.nuclei)
        self.from_nucleus = ndi.distance_transform_edt(~self.nuclei)
        self.cells = ndi.gaussian_filter(self.agp, 1) > 60
        self.in_cell = ndi.distance_transform_edt(self.cells)

    def objects(self, labels, *, least=60):
        """Coordinates of the labelled objects that do not touch the border."""
        for index, (rows, columns) in enumerate(ndi.find_objects(labels), 1):
            inside = rows.start > 0 and columns.start > 0
            inside &= rows.stop < labels.shape[0] and columns.stop < labels.shape[1]
            points = np.argwhere(labels[rows, columns] == index)
            points += np.array([rows.start, columns.start])
            if inside and len(points) >= least:
                yield points

    def whole_cells(self):
        """Coordinates of cells that stand alone: one nucleus, no border."""
        labels, _ = ndi.label(self.cells)
        for points in self.objects(labels, least=300):
            nuclei = set(self.labels[tuple(points.T)]) - {0}
            if len(nuclei) == 1:
                yield points

    def ring(self, low, high):
        return (self.from_nucleus > low) & (self.from_nucleus <= high) & self.cells

    @property
    def inner(self):
        return ndi.binary_erosion(self.nuclei, iterations=3)


def median(values):
    return float(np.median(list(values)))


def aspect(points):
    wide, narrow = np.linalg.eigvalsh(np.cov(points.T))[::-1]
    return np.sqrt(wide / narrow)


def hollowness(points):
    """Share of the convex hull that is empty; pixels are squares, not points."""
    corners = (points[:, None] + [[0, 0], [0, 1], [1, 0], [1, 1]]).reshape(-1, 2)
    return 1 - len(points) / ConvexHull(corners).volume


def detail(plane, mask, sigma=3.0):
    """Relative strength of structure finer than sigma."""
    smooth = ndi.gaussian_filter(plane, sigma)
    return float(np.std((plane - smooth)[mask] / smooth[mask]))


def nucleolar_share(site):
    inner = site.inner
    return float(np.mean(site.rna[inner] > 1.35 * np.median(site.rna[inner])))


def nucleolar_peak(site):
    peaks = ndi.maximum(site.rna, site.labels, range(1, site.n + 1))
    return median(peaks / ndi.median(site.rna, site.labels, range(1, site.n + 1)))


def near_over_far(plane, site):
    return plane[site.ring(1, 5)].mean() / plane[site.ring(10, 16)].mean()


def rim_over_interior(site):
    rim = (site.in_cell > 0) & (site.in_cell <= 4)
    return site.agp[rim].mean() / np.median(site.agp[site.in_cell > 6])


def fibre_detail(site):
    return detail(site.agp, (site.in_cell > 7) & (site.from_nucleus > 9))


def golgi_peak(site):
    zone = ndi.grey_dilation(site.labels, 17)
    peaks = ndi.maximum(ndi.gaussian_filter(site.agp, 1), zone, range(1, site.n + 1))
    return median(peaks) / np.median(site.agp[site.cells])


def roundness_of_mitochondria(site):
    """How alike both curvatures are on the brightest structures: 1 on dots, 0 on filaments."""
    yy, xx, xy = (
        ndi.gaussian_filter(site.mito, 1.2, order=order) for order in ((2, 0), (0, 2), (1, 1))
    )
    bend, difference = -(xx + yy), np.hypot(xx - yy, 2 * xy)
    zone = site.ring(2, 20)
    bright = zone & (bend > np.percentile(bend[zone], 90))
    return float(np.mean(1 - (difference / bend)[bright]))


def dark_holes(site):
    filled = ndi.grey_closing(site.er, 9)
    zone = site.ring(3, 30) & (site.in_cell > 6)
    return float(np.mean(((filled - site.er) / filled)[zone] > 0.45))


def close_pairs(site):
    """Share of nuclei with another one nearer than two cells ever are."""
    depth = ndi.gaussian_filter(ndi.distance_transform_edt(site.nuclei), 1)
    peaks = np.argwhere((ndi.maximum_filter(depth, 9) == depth) & (depth > 3.5))
    apart = np.linalg.norm(peaks[:, None] - peaks, axis=-1) + 1e9 * np.eye(len(peaks))
    return float((apart.min(1) < 25).mean())


def nuclear_hollowness(site):
    """Outlines are traced on a finer grid, since pixel steps are as deep as shallow lobes."""
    fine = ndi.zoom(ndi.gaussian_filter(site.dna, 0.7), 4, order=1)
    labels, _ = ndi.label(fine > np.median(site.dna[site.inner]) / 2)
    return median(hollowness(p) for p in site.objects(labels, least=1000))


MEASURES = {
    "nucleus_size": lambda s: median(len(p) for p in s.objects(s.labels)),
    "nucleus_eccentricity": lambda s: median(aspect(p) for p in s.objects(s.labels)),
    "nucleus_intensity": lambda s: np.median(s.dna[s.inner]),
    "nucleus_texture": lambda s: detail(s.dna, s.inner),
    "nucleus_irregularity": nuclear_hollowness,
    "nucleoli_size": nucleolar_share,
    "nucleoli_intensity": nucleolar_peak,
    "cytoplasmic_rna": lambda s: s.rna[s.ring(2, 8)].mean(),
    "cell_size": lambda s: s.cells.mean(),
    "elongation": lambda s: [aspect(p) for p in s.whole_cells()],
    "protrusions": lambda s: [hollowness(p) for p in s.whole_cells()],
    "er_intensity": lambda s: s.er.sum(),
    "er_texture": lambda s: detail(s.er, s.ring(2, 12)),
    "er_perinuclear": lambda s: near_over_far(s.er, s),
    "actin_edge": rim_over_interior,
    "actin_fibres": fibre_detail,
    "golgi": golgi_peak,
    "mito_intensity": lambda s: s.mito.sum(),
    "mito_fragmentation": roundness_of_mitochondria,
    "mito_perinuclear": lambda s: near_over_far(s.mito, s),
    "vacuoles": dark_holes,
    "binucleation": close_pairs,
    "count": lambda s: s.n,
}


def render_levels(parameter):
    n = N_SITES * (3 if parameter in SEVERAL else 1)
    morphology = np.zeros((len(LEVELS), n, len(PARAMETERS)))
    if parameter in SPARSE:
        morphology[..., PARAMETERS.index("count")] = -6.0
    morphology[..., PARAMETERS.index(parameter)] = np.array(LEVELS)[:, None]
    flat = morphology.reshape(-1, len(PARAMETERS))
    optics = OpticsOfSite(
        gain=np.full((len(flat), 5), GAIN),
        offset=np.full((len(flat), 5), 100.0),
        vignette=np.zeros(len(flat)),
        blur_px=np.full(len(flat), 0.7),
        edge=np.zeros((len(flat), 2)),
    )
    seeds = np.tile(np.arange(n), len(LEVELS))
    images = render_sites(flat, optics, seeds_N=seeds, image_px=IMAGE_PX)
    return images.reshape(len(LEVELS), n, 5, IMAGE_PX, IMAGE_PX)


def test_every_parameter_is_measured():
    assert list(MEASURES) == PARAMETERS


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_parameter_moves_its_measurement_upwards(parameter):
    measure = MEASURES[parameter]
    low, middle, high = (
        np.mean(np.hstack([measure(Site(image)) for image in images]))
        for images in render_levels(parameter)
    )
    assert low < middle < high
    assert high - low > 0.05 * (abs(low) + abs(high)) / 2
