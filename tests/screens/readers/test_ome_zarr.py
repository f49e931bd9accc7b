import json

import numpy as np
import pytest
import zarr

from napari_tide.errors import PathEscapeError, ScreenFormatError, ScreenValueError
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.ome_zarr import claims
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.screens.well import Well

LABELS = ("Hoechst", "MitoTracker")
VERSIONS = pytest.mark.parametrize("version", [2, 3], ids=["0.4", "0.5"])


def describe(group, version, **attributes):
    group.attrs.update({"ome": {"version": "0.5", **attributes}} if version == 3 else attributes)


def write_image(group, version, axes="cyx", shape=(2, 8, 8), labels=LABELS, unit="micrometer"):
    scale = [0.65 if axis in "yx" else 1.0 for axis in axes]
    kinds = {"t": "time", "c": "channel"}
    described = [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes]
    for axis in described:
        if unit and axis["name"] in "yx":
            axis["unit"] = unit
    array = group.create_array("0", shape=shape, chunks=shape, dtype="uint16")
    array[:] = np.arange(np.prod(shape)).reshape(shape)
    dataset = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    image = {"multiscales": [{"axes": described, "datasets": [dataset]}]}
    if labels:
        image["omero"] = {"channels": [{"label": label} for label in labels]}
    describe(group, version, **image)


def write_plate(path, version=3, wells=("B/03", "C/11"), fields=2, name=None, **image):
    root = zarr.open_group(path, mode="w", zarr_format=version)
    plate = {
        "rows": [{"name": letter} for letter in "ABCDEFGH"],
        "columns": [{"name": str(column)} for column in range(1, 13)],
        "wells": [{"path": well, "rowIndex": 0, "columnIndex": 0} for well in wells],
    }
    describe(root, version, plate={**plate, **({"name": name} if name else {})})
    for well in wells:
        group = root.create_group(well)
        describe(group, version, well={"images": [{"path": str(i)} for i in range(fields)]})
        for field in range(fields):
            write_image(group.create_group(str(field)), version, **image)
    return path


def edit(group, version, change):
    """Change a group's attributes in place, as JSON."""
    path = group / ("zarr.json" if version == 3 else ".zattrs")
    content = json.loads(path.read_text())
    change(content["attributes"]["ome"] if version == 3 else content)
    path.write_text(json.dumps(content))


@VERSIONS
def test_a_plate_lists_its_wells_fields_channels_and_pixel_size(tmp_path, version):
    source = write_plate(tmp_path / "P7.ome.zarr", version)
    screen = read_screen(source, ReadOptions())
    assert screen.format == "ome_zarr"
    assert screen.channel_names == ["DNA", "Mito"]
    assert screen.plate_names == ["P7"]
    assert list(zip(screen.sites["well"], screen.sites["site"], strict=True)) == [
        ("B03", 1), ("B03", 2), ("C11", 1), ("C11", 2),
    ]  # fmt: skip
    assert screen.sites["path_Mito"].tolist()[1] == "B/03/1/0#c=1"
    assert screen.pixel_size_um == 0.65
    assert screen.plate("P7").format == PlateFormat(8, 12)
    assert (screen.missing_files(), screen.warnings) == ([], ())


@VERSIONS
@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ("tczyx", (1, 2, 1, 4, 6)),
        ("czyx", (2, 1, 4, 6)),
        ("zcyx", (1, 2, 4, 6)),
        ("cyx", (2, 4, 6)),
        ("yxc", (4, 6, 2)),
    ],
)
def test_addresses_pick_the_plane_in_any_order_of_axes(tmp_path, version, axes, shape):
    source = write_plate(tmp_path / "P.zarr", version, fields=1, axes=axes, shape=shape)
    address = read_screen(source, ReadOptions()).site("P", Well.parse("B03"), 1).planes["Mito"]
    assert {key for key, _ in address.indices} == {*axes} - {*"yx"}
    # zarr itself opens the array at the address; the second channel is what was written there
    array = zarr.open_array(address.path, mode="r")
    picked = array[tuple(slice(None) if a in "yx" else address.index(a) for a in axes)]
    written = np.arange(np.prod(shape)).reshape(shape)
    assert (picked == np.take(written, 1, axis=axes.index("c")).squeeze()).all()


def test_an_image_without_a_channel_axis_is_one_channel(tmp_path):
    source = write_plate(tmp_path / "P.zarr", axes="yx", shape=(4, 4), labels=["DAPI"])
    screen = read_screen(source, ReadOptions())
    assert screen.channel_names == ["DNA"]
    assert screen.sites["path_DNA"].tolist()[0] == "B/03/0/0"
    assert screen.missing_files() == []


