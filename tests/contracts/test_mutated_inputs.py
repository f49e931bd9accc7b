"""Whatever is wrong with an input file, only our own one-line errors come out.

A valid input of every format is damaged byte by byte, line by line, value by value and name by
name. A format is one line in `FORMATS`: how to write a valid input, and how to use it.
"""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_tide.errors import TideError
from napari_tide.imaging.illumination import load_illumination
from napari_tide.imaging.planes import read_plane
from napari_tide.plane_address import PlaneAddress
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.store import read_profiles, write_profiles
from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.open_screen import annotate_screen
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import READERS, read_screen
from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx

REAL = Path(__file__).parents[2].parent / "shared" / "real"
CASES_BY_DEFAULT = 105
CASES_IN_SLOW_SET = 3800
LONGEST_MESSAGE = 850


# what must hold for whatever comes out


def use_screen(source):
    """Open a screen and ask it what a user would."""
    screen = read_screen(source, ReadOptions())
    assert screen.n_sites > 0
    assert len({*screen.channel_names}) == len(screen.channels) > 0
    assert all(name.strip() for name in screen.channel_names)
    assert not screen.sites.duplicated(["plate", "well", "site"]).any()
    assert screen.pixel_size_um is None or 0 < screen.pixel_size_um < math.inf
    assert all(len(warning.splitlines()) == 1 for warning in screen.warnings)
    for plate in screen.plate_names:
        shown = screen.plate(plate)
        assert all(shown.format.contains(well) for well in shown.wells)
    for row in (0, screen.n_sites - 1):
        site = screen.site_at(row)
        assert screen.site(site.plate, site.well, site.number).planes == site.planes
        for address in site.planes.values():
            assert str(address.path).startswith(str(screen.root) + os.sep)
    assert all(isinstance(path, str) for path in screen.missing_files())
    return screen


def use_and_save_screen(source):
    """Open a screen, save it as a table, and open that."""
    screen = use_screen(source)
    saved = source.parent / "saved" / "screen.parquet"
    save_screen(screen, saved)
    again = read_screen(saved, ReadOptions(allow_outside=True))
    assert again.channel_names == screen.channel_names
    assert again.n_sites == screen.n_sites


# the formats: how to write a valid input


def write_screen_table(name):
    def write(folder):
        rows = [
            {"plate": "P1", "well": well, "site": site, "label": label, "address": f"{n}.tif"}
            for n, (well, site, label) in enumerate(
                (well, site, label)
                for well in ("A01", "B12", "H07")
                for site in (1, 2)
                for label in ("DAPI", "ER")
            )
        ]
        screen = assemble_screen(
            pd.DataFrame(rows), root=folder, format="test", source="test", pixel_size_um=0.6
        )
        sites = screen.sites.assign(compound="drug é", dose_um=1.5, smiles="CCO", control="negcon")
        save_screen(screen.with_sites(sites), folder / name)
        return folder / name

    return write


def write_load_data(folder):
    path = folder / "load_data.csv"
    columns = [
        f"{kind}_Orig{label}" for label in ("DNA", "ER") for kind in ("FileName", "PathName")
    ]
    rows = [[*columns, "Metadata_Plate", "Metadata_Well", "Metadata_Site", "Metadata_Col"]]
    rows += [
        [f"{well}_d.tif", "/old/P1/Images", f"{well}_e.tif", "/old/P1/Images", "P1", well, "1", "2"]
        for well in ("A01", "A02", "P24")
    ]
    path.write_text("\n".join(map(",".join, rows)) + "\n")
    return path


