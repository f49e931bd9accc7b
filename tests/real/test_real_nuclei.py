import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_tide.inference.nuclei import segment_nuclei

pytestmark = pytest.mark.real

PIXEL_UM = 0.598


def overlap_with_best(mask, labels):
    """Intersection over union with the label that covers most of a mask."""
    counts = np.bincount(labels[mask], minlength=2)
    best = counts[1:].argmax() + 1
    return counts[best] / ((labels == best) | mask).sum()


def test_nuclei_outlined_by_cellprofiler_are_found(real):
    folder = real / "images" / "br00143976_c03_s3"
    labels = segment_nuclei(
        tifffile.imread(folder / "orig" / "r03c03f03p01-ch5sk1fk1fl1.tiff"), pixel_size_um=PIXEL_UM
    )
    (outlines,) = (folder / "outlines").glob("NucleiOutlines*.tiff")
    is_edge = tifffile.imread(outlines).max(axis=-1) > 0
    insides, n_outlined = ndimage.label(ndimage.binary_fill_holes(is_edge) & ~is_edge)
    overlaps = [
        overlap_with_best(ndimage.binary_dilation(insides == number), labels)
        for number in range(1, n_outlined + 1)
    ]
    assert n_outlined == 37
    assert np.mean(np.array(overlaps) > 0.5) >= 0.97
    assert labels.max() - n_outlined <= 4


def test_a_dense_field_has_hundreds_of_nuclei_of_usual_size(real):
    plane = tifffile.imread(real / "images/jump_dense_5ch/r01c11f01p03-ch1sk1fk1fl1.tiff")
    labels = segment_nuclei(plane, pixel_size_um=PIXEL_UM)
    areas_px = np.bincount(labels.ravel())[1:]
    assert 330 < labels.max() < 450
    diameter_um = 2 * np.sqrt(np.median(areas_px) / np.pi) * PIXEL_UM
    assert 10 < diameter_um < 25


def test_tiles_of_the_sample_plate_have_nuclei(repository):
    planes = sorted((repository / "sample_data" / "images").rglob("*_DNA.tiff"))[::12]
    counts = [segment_nuclei(tifffile.imread(path)).max() for path in planes]
    assert min(counts) >= 5
    assert max(counts) <= 80
