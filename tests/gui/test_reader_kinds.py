"""Each kind of screen dropped on napari: ``viewer.open`` with the plugin named."""

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from napari.components import ViewerModel

pytestmark = pytest.mark.gui


def write_folder(folder, plate_folder):
    del folder
    return plate_folder


def write_load_data(folder, plate_folder):
    del plate_folder
    table = {"Metadata_Plate": ["P1"], "Metadata_Well": ["B02"], "Metadata_Site": [1]}
    for channel in ("DNA", "ER"):
        tifffile.imwrite(folder / f"{channel}.tif", ramp(channel))
        table |= {f"FileName_Orig{channel}": [f"{channel}.tif"]}
        table |= {f"PathName_Orig{channel}": [str(folder)]}
    pd.DataFrame(table).to_csv(folder / "load_data.csv", index=False)
    return folder / "load_data.csv"


def write_index(folder, plate_folder):
    del plate_folder
    images = ""
    for number, (label, stain) in enumerate((("HOECHST 33342", "DNA"), ("Alexa 488", "ER")), 1):
        url = f"r02c02f01p01-ch{number}sk1fk1fl1.tiff"
        tifffile.imwrite(folder / url, ramp(stain))
        images += (
            f"<Image><State>Ok</State><URL>{url}</URL><Row>2</Row><Col>2</Col><FieldID>1</FieldID>"
            f"<PlaneID>1</PlaneID><TimepointID>0</TimepointID><ChannelID>{number}</ChannelID>"
            f'<ChannelName>{label}</ChannelName><ImageResolutionX Unit="m">5.98E-07'
            "</ImageResolutionX></Image>"
        )
    (folder / "Index.xml").write_text(
        '<EvaluationInputData xmlns="http://www.perkinelmer.com/Harmony/V5"><Plates><Plate>'
        "<PlateID>P1</PlateID><Name>P1</Name><PlateRows>8</PlateRows><PlateColumns>12"
        f"</PlateColumns></Plate></Plates><Maps/><Images>{images}</Images></EvaluationInputData>"
    )
    return folder / "Index.xml"


def write_zarr(folder, plate_folder):
    del plate_folder
    root = zarr.open_group(folder / "P1.zarr", mode="w", zarr_format=3)
    names = {"rows": [{"name": n} for n in "ABCDEFGH"], "columns": [{"name": "2"}]}
    wells = [{"path": "B/2", "rowIndex": 1, "columnIndex": 0}]
    root.attrs["ome"] = {"version": "0.5", "plate": {**names, "wells": wells}}
    well = root.create_group("B/2")
    well.attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": "0"}]}}
    image = well.create_group("0")
    planes = np.stack([ramp("DNA"), ramp("ER")])
    image.create_array("0", shape=planes.shape, chunks=planes.shape, dtype="uint16")[:] = planes
    scale = [{"type": "scale", "scale": [1.0, 0.65, 0.65]}]
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
    image.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [
            {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
        ],
        "omero": {"channels": [{"label": "Hoechst"}, {"label": "ER"}]},
    }
    return folder / "P1.zarr"


def ramp(channel):
    plane = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48)
    plane[0, 0] = {"DNA": 4001, "ER": 4002}[channel]
    return plane


@pytest.mark.parametrize(
    ("write", "pixel_size_um", "extra"),
    [
        (write_folder, 0.6, ["Mito"]),
        (write_load_data, None, []),
        (write_index, 0.598, []),
        (write_zarr, 0.65, []),
    ],
    ids=["folder", "load_data", "index", "zarr"],
)
def test_layers_have_names_scale_and_units(
    tmp_path, plate_folder, code_of, write, pixel_size_um, extra
):
    folder = tmp_path / "screen"
    folder.mkdir()
    viewer = ViewerModel()
    layers = viewer.open(write(folder, plate_folder), plugin="napari-tide")
    assert [layer.name for layer in layers] == ["DNA", "ER", *extra]
    assert list(viewer.layers) == layers
    firsts = [4001, 4002]
    if write is write_folder:
        firsts = [code_of("P1", "B02", 1, channel) for channel in ("DNA", "ER", "Mito")]
    assert [int(layer.data[0, 0]) for layer in layers] == firsts
    unit = "micrometer" if pixel_size_um else "pixel"
    for layer in layers:
        assert tuple(layer.scale) == pytest.approx((pixel_size_um or 1.0,) * 2)
        assert [str(found) for found in layer.units] == [unit, unit]
        assert layer.axis_labels == ("y", "x")
        assert layer.metadata["napari_tide"]["well"] == "B02"
    assert viewer.layers.extent.units == layers[0].units
