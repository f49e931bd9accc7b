"""``tide inspect --json`` on every real folder, against the counts the data's own README gives."""

import json
import sys

import pytest

from napari_tide.cli.main import main

pytestmark = pytest.mark.real

PHENIX_1 = {
    "format": "phenix",
    "plate_names": ["BR00121482"],
    "channels": ["Mito", "AGP", "RNA", "ER", "DNA", "Brightfield"],
    "missing_files": 0,
}
PHENIX_7 = {"format": "phenix", "n_channels": 7, "missing_files": 7}
DENSE = {"format": "file_names", "n_channels": 5, "missing_files": 0}
MIXED = {"format": "file_names", "n_channels": 6, "missing_files": 0}
NAMED = {
    "format": "file_names",
    "channels": ["ER", "RNA", "DNA", "Mito", "AGP"],
    "missing_files": 0,
}
RXRX = {
    "format": "rxrx",
    "plate_names": ["HEPG2-08_1"],
    "channels": ["DNA", "ER", "Actin", "RNA", "Mito", "Golgi"],
    "missing_files": 0,
}
FOLDERS = {
    "phenix_v1": PHENIX_1,
    "phenix_v7_index_only": PHENIX_7,
    "jump_dense_5ch": DENSE,
    "br00143976_c03_s3": MIXED,
    "named_5ch_520x696": NAMED,
    "rxrx1_hepg2_08_1_b02": RXRX,
}


def inspected(monkeypatch, capsys, *words, status=0):
    monkeypatch.setattr(sys, "argv", ["tide", "inspect", *map(str, words), "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capsys.readouterr()
    assert stopped.value.code == status, err
    summary = json.loads(out)
    return {**summary, "n_channels": len(summary["channels"])}


def test_every_folder_of_images_is_in_the_table(real):
    assert {path.name for path in (real / "images").iterdir() if path.is_dir()} == {*FOLDERS}


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_of_images_opens_with_the_counts_its_readme_gives(
    real, monkeypatch, capsys, name
):
    summary = inspected(monkeypatch, capsys, real / "images" / name)
    assert (summary["plates"], summary["wells"], summary["sites"]) == (1, 1, 1)
    expected = FOLDERS[name]
    assert {key: summary[key] for key in expected} == expected


def test_the_pixel_size_of_phenix_is_the_one_on_the_instrument(real, monkeypatch, capsys):
    summary = inspected(monkeypatch, capsys, real / "images/phenix_v1")
    assert summary["pixel_size_um"] == pytest.approx(0.598, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "well", "site"), [("jump_dense_5ch", "A11", 1), ("br00143976_c03_s3", "C03", 3)]
)
def test_wells_come_from_phenix_names(real, monkeypatch, capsys, tmp_path, name, well, site):
    out = tmp_path / "screen.csv"
    inspected(monkeypatch, capsys, real / "images" / name, "--out", out)
    (row,) = [line.split(",") for line in out.read_text().splitlines()[1:]]
    assert row[:3] == [name, well, str(site)]


@pytest.mark.parametrize(
    ("name", "n_planes", "flags"),
    [
        ("phenix_v1", 6, {"empty", "saturated"}),
        ("br00143976_c03_s3", 6, None),
        ("jump_dense_5ch", 5, set()),
        ("named_5ch_520x696", 5, None),
        ("rxrx1_hepg2_08_1_b02", 6, None),
    ],
)
def test_every_plane_can_be_read_and_the_readmes_flags_are_found(
    real, monkeypatch, capsys, name, n_planes, flags
):
    pixels = inspected(monkeypatch, capsys, real / "images" / name, "--check-pixels")["pixels"]
    assert (pixels["planes"], pixels["unreadable"]) == (n_planes, [])
    if flags is not None:  # the README says nothing of the others
        assert {flag for flag, n in pixels["flagged"].items() if n} == flags


def test_an_index_without_its_images_fails_only_when_pixels_are_asked_for(
    real, monkeypatch, capsys
):
    source = real / "images/phenix_v7_index_only"
    summary = inspected(monkeypatch, capsys, source, "--check-pixels", status=2)
    assert (summary["pixels"]["planes"], len(summary["pixels"]["unreadable"])) == (7, 7)


@pytest.mark.parametrize(
    ("name", "plate", "wells", "n_channels"),
    [
        ("BR00143976_concatenated_with_illum.csv.gz", "BR00143976", 240, 6),
        ("BR00135656_load_data_with_illum.csv.gz", "BR00135656", 384, 8),
    ],
)
def test_load_data_tables_have_nine_sites_a_well(
    real, monkeypatch, capsys, name, plate, wells, n_channels
):
    summary = inspected(monkeypatch, capsys, real / "load_data" / name)
    assert (summary["format"], summary["plate_names"]) == ("load_data", [plate])
    assert (summary["wells"], summary["sites"]) == (wells, 9 * wells)
    assert summary["n_channels"] == n_channels
    assert summary["missing_files"] == 9 * wells * n_channels  # the images are not part of the data


def test_a_folder_with_two_tables_reads_the_load_data_and_tells_of_the_other(
    real, monkeypatch, capsys
):
    summary = inspected(monkeypatch, capsys, real / "load_data")
    assert summary["plate_names"] == ["BR00135656"]
    told = [text for text in summary["warnings"] if "BR00143976_concatenated" in text]
    assert len(told) == 1
    assert "open it by itself" in told[0]


@pytest.mark.parametrize(
    ("name", "level", "samples", "genes", "n_compounds", "n_doses"),
    [
        ("test_l1000.gct.gz", "3", 377, 978, 59, 6),
        ("test_l1000_highprecision.gctx", "4", 377, 978, 59, 6),
        ("modzs_n272x978.gctx", "5", 272, 978, None, 5),
    ],
)
def test_expression_files_are_counted(
    real, monkeypatch, capsys, name, level, samples, genes, n_compounds, n_doses
):
    monkeypatch.setattr(sys, "argv", ["tide", "inspect", str(real / "l1000" / name), "--json"])
    with pytest.raises(SystemExit, match="0"):
        main()
    summary = json.loads(capsys.readouterr().out)
    assert summary["format"] == name.removesuffix(".gz").rpartition(".")[2]
    assert (summary["level"], summary["samples"], summary["genes"]) == (level, samples, genes)
    assert len(summary["doses"]) == n_doses
    if n_compounds is not None:
        assert summary["compounds"] == n_compounds