def write_phenix(folder):
    plate = "<PlateID>P1</PlateID><PlateRows>8</PlateRows><PlateColumns>12</PlateColumns>"
    profile = (
        "{Coefficients: [[1.0], [0.1, 0.2]], Dims: [10, 10], Origin: [4.5, 4.5], "
        "Scale: [0.1, 0.1], Type: Polynomial}"
    )
    flat = f"{{Foreground: {{Character: NonFlat, Profile: {profile}}}, Channel: 1}}"
    images = "\n".join(
        f"<Image><id>{row}K1F1P1R{channel}</id><State>Ok</State>\n"
        f"<URL>r0{row}-ch{channel}.tiff</URL>\n<Row>{row}</Row>\n<Col>3</Col>\n"
        f"<FieldID>1</FieldID>\n<PlaneID>1</PlaneID>\n<TimepointID>0</TimepointID>\n"
        f"<ChannelID>{channel}</ChannelID>\n<ChannelName>{name}</ChannelName>\n"
        "<ImageResolutionX>5.9E-07</ImageResolutionX>\n<PositionX>-4E-06</PositionX></Image>"
        for row in (1, 2)
        for channel, name in ((1, "HOECHST 33342"), (2, "Alexa 488"))
    )
    path = folder / "Index.idx.xml"
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<EvaluationInputData xmlns="43B2A954-E3C3-47E1-B392-6635266B0DD3/HarmonyV7">\n'
        f"<Plates><Plate>{plate}</Plate></Plates>\n<Maps><Map>\n"
        f'<Entry ChannelID="1"><FlatfieldProfile>{flat}</FlatfieldProfile></Entry>\n'
        f"</Map></Maps><Images>\n{images}\n</Images></EvaluationInputData>\n"
    )
    return path


def write_named_images(folder):
    source = folder / "named"
    source.mkdir()
    for well in ("B03", "P24"):
        for label in ("DAPI", "ER"):
            (source / f"{well}_s1_{label}.tif").touch()
    return source


def copy_of_real(*parts):
    def write(folder):
        real = REAL.joinpath(*parts)
        if not real.is_file():
            pytest.skip("no real data beside the checkout")
        (folder / real.name).write_bytes(real.read_bytes())
        return folder / real.name

    return write


def write_ome_zarr(version):
    def write(folder):
        source = folder / "plate.zarr"
        root = zarr.open_group(source, mode="w", zarr_format=version)

        def describe(group, **attributes):
            group.attrs.update({"ome": attributes} if version == 3 else attributes)

        grid = {"rows": [{"name": "A"}, {"name": "B"}], "columns": [{"name": "1"}, {"name": "2"}]}
        wells = [{"path": path, "rowIndex": 0, "columnIndex": 0} for path in ("A/1", "B/2")]
        describe(root, plate={"name": "P1", "wells": wells, **grid, "version": "0.4"})
        axes = [{"name": name, "unit": "micrometer"} for name in "czyx"]
        scale = [{"type": "scale", "scale": [1, 1, 0.5, 0.5]}]
        multiscale = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
        for well in ("A/1", "B/2"):
            group = root.create_group(well)
            describe(group, well={"images": [{"path": "0", "acquisition": 1}, {"path": "1"}]})
            for field in ("0", "1"):
                image = group.create_group(field)
                channels = [{"label": "DAPI", "color": "0000FF"}, {"label": "ER"}]
                describe(image, multiscales=[multiscale], omero={"channels": channels})
                image.create_array("0", shape=(2, 1, 4, 4), chunks=(1, 1, 4, 4), dtype="uint16")
        return source

    return write


def write_image_express(folder):
    guid = "9DE56250-C587-48D8-8840-5A322A3F0177"
    lines = ['"HTSInfoFile", Version 1.0', '"XWells", 12', '"YWells", 8', '"TimePoints", 1']
    lines += ['"WellsSelection1", TRUE, TRUE, FALSE', '"Sites", TRUE', '"XSites", 2', '"YSites", 1']
    lines += ['"NWavelengths", 2', '"WaveName1", "DAPI"', '"WaveName2", "Cy5 é"', '"EndFile"']
    source = folder / "P1"
    (source / "TimePoint_1").mkdir(parents=True)
    (source / "P1.HTD").write_text("\n".join(lines) + "\n", encoding="latin-1")
    scale = '<prop id="spatial-calibration-x" type="float" value="0.3375"/>'
    units = '<prop id="spatial-calibration-units" type="string" value="um"/>'
    for well in ("A01", "A02"):
        for wave in (1, 2):
            name = f"P1_{well}_s1_w{wave}{guid}.tif"
            (source / "TimePoint_1" / name).write_text(scale + units)
    return source


