"""Every kind of question through the Hits dock, on wells made to have one right answer each."""

import json
import shlex

import numpy as np
import pandas as pd
import pytest
import torch
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QFileDialog, QPushButton
from safetensors.torch import save_file
from typer.testing import CliRunner

from napari_tide._napari.hits_desk import hits_of
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.hits_dock import HitsDock
from napari_tide.chem.feature_settings import FingerprintSettings
from napari_tide.chem.molecular_features import features_like
from napari_tide.cli.main import app
from napari_tide.discovery.hit_table import read_hits
from napari_tide.inference.new_drugs import NewDrugs
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.store import write_profiles
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig

pytestmark = pytest.mark.gui

WIDTH, PLATES = 12, ("P1", "P2")
SMILES = {"taxol": "CC(=O)Nc1ccccc1", "docetaxel": "CCO", "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C"}
THEOBROMINE = "Cn1cnc2c1c(=O)[nH]c(=O)n2C"
GENES = [f"G{number}" for number in range(5)]


@pytest.fixture
def bundle(tmp_path):
    """A student whose head leaves embeddings as they are, with an adapter for signatures."""
    torch.manual_seed(0)
    features = FingerprintSettings(n_bits=256)
    bits = torch.from_numpy(features_like(list(SMILES.values()), features).of_all())
    encoder = EncoderConfig(kind="features", channels=("a", "b"), width=WIDTH, depth=1)
    codebook = CodebookConfig(mode="mlp", features=features, n_drugs=3, n_features=256, hidden=8)
    student = Student(StudentConfig(encoder=encoder, codebook=codebook), bits)
    with torch.no_grad():  # GELU(x + 20) is x + 20
        for layer, shift in ((student.head[0], 20.0), (student.head[2], -20.0)):
            layer.weight.copy_(torch.eye(WIDTH))
            layer.bias.fill_(shift)
    drugs = tuple(Drug(name=name, smiles=smiles) for name, smiles in SMILES.items())
    folder = tmp_path / "student"
    save_bundle(student, BundleConfig(name="small", student=student.config, drugs=drugs), folder)
    bundle = load_bundle(folder)
    adapter = folder / "rna_adapter"
    adapter.mkdir()
    weight, bias = torch.randn(WIDTH, len(GENES)), torch.zeros(WIDTH)
    save_file({"layers.0.weight": weight, "layers.0.bias": bias}, adapter / "adapter.safetensors")
    config = {"genes": GENES, "n_layers": 1, "width": WIDTH, "student": bundle.id}
    (adapter / "config.json").write_text(json.dumps(config))
    return bundle


@pytest.fixture
def signature(tmp_path):
    """Two signatures; the second is what taxol, docetaxel and TUBB do."""
    path = tmp_path / "signatures.tsv"
    table = pd.DataFrame([[0.0, 0, 0, 0, 1], [1.0, -1, 2, 0, 0]], ["other", "tubulin"], GENES)
    table.to_csv(path, sep="\t", index_label="id")
    return path


@pytest.fixture
def profiles(tmp_path, bundle):
    """Two plates: taxol, docetaxel and TUBB act alike, caffeine acts as theobromine would."""
    weight = load_adapter_weight(bundle.folder)
    tubulin = weight @ np.array([1.0, -1, 2, 0, 0])
    xanthine = NewDrugs(bundle).prototypes([THEOBROMINE]).numpy()[0]
    effects = {
        "taxol": tubulin, "docetaxel": tubulin, "caffeine": xanthine,
        "TUBB": tubulin, "ADORA": xanthine, "": np.zeros(WIDTH),
    }  # fmt: skip
    random, rows, features = np.random.default_rng(3), [], []
    for plate in PLATES:
        wells = [("DMSO", "", "negcon")] * 10 + [(name, "", "") for name in SMILES for _ in (1, 2)]
        wells += [("", gene, "") for gene in ("TUBB", "ADORA") for _ in (1, 2)]
        names = [f"A{n:02d}" for n in range(1, 11)] + ["C02", "C03", "C05", "D02", "D03", "D04"]
        names += ["E01", "E02", "E03", "E04"]
        for name, (compound, gene, control) in zip(names, wells, strict=True):
            rows.append((plate, name, compound, SMILES.get(compound, ""), gene, control))
            effect = effects[gene or (compound if compound in effects else "")]
            size = 4 / max(float(np.linalg.norm(effect)), 1e-9)
            features.append(size * effect + 0.3 * random.standard_normal(WIDTH))
    columns = ("Plate", "Well", "Compound", "SMILES", "Gene", "Control")
    metadata = pd.DataFrame(rows, columns=[f"Metadata_{name}" for name in columns])
    metadata["Metadata_Dose_uM"] = np.where(metadata["Metadata_SMILES"] != "", 5.0, np.nan)
    values = np.array(features, np.float32)
    found = Profiles(metadata, values, embedding_names(WIDTH), "well", bundle.id)
    write_profiles(found, tmp_path / "profiles.parquet")
    return tmp_path / "profiles.parquet"


def load_adapter_weight(folder):
    from safetensors.numpy import load_file

    return load_file(folder / "rna_adapter" / "adapter.safetensors")["layers.0.weight"]


@pytest.fixture
def viewer(plate_folder, bundle):
    viewer = ViewerModel()
    session = desk_of(viewer).session
    session.open(read_screen(plate_folder, ReadOptions()))
    session.choose_student(bundle.folder)
    return viewer