@pytest.mark.parametrize(
    ("axis", "option", "word"), [("z", "plane", "z plane"), ("t", "time", "time point")]
)
def test_several_planes_or_times_are_chosen_from(tmp_path, axis, option, word):
    shape = (3, 2, 4, 4)
    source = write_plate(tmp_path / "P.zarr", axes=f"{axis}cyx", shape=shape)
    with pytest.raises(ScreenValueError, match=rf"3 {word}s \(0, 1, 2\); .* --{option} 1"):
        read_screen(source, ReadOptions())
    screen = read_screen(source, ReadOptions(**{option: 2}))
    assert screen.sites["path_DNA"].str.endswith(f"#c=0&{axis}=2").all()
    with pytest.raises(ScreenValueError, match=f"no {word} 3 .* choose another --{option}"):
        read_screen(source, ReadOptions(**{option: 3}))


def test_channels_without_names_are_numbered_and_can_be_named(tmp_path):
    source = write_plate(tmp_path / "P.zarr", labels=())
    screen = read_screen(source, ReadOptions())
    assert screen.channel_names == ["c0", "c1"]
    assert "--channels c0=DNA" in screen.warnings[0]
    named = read_screen(source, ReadOptions(channels={"c0": "DNA", "c1": "ER"}))
    assert named.channel_names == ["DNA", "ER"]


def test_channels_that_share_a_name_are_numbered(tmp_path):
    source = write_plate(tmp_path / "P.zarr", labels=("GFP", "gfp"))
    assert read_screen(source, ReadOptions()).channel_names == ["c0", "c1"]


def test_a_field_with_its_channels_in_another_order_is_read_by_name(tmp_path):
    source = write_plate(tmp_path / "P.zarr")
    image = source / "C" / "11" / "1"
    edit(image, 3, lambda ome: ome["omero"]["channels"].reverse())
    screen = read_screen(source, ReadOptions())
    assert screen.sites["path_DNA"].tolist()[2:] == ["C/11/0/0#c=0", "C/11/1/0#c=1"]


def test_a_field_with_another_channel_does_not_go_unnoticed(tmp_path):
    source = write_plate(tmp_path / "P.zarr")
    image = source / "C" / "11" / "1"
    edit(image, 3, lambda ome: ome["omero"]["channels"][1].update(label="ER"))
    screen = read_screen(source, ReadOptions())
    assert screen.channel_names == ["DNA", "Mito", "ER"]
    assert set(screen.site("P", Well.parse("C11"), 2).planes) == {"DNA", "ER"}


def test_a_field_that_names_no_channel_is_stained_like_the_others(tmp_path):
    source = write_plate(tmp_path / "P.zarr")
    edit(source / "C" / "11" / "1", 3, lambda ome: ome.pop("omero"))
    assert read_screen(source, ReadOptions()).channel_names == ["DNA", "Mito"]


@pytest.mark.parametrize(
    ("unit", "size", "warning"),
    [
        ("nanometer", 0.00065, None),
        ("millimeter", 650.0, None),
        (None, 0.65, "no unit; it is taken as micrometres"),
        ("parsec", None, "'parsec', which is no known unit"),
    ],
)
def test_pixel_sizes_come_out_in_micrometres(tmp_path, unit, size, warning):
    screen = read_screen(write_plate(tmp_path / "P.zarr", unit=unit), ReadOptions())
    assert screen.pixel_size_um == pytest.approx(size)
    assert (screen.warnings == ()) if warning is None else (warning in screen.warnings[0])


def test_the_scale_of_the_whole_pyramid_multiplies_that_of_the_array(tmp_path):
    source = write_plate(tmp_path / "P.zarr", wells=["A/1"], fields=1)
    whole = [{"type": "scale", "scale": [1, 2, 2]}]
    edit(
        source / "A" / "1" / "0",
        3,
        lambda ome: ome["multiscales"][0].update(coordinateTransformations=whole),
    )
    assert read_screen(source, ReadOptions()).pixel_size_um == 1.3


@VERSIONS
def test_a_single_image_is_one_site_in_a01(tmp_path, version):
    source = tmp_path / "cells.ome.zarr"
    write_image(zarr.open_group(source, mode="w", zarr_format=version), version)
    screen = read_screen(source, ReadOptions())
    assert screen.sites[["plate", "well", "site"]].to_numpy().tolist() == [["cells", "A01", 1]]
    assert screen.sites["path_Mito"].tolist() == ["0#c=1"]
    assert screen.missing_files() == []


def test_a_folder_of_plates_is_one_screen(tmp_path):
    write_plate(tmp_path / "P7.zarr", 2, name="same")
    write_plate(tmp_path / "P8.zarr", 3, name="same")
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.plate_names == ["P7", "P8"]
    assert screen.sites["path_DNA"].tolist()[0] == "P7.zarr/B/03/0/0#c=0"
    assert screen.missing_files() == []


def test_plates_with_different_channels_are_not_mixed(tmp_path):
    write_plate(tmp_path / "P7.zarr")
    write_plate(tmp_path / "P8.zarr", labels=("DAPI", "ER"))
    with pytest.raises(ScreenFormatError, match="'P7' and 'P8' have different channels"):
        read_screen(tmp_path, ReadOptions())


