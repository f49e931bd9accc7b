import contextlib

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_tide.errors import TideError
from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.open_screen import annotate_screen

HEADERS = [
    "well", "Well", "row", "column", "plate", "compound", "pert_iname", "treatment", "smiles",
    "dose", "dose_nM", "mmoles_per_liter", "dose_unit", "gene", "control", "control_type", "batch",
    "InChIKey", "plate_map", "experiment", "path_DNA", "site", "x", "", "well_id", "sirna",
    "solvent", "moa", "broad_sample", "pert_type",
]  # fmt: skip
WORDS = ["", "DMSO", "taxol", "CCO |c:1|", "nonsense", "negcon", "True", "x|y", "NA", "P1", "1"]
CELLS = [
    "", "A01", "A1", "a2", "P1", "P2", "B", "2", "0", "-1", "1e-3", "10 uM", "NA", "nan", "inf",
    "DMSO", "taxol", "CCO |c:1|", "nonsense", "negcon", "True", "x|y", "../up", "µM", "P1_A01", "'",
]  # fmt: skip


def screen_at(root):
    rows = [("P1", well, 1, "DAPI", f"{well}.tif") for well in ("A01", "A02")]
    columns = ["plate", "well", "site", "label", "address"]
    sites = pd.DataFrame(rows, columns=columns)
    return assemble_screen(sites, root=root, format="test", source="here")


@st.composite
def tables(draw):
    """Anything at all: most of it is no plate map."""
    headers = draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=6))
    cells = st.lists(st.sampled_from(CELLS), min_size=len(headers), max_size=len(headers))
    return [headers, *draw(st.lists(cells, max_size=4))]


@st.composite
def plate_maps(draw):
    """Right wells, and anything in words beside them."""
    others = [name for name in HEADERS if "well" not in name.lower() and "mol" not in name]
    headers = draw(st.lists(st.sampled_from(others), max_size=6))
    wells = draw(st.permutations(["A01", "a2", "B03"]))
    cells = st.lists(st.sampled_from(WORDS), min_size=len(headers), max_size=len(headers))
    return [["well", *headers], *([well, *draw(cells)] for well in wells)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(tables(), plate_maps()), st.one_of(tables(), plate_maps()))
def test_only_our_own_errors_come_out_of_any_map_and_metadata(tmp_path, plate_map, metadata):
    paths = tmp_path / "map.csv", tmp_path / "metadata.csv"
    for path, rows in zip(paths, (plate_map, metadata), strict=True):
        path.write_text("\n".join(map(",".join, rows)))
    screen = screen_at(tmp_path)
    for arguments in ({"plate_map": paths[0]}, {"plate_map": paths[0], "metadata": paths[1:]}):
        with contextlib.suppress(TideError):
            found = annotate_screen(screen, **arguments).sites
            assert found["path_DNA"].tolist() == ["A01.tif", "A02.tif"]
            assert found["control"].isin(["", "negcon", "poscon"]).all()
            assert found["perturbation_type"].isin(["", "compound", "crispr", "control"]).all()
