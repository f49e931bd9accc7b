import re

import numpy as np
import pytest
import scipy.io
import tifffile

from napari_tide.errors import IlluminationFormatError, PlaneMissingError
from napari_tide.imaging.flatfield_polynomial import FlatfieldPolynomial
from napari_tide.imaging.illumination import IlluminationFunction, load_illumination
from napari_tide.plane_address import PlaneAddress

VALUES = (1 + np.random.default_rng(0).random((6, 9))).astype(np.float64)

POLYNOMIAL = (
    "Profile: {Coefficients: [[1.25], [0.1, -0.2], [-0.9, 0.3, -0.6]], "
    "Dims: [80, 60], Origin: [39.5, 29.5], Scale: [0.0125, 0.0125], Type: Polynomial}"
)
OTHER = POLYNOMIAL.replace("1.25", "2.5")


def load(path, fragment=""):
    return load_illumination(PlaneAddress.parse(f"{path}{fragment}"))


def index_with(tmp_path, *profiles, tail="<Images><Image/></Images></Root>"):
    entries = "".join(
        f'<Entry ChannelID="{number}"><FlatfieldProfile>{{{text}}}</FlatfieldProfile></Entry>'
        for number, text in enumerate(profiles, 1)
    )
    path = tmp_path / "Index.idx.xml"
    path.write_text(f'<Root xmlns="h"><Well/><Maps><Map>{entries}</Map></Maps>{tail}')
    return path


def slow_polynomial(coefficients, shape, dims, origin, scale):
    height, width = shape
    values = np.empty(shape)
    for row in range(height):
        for column in range(width):
            # where the binned pixel's centre lies on the full camera
            x = ((column + 0.5) * dims[0] / width - 0.5 - origin[0]) * scale[0]
            y = ((row + 0.5) * dims[1] / height - 0.5 - origin[1]) * scale[1]
            values[row, column] = sum(
                c * x ** (i - j) * y**j
                for i, terms in enumerate(coefficients)
                for j, c in enumerate(terms)
            )
    return values


@pytest.mark.parametrize("suffix", ["npy", "mat", "tif"])
def test_arrays_load_as_they_are(tmp_path, suffix):
    path = tmp_path / f"illum.{suffix}"
    if suffix == "npy":
        np.save(path, VALUES)
    elif suffix == "mat":
        scipy.io.savemat(path, {"Image": VALUES, "Other": np.ones((3, 3))})
    else:
        tifffile.imwrite(path, VALUES.astype(np.float32))
    values = load(path).evaluate((6, 9))
    np.testing.assert_allclose(values, VALUES, rtol=1e-6)
    assert values.dtype == np.float32


def test_the_only_plane_of_a_mat_file_is_found(tmp_path):
    scipy.io.savemat(tmp_path / "i.mat", {"illum_DNA": VALUES, "note": "text", "n": 3.0})
    np.testing.assert_allclose(load(tmp_path / "i.mat").evaluate((6, 9)), VALUES, rtol=1e-6)


def test_mat_files_without_one_plane_are_refused(tmp_path):
    scipy.io.savemat(tmp_path / "two.mat", {"a": VALUES, "b": VALUES})
    with pytest.raises(IlluminationFormatError, match=r"two\.mat holds 2 planes \(a, b\)"):
        load(tmp_path / "two.mat")
    whole = (tmp_path / "two.mat").read_bytes()
    for content in (b"", b"no matlab " * 40, whole[:200], whole[:-30]):
        (tmp_path / "bad.mat").write_bytes(content)
        with pytest.raises(IlluminationFormatError, match=r"bad\.mat cannot be read as a MATLAB"):
            load(tmp_path / "bad.mat")
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "new.mat").write_bytes(header + b"\0" * 512)
    with pytest.raises(IlluminationFormatError, match=r"is a MATLAB 7\.3 file; save it with '-v7'"):
        load(tmp_path / "new.mat")


def test_another_shape_is_refused(tmp_path):
    np.save(tmp_path / "i.npy", VALUES)
    with pytest.raises(IlluminationFormatError, match=r"for planes of \(6, 9\), not of \(9, 6\)"):
        load(tmp_path / "i.npy").evaluate((9, 6))


@pytest.mark.parametrize("bad", [0.0, -1.0, 1e300])
def test_functions_that_reach_zero_are_refused(bad):
    values = VALUES.copy()
    values[2, 3] = bad
    with pytest.raises(IlluminationFormatError, match="is not positive everywhere"):
        IlluminationFunction("here", values)


def test_what_is_no_illumination_function_is_named(tmp_path):
    (tmp_path / "i.npy").write_text("hello, this is text")
    with pytest.raises(IlluminationFormatError, match=r"no illumination function: .*i\.npy"):
        load(tmp_path / "i.npy")
    for name in ("gone.npy", "gone.mat", "gone.xml"):
        with pytest.raises(PlaneMissingError, match=f"{re.escape(name)} is not there"):
            load(tmp_path / name)