def write_rxrx(folder):
    source = folder / "rxrx"
    plate = source / "images" / "HEPG2-08" / "Plate1"
    plate.mkdir(parents=True)
    for well in ("B02", "B03"):
        for channel in range(1, 7):
            (plate / f"{well}_s1_w{channel}.png").touch()
    return source


def write_plate_map(folder):
    rows = ["well,compound,smiles,dose,control", "A01,DMSO,,0,negcon", "B12,taxol,CCO,10 uM,"]
    (folder / "map.csv").write_text("\n".join([*rows, "H07,x,C[N+](C)C,500 nM,poscon"]) + "\n")
    return folder / "map.csv"


def join_plate_map(source):
    planes = [("P1", well, 1, "DNA", f"{well}.tif") for well in ("A01", "B12", "H07")]
    screen = assemble_screen(
        pd.DataFrame(planes, columns=["plate", "well", "site", "label", "address"]),
        root=source.parent,
        format="test",
        source="test",
    )
    joined = annotate_screen(screen, plate_map=source)
    assert set(joined.sites["control"]) <= {"", "negcon", "poscon"}
    assert joined.n_sites == 3


def expression():
    samples = pd.DataFrame(
        {"cmap_name": ["DMSO", "taxol"], "cell_iname": "A549", "pert_idose": "10 uM"},
        index=pd.Index(["s1", "s2"]),
    )
    genes = pd.DataFrame({"symbol": ["TP53", "MYC", "ACTB"]}, index=pd.Index(["1", "2", "3"]))
    return ExpressionTable(np.arange(6, dtype=np.float32).reshape(2, 3), samples, genes, "3")


def write_expression(folder):
    write_gctx(expression(), folder / "small.gctx")
    return folder / "small.gctx"


def write_gct(folder):
    lines = ["#1.3", "3\t2\t1\t2", "id\tsymbol\ts1\ts2", "cmap_name\tna\tDMSO\ttaxol"]
    lines += ["pert_idose\tna\t-666\t10 uM", "1\tTP53\t1.5\t2", "2\tMYC\t3\t4", "3\tACTB\t5\t6"]
    (folder / "small.gct").write_text("\n".join(lines) + "\n")
    return folder / "small.gct"


def read_expression(source):
    file = open_expression(source)
    table = file.read()
    assert table.values.shape == (file.n_samples, file.n_genes)


def write_tiff(folder):
    plane = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32)
    tifffile.imwrite(folder / "plane.tif", plane, compression="lzw")
    return folder / "plane.tif"


def read_one_plane(source):
    plane = read_plane(PlaneAddress(source))
    assert plane.ndim == 2
    assert plane.size


def write_illumination(folder):
    np.save(folder / "illum.npy", np.linspace(1, 2, 64, dtype=np.float32).reshape(8, 8))
    return folder / "illum.npy"


def evaluate_illumination(source):
    values = load_illumination(PlaneAddress(source)).evaluate((8, 8))
    assert np.isfinite(values).all()
    assert (values > 0).all()


def evaluate_flatfield(source):
    address = PlaneAddress(source, (("channel", 1),))
    assert np.isfinite(load_illumination(address).evaluate((10, 10))).all()


def write_profile_table(name):
    def write(folder):
        metadata = pd.DataFrame(
            {"Metadata_Plate": "P1", "Metadata_Well": ["A01", "A02"], "Metadata_Control": "negcon"}
        )
        features = np.arange(6, dtype=np.float32).reshape(2, 3)
        profiles = Profiles(metadata, features, embedding_names(3), "well", "student")
        if name.endswith(".parquet"):
            write_profiles(profiles, folder / name)
        else:
            columns = pd.DataFrame(features, columns=list(embedding_names(3)))
            pd.concat([metadata, columns], axis=1).to_csv(folder / name, index=False)
        return folder / name

    return write


def use_profiles(source):
    profiles = read_profiles(source)
    assert len(profiles) > 0
    assert profiles.is_control.shape == (len(profiles),)


@dataclass(frozen=True)
class Format:
    """A format under test.

    `write` puts a valid input beneath a folder and gives what a user would open; `use` opens it and
    checks what comes out. With `names`, files are renamed instead of rewritten.
    """

    write: Callable[[Path], Path]
    use: Callable[[Path], object] = use_screen
    names: bool = False


