import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from napari_tide.cli.main import app, main
from napari_tide.cli.site_progress import SitePace
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import read_profiles, write_profiles
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, ChannelIntensity, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig

SMILES = ("CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "CN1C=NC2=C1C(=O)N(C)C(=O)N2C")
FAST = ("--device", "cpu", "--precision", "fp32")


@pytest.fixture
def make_student(tmp_path):
    def make(kind="vit", channels=("DNA", "ER", "Mito")):
        torch.manual_seed(0)
        encoder = EncoderConfig(
            kind=kind, channels=channels, width=24, depth=1, heads=2, image_px=32
        )
        codebook = CodebookConfig(n_drugs=6, n_features=16, hidden=8)
        features = (torch.rand(6, 16) < 0.4).to(torch.uint8)
        student = Student(StudentConfig(encoder=encoder, codebook=codebook), features).eval()
        intensity = {name: ChannelIntensity(low=0, high=1000) for name in channels}
        config = BundleConfig(
            name="tiny",
            student=student.config,
            drugs=tuple(Drug(name=f"drug{i}", smiles="C" * (i + 1)) for i in range(6)),
            intensity={} if kind == "features" else intensity,
            tile_px=32,
        )
        save_bundle(student, config, tmp_path / f"student-{kind}")
        return str(tmp_path / f"student-{kind}")

    return make


def tide(*words):
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def failing(monkeypatch, capsys, *words):
    """Run as the installed command does, and give the one line on stderr."""
    monkeypatch.setattr(sys, "argv", ["tide", *(str(word) for word in words)])
    with pytest.raises(SystemExit, match="2"):
        main()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_screen_becomes_profiles_and_json_says_how(plate_folder, make_student, tmp_path):
    out = tmp_path / "p.parquet"
    broken = plate_folder / "P1" / "B03_s2_ER.tif"
    broken.write_bytes(broken.read_bytes()[:200])
    words = ("profile", plate_folder, "--student", make_student(), *FAST, "--json")
    facts = json.loads(tide(*words, "--out", out, "--level", "well").stdout)
    assert (facts["level"], facts["device"], facts["precision"]) == ("well", "cpu", "fp32")
    assert (facts["n_sites"], facts["n_resumed"], facts["is_complete"]) == (27, 0, True)
    (skipped,) = facts["skipped"]
    assert (skipped["plate"], skipped["well"], skipped["site"]) == ("P1", "B03", 2)
    assert "B03_s2_ER.tif" in skipped["reason"]
    profiles = read_profiles(out)
    assert (profiles.level, len(profiles)) == ("well", 14)
    assert facts["student"] == profiles.student


def test_people_are_told_where_it_went_and_what_was_skipped(plate_folder, make_student, tmp_path):
    (plate_folder / "P2" / "C03_s1_DNA.tif").unlink()
    words = ("profile", plate_folder, "--student", make_student(), *FAST)
    result = tide(*words, "--out", tmp_path / "p.h5ad")
    first, second, third = result.stdout.splitlines()
    assert first.startswith(f"26 of 27 sites, tile profiles: {tmp_path / 'p.h5ad'} (")
    assert second == f"skipped 1, listed in {tmp_path / 'p.h5ad'}.skipped.csv:"
    assert third.startswith("  P2 C03 site 1: ")
    assert "tide profile: 27 of 27 sites" in result.stderr
    table = anndata.read_h5ad(tmp_path / "p.h5ad")
    assert table.shape == (26 * 4, 24)
    assert table.uns["level"] == "tile"


def test_a_table_goes_through_a_student_of_features(make_student, tmp_path):
    columns = ("Cells_Area", "Nuclei_Area", "Cells_Texture")
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(8, 3)), columns=columns)
    table.insert(0, "Metadata_Well", [f"A{i // 2 + 1:02d}" for i in range(8)])
    table.insert(0, "Metadata_Plate", "P1")
    table.to_csv(tmp_path / "cells.csv", index=False)
    student = make_student("features", columns)
    out = tmp_path / "p.parquet"
    facts = json.loads(
        tide(
            "profile", tmp_path / "cells.csv", "--student", student, *FAST, "--out", out, "--json"
        ).stdout
    )
    assert (facts["rows"], facts["level"]) == (8, "well")
    rows = read_profiles(out)
    assert rows.features.shape == (8, 24)
    tide(
        "profile", tmp_path / "cells.csv", "--student", student, *FAST, "--out", out,
        "--overwrite", "--level", "well",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "p.txt"), "does not end in .parquet or .h5ad"),
        (("--out", "p.parquet", "--cluster", "here"), "expected local:4 or tcp://host:8786"),
        (("--out", "p.parquet", "--channels", "DNA"), "expected it like ch1=DNA,ch2=ER"),
        (("--out", "p.parquet", "--level", "pixel"), "pixel"),
        (("--out", "p.parquet", "--device", "cuda"), "Available: ['cpu']"),
    ],
    ids=["ending", "cluster", "channels", "level", "device"],
)
def test_bad_options_are_one_line(
    plate_folder, make_student, tmp_path, monkeypatch, capsys, words, said
):
    monkeypatch.chdir(tmp_path)
    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    student = make_student()
    assert said in failing(
        monkeypatch, capsys, "profile", plate_folder, "--student", student,
        "--precision", "fp32", *words,
    )  # fmt: skip
    assert not list(tmp_path.glob("p.*"))