def test_fields_of_several_acquisitions_are_sites_told_apart(tmp_path):
    source = write_plate(tmp_path / "P.zarr", wells=["B/03"], fields=2, name="named")
    images = [{"path": "0", "acquisition": 4}, {"path": "1", "acquisition": 9}]
    edit(source / "B" / "03", 3, lambda ome: ome["well"].update(images=images))
    screen = read_screen(source, ReadOptions())
    assert screen.plate_names == ["named"]
    assert screen.sites[["site", "acquisition"]].to_numpy().tolist() == [[1, 4], [2, 9]]
    assert "2 acquisitions" in screen.warnings[0]


def test_a_field_that_is_not_there_is_reported_as_missing_once(tmp_path):
    source = write_plate(tmp_path / "P.zarr")
    (source / "C" / "11" / "1").rename(tmp_path / "gone")
    screen = read_screen(source, ReadOptions())
    assert screen.n_sites == 4
    assert screen.missing_files() == [str(source / "C" / "11" / "1" / "0")]


def test_a_damaged_field_or_well_is_left_out_and_named(tmp_path):
    source = write_plate(tmp_path / "P.zarr")
    (source / "B" / "03" / "1" / "zarr.json").write_text("{")
    (source / "C" / "11" / "zarr.json").write_text("[]")
    screen = read_screen(source, ReadOptions())
    assert screen.n_sites == 1
    assert "2 damaged places are left out: B/03/1, C/11" in screen.warnings[0]


@VERSIONS
@pytest.mark.parametrize("path", ["x" * 5000, "a\0b"], ids=["too long", "null"])
def test_a_field_at_a_path_no_disk_can_have_is_left_out(tmp_path, version, path):
    source = write_plate(tmp_path / "P.zarr", version)
    edit(source / "B" / "03", version, lambda ome: ome["well"]["images"][1].update(path=path))
    screen = read_screen(source, ReadOptions())
    assert screen.n_sites == 3
    assert "1 damaged places are left out: B/03/" in screen.warnings[0]


def test_a_read_plate_saves_and_reads_back(tmp_path):
    screen = read_screen(write_plate(tmp_path / "P.zarr"), ReadOptions())
    save_screen(screen, tmp_path / "out" / "screen.parquet")
    again = read_screen(tmp_path / "out", ReadOptions(allow_outside=True))
    assert again.site("P", Well(1, 2), 1).planes == screen.site("P", Well(1, 2), 1).planes


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda ome: ome.pop("plate"), "neither a plate nor an image"),
        (lambda ome: ome["plate"].update(wells="B03"), r"not valid OME-Zarr \(wells: .*list"),
        (lambda ome: ome["plate"].update(wells=[]), "no field that can be read: it lists no field"),
        (lambda ome: ome["plate"]["wells"][0].update(path="3/B"), "well at '3/B'"),
    ],
)
def test_a_damaged_plate_is_refused_by_name(tmp_path, damage, match):
    source = write_plate(tmp_path / "P.zarr")
    edit(source, 3, damage)
    with pytest.raises(ScreenFormatError, match=rf"{source} .*{match}"):
        read_screen(source, ReadOptions())


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda ome: ome["multiscales"].clear(), "not valid OME-Zarr"),
        (
            lambda ome: ome["multiscales"][0]["axes"].pop(),
            "has 3 axes, but its image names 2|y and x",
        ),
        (lambda ome: ome["multiscales"][0]["axes"][0].update(name="w"), r"axes \['w', 'y', 'x'\]"),
    ],
)
def test_a_damaged_image_is_refused_by_name(tmp_path, damage, match):
    source = tmp_path / "cells.zarr"
    write_image(zarr.open_group(source, mode="w"), 3)
    edit(source, 3, damage)
    with pytest.raises(ScreenFormatError, match=rf"{source}.*({match})"):
        read_screen(source, ReadOptions())


def test_an_absurd_number_of_channels_is_refused(tmp_path):
    source = tmp_path / "cells.zarr"
    write_image(zarr.open_group(source, mode="w"), 3)
    array = source / "0" / "zarr.json"
    content = json.loads(array.read_text())
    content["shape"][0] = 10**9
    array.write_text(json.dumps(content))
    with pytest.raises(ScreenFormatError, match="1000000000 channels; expected at most 100"):
        read_screen(source, ReadOptions())


def test_a_dataset_cannot_point_outside_the_store(tmp_path):
    source = write_plate(tmp_path / "P.zarr", wells=["A/1"], fields=1)
    (source / "A" / "1" / "0" / "0").rename(tmp_path / "elsewhere")
    edit(
        source / "A" / "1" / "0",
        3,
        lambda ome: ome["multiscales"][0]["datasets"][0].update(path="../../../../elsewhere"),
    )
    with pytest.raises(PathEscapeError, match="--allow-outside"):
        read_screen(source, ReadOptions())


def test_a_group_opens_by_its_metadata_file_too(tmp_path):
    source = write_plate(tmp_path / "P.zarr")
    assert read_screen(source / "zarr.json", ReadOptions()).n_sites == 4


def test_folders_without_zarr_are_not_claimed(tmp_path):
    (tmp_path / "empty.zarr").mkdir()
    assert not claims(tmp_path)