FORMATS = {
    "screen_table.parquet": Format(write_screen_table("screen.parquet")),
    "screen_table.csv": Format(write_screen_table("screen.csv"), use_and_save_screen),
    "load_data": Format(write_load_data, use_and_save_screen),
    "load_data of a Phenix plate": Format(
        copy_of_real("images", "phenix_v1", "load_data_version1.csv")
    ),
    "phenix": Format(write_phenix, use_and_save_screen),
    "phenix version 1": Format(copy_of_real("images", "phenix_v1", "Index.idx.xml")),
    "phenix version 7": Format(copy_of_real("images", "phenix_v7_index_only", "Index.xml")),
    "ome_zarr 0.4": Format(write_ome_zarr(2)),
    "ome_zarr 0.5": Format(write_ome_zarr(3)),
    "image_express": Format(write_image_express),
    "image_express names": Format(write_image_express, use_and_save_screen, names=True),
    "rxrx names": Format(write_rxrx, use_and_save_screen, names=True),
    "file_names names": Format(write_named_images, use_and_save_screen, names=True),
    "plate map": Format(write_plate_map, join_plate_map),
    "GCTX": Format(write_expression, read_expression),
    "GCT": Format(write_gct, read_expression),
    "TIFF plane": Format(write_tiff, read_one_plane),
    "illumination .npy": Format(write_illumination, evaluate_illumination),
    "Phenix flat field": Format(write_phenix, evaluate_flatfield),
    "profiles.parquet": Format(write_profile_table("p.parquet"), use_profiles),
    "profiles.csv": Format(write_profile_table("p.csv"), use_profiles),
}


# the test


def files_of(source):
    if source.is_file():
        return sorted(path for path in source.parent.iterdir() if path.is_file())
    return sorted(path for path in source.rglob("*") if path.is_file())


def check_use(subject, source, folder):
    try:
        subject.use(source)
    except TideError as error:
        message = str(error)
        assert len(message.splitlines()) == 1, "not one line"
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", message), "garbles a terminal"
        assert str(folder) in message, "does not name the file"
        assert len(message) <= LONGEST_MESSAGE, "too long to read"


def rewrite(path, damaged):
    """Damage a file's content, and give what mends it."""
    valid = path.read_bytes()
    path.write_bytes(damaged(valid))
    return lambda: path.write_bytes(valid)


def rename(path, damaged):
    """Damage a file's or folder's name, and give what mends it."""
    name = os.fsdecode(damaged(os.fsencode(path.name))[:200]).replace("/", "").replace("\0", "")
    new = path.with_name(name if name.strip(".") else "unnamed")
    if new.exists():
        return lambda: None
    path.rename(new)
    return lambda: new.rename(path)


def run_cases(subject, folder, damage, *, n_cases, **options):
    """Damage the input in `n_cases` ways, one after the other."""
    source = subject.write(folder)
    subject.use(source)
    paths = sorted(source.rglob("*")) if subject.names else files_of(source)

    @settings(
        max_examples=n_cases,
        deadline=timedelta(seconds=30),
        suppress_health_check=list(HealthCheck),
        database=None,
        **options,
    )
    @given(st.integers(0, len(paths) - 1), damage.of_names if subject.names else damage.of_contents)
    def run(which, edits):
        change = rename if subject.names else rewrite
        mend = change(paths[which], lambda valid: damage.apply(valid, edits))
        try:
            check_use(subject, source, folder)
        finally:
            mend()

    run()


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_input_gives_a_valid_result_or_one_line_that_names_it(name, tmp_path, damage):
    n_cases = CASES_BY_DEFAULT // len(FORMATS)
    run_cases(FORMATS[name], tmp_path, damage, n_cases=n_cases, derandomize=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_thousands_of_damaged_inputs_give_only_our_own_errors(name, tmp_path, damage):
    n_cases = math.ceil(CASES_IN_SLOW_SET / len(FORMATS))
    run_cases(FORMATS[name], tmp_path, damage, n_cases=n_cases)


def test_every_registered_reader_is_under_test():
    tested = {name.split(".", 1)[0].split()[0] for name in FORMATS}
    assert {reader.name for reader in READERS} <= tested