def test_profiles_for_a_student_of_images_are_refused(make_student, tmp_path, monkeypatch, capsys):
    metadata = pd.DataFrame({"Metadata_Plate": ["P1"] * 4, "Metadata_Well": ["A01"] * 4})
    write_profiles(Profiles(metadata, np.ones((4, 2)), ("a", "b")), tmp_path / "in.parquet")
    words = ("--student", make_student(), "--out", tmp_path / "p.parquet")
    said = failing(monkeypatch, capsys, "profile", tmp_path / "in.parquet", *words)
    assert "holds profiles already, and student tiny reads images" in said


def test_pace_counts_only_this_run():
    clock = iter([0.0, 10.0, 20.0])
    pace = SitePace(lambda: next(clock))
    assert pace.update(500, 1000) == "500 of 1000 sites"
    assert pace.update(520, 1000) == "520 of 1000 sites, 2.0 sites/s, 4 min 00 s left"
    assert pace.update(500 + 2, 10_000) == "502 of 10000 sites, 0.10 sites/s, 26 h 23 min left"


SLOWLY = """
import sys, time
from napari_tide.imaging import prepared_field
read = prepared_field.read_plane
prepared_field.read_plane = lambda address: (time.sleep(0.05), read(address))[1]
from napari_tide.cli.main import main
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process there")
def test_ctrl_c_stops_between_batches_and_says_how_to_go_on(plate_folder, make_student, tmp_path):
    out = tmp_path / "p.parquet"
    words = ["profile", plate_folder, "--student", make_student(), *FAST, "--out", out]
    words += ["--batch-size", "4"]
    command = [sys.executable, "-c", SLOWLY, *map(str, words)]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert "of 27 sites" in child.stderr.readline()
    child.send_signal(signal.SIGINT)
    printed, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert printed == ""
    assert "stopping after this batch; press Ctrl-C again to stop at once" in said
    assert "run the same command again to go on" in said.splitlines()[-1]
    assert not out.exists()
    resumed = tide(*words, "--json")
    assert json.loads(resumed.stdout)["is_complete"]


@pytest.fixture
def table_with_molecules(tmp_path):
    smiles = [*SMILES, "CCN", "CCCC", "not a molecule", ""] * 4
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": [f"A{i + 1:02d}" for i in range(32)],
            "Metadata_Compound": [f"drug of {name}" for name in smiles],
            "Metadata_SMILES": smiles,
        }
    )
    rows = np.random.default_rng(0).normal(size=(32, 6)).astype(np.float32)
    write_profiles(Profiles(metadata, rows, tuple("abcdef")), tmp_path / "p.parquet")
    return tmp_path / "p.parquet"


@pytest.fixture
def _quick_maps(monkeypatch):
    """The first two columns instead of UMAP, whose import alone takes seconds."""
    monkeypatch.setattr(
        "napari_tide.profiles.project.project", lambda rows, space: rows[:, :2].astype(np.float32)
    )


@pytest.mark.slow
def test_the_same_profiles_give_the_same_map(table_with_molecules, tmp_path):
    for name in ("one", "two"):
        tide("project", table_with_molecules, "--out", tmp_path / f"{name}.parquet")
    one, two = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("one", "two"))
    assert one.equals(two)
    assert np.isfinite(one[["umap_x", "umap_y"]].to_numpy()).all()


@pytest.mark.usefixtures("_quick_maps")
def test_a_map_of_profiles_keeps_their_metadata(table_with_molecules, tmp_path):
    tide("project", table_with_molecules, "--out", tmp_path / "u.parquet")
    before, found = read_profiles(table_with_molecules), pd.read_parquet(tmp_path / "u.parquet")
    assert list(found.columns) == [*before.metadata.columns, "umap_x", "umap_y"]
    np.testing.assert_array_equal(found[["umap_x", "umap_y"]], before.features[:, :2])


@pytest.mark.usefixtures("_quick_maps")
def test_a_map_of_molecules_has_each_once(table_with_molecules, tmp_path):
    words = ("project", table_with_molecules, "--space", "fingerprint")
    said = tide(*words, "--out", tmp_path / "f.csv").stdout
    assert "1 SMILES left out, RDKit cannot read them: 'not a molecule'" in said
    molecules = pd.read_csv(tmp_path / "f.csv")
    assert molecules["Metadata_SMILES"].tolist() == [*SMILES, "CCN", "CCCC"]
    assert (molecules["Metadata_Count"] == 4).all()
    assert molecules["Metadata_Compound"][0] == "drug of CCO"


@pytest.mark.usefixtures("_quick_maps")
def test_a_map_of_a_codebook_has_the_drugs(make_student, tmp_path):
    student = make_student()
    words = ("project", "--space", "codebook", "--student", student)
    facts = json.loads(tide(*words, "--out", tmp_path / "c.parquet", "--json").stdout)
    assert facts["points"] == 6
    drugs = pd.read_parquet(tmp_path / "c.parquet")
    assert drugs["Metadata_Compound"].tolist() == [f"drug{i}" for i in range(6)]
    assert drugs["Metadata_SMILES"][1] == "CC"
    with torch.inference_mode():
        prototypes = load_bundle(Path(student)).student.codebook().numpy()
    np.testing.assert_array_equal(drugs[["umap_x", "umap_y"]], prototypes[:, :2])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--space", "codebook"), "needs its student"),
        (("--space", "fingerprint"), "needs a profile table"),
        (("nowhere.parquet",), "nowhere.parquet is not there"),
    ],
)
def test_maps_that_cannot_be_made(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert said in failing(monkeypatch, capsys, "project", *words, "--out", "u.parquet")


def test_nothing_heavy_is_imported_for_help():
    heavy = "('torch', 'umap', 'rdkit')"
    code = f"import sys, napari_tide.cli.main; print([n for n in {heavy} if n in sys.modules])"
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