@pytest.mark.parametrize("shape", [(60, 80), (30, 40), (15, 20)], ids=["full", "2x2", "4x4"])
def test_polynomials_match_their_formula_also_on_binned_planes(tmp_path, shape):
    path = index_with(tmp_path, f"Foreground: {{Character: NonFlat, {POLYNOMIAL}}}")
    expected = slow_polynomial(
        [[1.25], [0.1, -0.2], [-0.9, 0.3, -0.6]], shape, (80, 60), (39.5, 29.5), (0.0125, 0.0125)
    )
    values = load(path, "#channel=1").evaluate(shape)
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_polynomials_refuse_planes_of_another_aspect(tmp_path):
    path = index_with(tmp_path, f"Foreground: {{{POLYNOMIAL}}}")
    with pytest.raises(
        IlluminationFormatError, match=r"for planes of \(60, 80\), not of \(60, 60\)"
    ):
        load(path, "#channel=1").evaluate((60, 60))


def test_polynomials_that_reach_zero_are_refused(tmp_path):
    path = index_with(tmp_path, f"Foreground: {{{POLYNOMIAL.replace('1.25', '0.1')}}}")
    with pytest.raises(IlluminationFormatError, match="is not positive everywhere"):
        load(path, "#channel=1").evaluate((60, 80))


@pytest.mark.parametrize(
    ("text", "centre"),
    [
        (f"Background: {{{POLYNOMIAL}}}, Foreground: {{Character: NonFlat, {OTHER}}}", 2.5),
        (f"Background: {{{POLYNOMIAL}}}", 1.25),
        (
            (
                f"Background: {{{POLYNOMIAL}}}, Foreground: {{Character: Null, "
                "Profile: {Type: Identity}}"
            ),
            1.25,
        ),
        (
            (
                f"Background: {{{POLYNOMIAL}}}, Foreground: {{Character: Flat, "
                "Profile: {Type: Identity}}"
            ),
            1.0,
        ),
        ("Background: {Character: Null, Mean: NaN, Profile: {Type: Identity}, Quality: 0.25}", 1.0),
        (
            (
                'Channel: 4, ChannelName: "405ex, 570-{630}-em)", '
                f"Foreground: {{{POLYNOMIAL}}}, Version: Acapella:2013"
            ),
            1.25,
        ),
    ],
    ids=["foreground", "background only", "foreground not fitted", "flat", "identity", "quoted"],
)
def test_the_foreground_is_used_where_it_was_fitted(tmp_path, text, centre):
    values = load(index_with(tmp_path, text), "#channel=1").evaluate((60, 80))
    assert values[29:31, 39:41].mean() == pytest.approx(centre, rel=1e-3)


def test_channels_are_picked_by_number(tmp_path):
    path = index_with(tmp_path, f"Foreground: {{{POLYNOMIAL}}}", f"Foreground: {{{OTHER}}}")
    ratio = load(path, "#channel=2").evaluate((60, 80)) - load(path, "#channel=1").evaluate(
        (60, 80)
    )
    np.testing.assert_allclose(ratio, 1.25, rtol=1e-5)
    with pytest.raises(IlluminationFormatError, match=r"for channel 3\. Available: \['1', '2'\]"):
        load(path, "#channel=3")


def test_the_list_of_images_is_not_read(tmp_path):
    path = index_with(tmp_path, f"Foreground: {{{POLYNOMIAL}}}", tail="<Images><broken <<<")
    assert load(path, "#channel=1").evaluate((60, 80)).shape == (60, 80)
    with pytest.raises(IlluminationFormatError, match="no flat-field profile for channel 2"):
        load(path, "#channel=2")


@pytest.mark.parametrize(
    "text",
    [
        "Foreground: {Profile: {Coefficients: [[1.0], [0.1",
        "Foreground: {Profile: {Type: Polynomial, Coefficients: [[1.0], [0.1]]}}",
        POLYNOMIAL.replace("1.25", "NaN").join(["Foreground: {", "}"]),
        "Foreground: {Profile: {Type: Spline}}",
        "Channel: 1",
    ],
    ids=["cut short", "ragged", "NaN", "unknown type", "no part"],
)
def test_profiles_that_make_no_sense_are_refused(tmp_path, text):
    with pytest.raises(IlluminationFormatError, match="holds a flat-field profile"):
        load(index_with(tmp_path, text), "#channel=1")


def test_an_index_that_is_no_xml_is_refused(tmp_path):
    (tmp_path / "Index.xml").write_text("Maps: none")
    with pytest.raises(IlluminationFormatError, match="cannot be read as a Phenix index"):
        load(tmp_path / "Index.xml", "#channel=1")


def test_evaluating_again_gives_the_same_array():
    function = IlluminationFunction("p", FlatfieldPolynomial(((1.0,),), 0, 0, (0, 0), (1, 1)))
    assert function.evaluate((4, 5)) is function.evaluate((4, 5))