@pytest.fixture
def dock(qtbot, viewer, profiles):
    dock = HitsDock(viewer)
    qtbot.addWidget(dock)
    dock.show()
    hits = hits_of(viewer)
    qtbot.waitUntil(lambda: not hits.busy, timeout=10_000)
    dock.open_profiles(profiles)
    qtbot.waitUntil(lambda: hits.has_profiles and not hits.busy, timeout=10_000)
    return dock


@pytest.fixture
def ask(qtbot, dock, viewer):
    """Chooses a kind by its title, types, presses Search; gives the rows, or the sentence."""

    def ask(title, text="", sample=""):
        hits, kind = hits_of(viewer), dock.query.findChildren(QComboBox)[0]
        kind.setCurrentText(title)
        kind.activated.emit(kind.currentIndex())
        if text:
            dock.query.text.clear()
            qtbot.keyClicks(dock.query.text, text)
        if sample:
            qtbot.keyClicks(dock.query._sample, sample)
        search = next(b for b in dock.findChildren(QPushButton) if b.text() == "Search")
        qtbot.mouseClick(search, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not hits.busy, timeout=60_000)
        return dock.status.value() or hits.list.rows.table

    return ask


def best(found, column):
    """The first compound or gene of a list that may hold both."""
    return found[column][found[column] != ""].iloc[0]


def lasso_taxol_wells(desk):
    """Draw a line around the two wells of taxol on P1 in the map of wells, made one row."""
    maps, metadata = desk.maps.maps, desk.session.profiles.metadata
    places = np.stack([np.arange(len(metadata)), np.zeros(len(metadata))], axis=1)
    maps.show_places("profiles", places.astype(np.float32))
    here = metadata["Metadata_Plate"].eq("P1") & metadata["Metadata_Well"].isin(["C02", "C03"])
    first, last = np.flatnonzero(here)[[0, -1]]
    corners = [(first - 0.5, -1), (last + 0.5, -1), (last + 0.5, 1), (first - 0.5, 1)]
    maps.lasso("profiles", corners, "replace")


def test_every_kind_of_question_finds_what_was_made_alike(ask, dock, viewer, signature):
    found = ask("Structure", THEOBROMINE)
    assert (best(found, "compound"), best(found, "gene")) == ("caffeine", "ADORA")
    found = ask("L1000 signature", str(signature), "tubulin")
    assert set(found["compound"][found["compound"] != ""].iloc[:2]) == {"taxol", "docetaxel"}
    assert best(found, "gene") == "TUBB"
    found = ask("Like a compound", "taxol")
    assert found["compound"].tolist() == ["docetaxel", "caffeine"]  # without itself
    assert found["gene"].eq("").all()
    assert ask("Compound", "caffeine")["gene"].tolist() == ["ADORA", "TUBB"]
    lasso_taxol_wells(desk_of(viewer))
    found = ask("Selected wells")
    assert dock.query.text.placeholderText() == "2 wells selected"
    assert (best(found, "compound"), best(found, "gene")) == ("docetaxel", "TUBB")


CANNOT = (
    ("Structure", "", "paste a SMILES"),
    ("Structure", "not a molecule", "not a molecule"),
    ("L1000 signature", "", "choose a GCT, GCTX or table with File…"),
    ("L1000 signature", "nowhere.gct", "nowhere.gct"),
    ("Like a compound", "", "type a compound's name, such as nocodazole"),
    ("Like a compound", "taxool", "did you mean taxol"),
    ("Compound", "DMSO", "DMSO"),
    ("Selected wells", "", "no well is selected; drag over wells"),
)


def test_what_cannot_be_asked_is_one_sentence_with_a_way_out(ask, viewer, signature, bundle):
    for title, text, sentence in CANNOT:
        said = ask(title, text)
        assert isinstance(said, str), (title, text)
        assert sentence.casefold() in said.casefold()
        assert said.startswith("⚠ ")
        assert ";" in said or "did you mean" in said
        assert "--" not in said
    said = ask("L1000 signature", str(signature))
    assert "holds 2 signatures; type its name below the file, such as other" in said
    desk_of(viewer).session.select([], drugs=["taxol", "caffeine"])
    said = ask("Selected wells")
    assert "one of the 2 selected drugs has a well on this screen; ask about one of them" in said
    (bundle.folder / "rna_adapter").rename(bundle.folder / "gone")
    assert "ask by compound, gene or SMILES" in ask("L1000 signature", str(signature), "tubulin")


@pytest.mark.slow
def test_an_export_tells_where_it_came_from_as_the_command_does(
    ask, dock, profiles, tmp_path, monkeypatch
):
    ask("Compound", "caffeine")
    out = tmp_path / "export" / "hits.csv"
    out.parent.mkdir()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    dock._export_all.trigger()
    told = json.loads(out.with_suffix(".json").read_text())
    words = shlex.split(told["command"])
    assert words[:2] == ["tide", "hits"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", words)
    result = CliRunner().invoke(app, words[1:])
    assert result.exit_code == 0, result.output
    by_command = json.loads((tmp_path / "hits.json").read_text())
    changing = {"date", "command"}
    assert {k: told[k] for k in by_command if k not in changing} == {
        k: by_command[k] for k in by_command if k not in changing
    }
    assert told["inputs"]["profiles"][0]["path"] == str(profiles)
    assert told["exported"] == {"rows": 2, "starred_only": False, "min_score": 0.0}
    pd.testing.assert_frame_equal(read_hits(out), read_hits(tmp_path / "hits.csv"))
