import hashlib
import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from napari_tide.chem.feature_settings import FingerprintSettings
from napari_tide.chem.molecular_features import features_like
from napari_tide.cli.main import app, main
from napari_tide.discovery.hit_table import COLUMNS, read_hits
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.store import write_profiles
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig

WIDTH = 12
SMILES = {"imatinib": "CC(=O)Nc1ccccc1", "taxol": "CCO", "other": "c1ccncc1"}


@pytest.fixture
def bundle(tmp_path):
    torch.manual_seed(0)
    settings = FingerprintSettings(n_bits=64)
    bits = torch.from_numpy(features_like(list(SMILES.values()), settings).of_all())
    encoder = EncoderConfig(kind="features", channels=("a", "b"), width=WIDTH, depth=1)
    codebook = CodebookConfig(features=settings, n_drugs=3, n_features=64, hidden=8)
    config = StudentConfig(encoder=encoder, codebook=codebook)
    drugs = tuple(Drug(name=name, smiles=smiles) for name, smiles in SMILES.items())
    save_bundle(
        Student(config, bits),
        BundleConfig(name="small", student=config, drugs=drugs),
        tmp_path / "student",
    )
    return tmp_path / "student"


@pytest.fixture
def profiles(tmp_path, bundle):
    """Two plates; imatinib acts like ABL1."""
    random = np.random.default_rng(0)
    effect = 2 * random.standard_normal(WIDTH)
    rows, features = [], []
    for plate in ("P1", "P2"):
        wells = [("", "", "negcon")] * 12
        wells += [(name, "", "") for name in ("imatinib", "taxol", "other")] * 2
        wells += [("", gene, "") for gene in ("ABL1", "TUBB")] * 2
        for number, (compound, gene, control) in enumerate(wells):
            well = f"{'ABCDEFGH'[number // 6]}{number % 6 + 1:02d}"
            rows.append((plate, well, compound, SMILES.get(compound, ""), gene, control))
            acts = compound == "imatinib" or gene == "ABL1"
            features.append(random.standard_normal(WIDTH) + acts * effect + 3)
    names = ("Plate", "Well", "Compound", "SMILES", "Gene", "Control")
    metadata = pd.DataFrame(rows, columns=[f"Metadata_{name}" for name in names])
    metadata["Metadata_Dose_uM"] = np.where(metadata["Metadata_Compound"] != "", 5.0, np.nan)
    values = np.array(features, np.float32)
    table = Profiles(metadata, values, embedding_names(WIDTH), "well", load_bundle(bundle).id)
    write_profiles(table, tmp_path / "p.parquet")
    return table


def run(*arguments):
    result = CliRunner().invoke(app, ["hits", *map(str, arguments), "--draws", "199"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def failing(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["tide", "hits", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1, said
    return said[0]


def test_a_gene_finds_its_compound_and_everything_is_written(profiles, tmp_path):
    truth = tmp_path / "truth.csv"
    truth.write_text("compound,gene\nimatinib,ABL1\n")
    out, page = tmp_path / "hits.csv", tmp_path / "report.html"
    said = json.loads(
        run(tmp_path / "p.parquet", "--gene", "ABL1", "--truth", truth, "--out", out,
            "--report", page, "--student", tmp_path / "student", "--json")
    )  # fmt: skip
    table = read_hits(out)
    assert tuple(table.columns) == COLUMNS
    assert table.loc[0, ["compound", "gene", "known_target"]].tolist() == [
        "imatinib",
        "ABL1",
        "yes",
    ]
    assert table["p_drug"].between(0, 1).all()
    assert table["n_replicates"].tolist() == [4, 4, 4]
    assert said["hits"] == 3
    assert said["null"] == "controls"
    told = json.loads((tmp_path / "hits.json").read_text())
    digest = hashlib.sha256((tmp_path / "p.parquet").read_bytes()).hexdigest()
    assert told["inputs"]["profiles"][0]["sha256"] == digest
    assert told["query"]["asked"] == ["ABL1"]
    assert told["settings"]["seed"] == 0
    assert "imatinib" in page.read_text()


@pytest.mark.parametrize(
    ("question", "n_rows"),
    [
        (("--compound", "imatinib"), 2),
        (("--compound", "imatinib", "--per-dose", "--absolute"), 2),
        (("--similar", "imatinib"), 2),
        (("--wells", "P1:C01,P1:C04"), 5),
        ((), 6),
        (("--gene", "ABL1", "--null", "labels"), 3),
        (("--gene", "ABL1", "--doses", "mean", "--opposite", "--top", "1"), 1),
    ],
)
def test_every_question_gives_its_rows(profiles, tmp_path, question, n_rows):
    out = tmp_path / "hits.parquet"
    run(tmp_path / "p.parquet", *question, "--out", out, "--format", "parquet")
    assert len(read_hits(out)) == n_rows


def test_a_structure_is_asked_for_in_the_codebook(profiles, tmp_path):
    out = tmp_path / "hits.csv"
    run(tmp_path / "p.parquet", "--smiles", "CC(=O)Nc1ccccc1O", "--student", tmp_path / "student",
        "--out", out)  # fmt: skip
    table = read_hits(out)
    assert set(table["compound"] + table["gene"]) == {"imatinib", "taxol", "other", "ABL1", "TUBB"}


def test_aligned_profiles_answer_with_the_embeddings_beside_them(profiles, tmp_path):
    write_profiles(align_profiles(profiles, "center-scale"), tmp_path / "aligned.parquet")
    shared = (tmp_path / "aligned.parquet", "--student", tmp_path / "student")
    said = json.loads(run(*shared, "--gene", "ABL1", "--out", tmp_path / "a.csv", "--json"))
    assert "p_drug is empty, since the profiles were aligned" in said["warnings"][0]
    assert read_hits(tmp_path / "a.csv")["p_drug"].isna().all()
    embeddings = ("--embeddings", tmp_path / "p.parquet")
    run(*shared, *embeddings, "--gene", "ABL1", "--out", tmp_path / "b.csv")
    assert read_hits(tmp_path / "b.csv")["p_drug"].notna().all()
    run(*shared, *embeddings, "--smiles", "CCO", "--out", tmp_path / "c.csv")


def test_two_tables_are_one_screen(profiles, tmp_path):
    for plate in ("P1", "P2"):
        part = profiles.take((profiles.metadata["Metadata_Plate"] == plate).to_numpy())
        write_profiles(part, tmp_path / f"{plate}.parquet")
    both = [tmp_path / "P1.parquet", tmp_path / "P2.parquet"]
    run(*both, "--gene", "ABL1", "--out", tmp_path / "parts.csv")
    run(tmp_path / "p.parquet", "--gene", "ABL1", "--out", tmp_path / "whole.csv")
    pd.testing.assert_frame_equal(
        read_hits(tmp_path / "parts.csv"), read_hits(tmp_path / "whole.csv")
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--compound", "imatanib"), "did you mean imatinib?"),
        (("--gene", "ABL"), "did you mean ABL1?"),
        (("--gene", "ABL1", "--compound", "taxol"), "--compound and --gene are different"),
        (("--smiles", "CCO"), "add --student"),
        (("--smiles", "C(", "--student", "student"), "SMILES"),
        (("--signature", "x.gct", "--student", "student"), "no adapter for expression signatures"),
        (("--wells", "Z99"), "well Z99 has no profile"),
        (("--gene", "ABL1", "--absolute", "--opposite"), "--absolute ranks opposite"),
        (("--gene", "ABL1", "--truth", "nowhere.csv"), "nowhere.csv is not there"),
        (("--gene", "ABL1", "--report", "page.pdf"), "does not end in .html"),
        (("--gene", "ABL1", "--format", "parquet"), "does not end in .parquet"),
        (("--gene", "ABL1", "--draws", "0"), "expected at least one draw"),
        (("--gene", "ABL1", "--screen", "nowhere"), "nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_one_line_and_writes_nothing(
    profiles, tmp_path, monkeypatch, capsys, options, said
):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert said in failing(monkeypatch, capsys, "p.parquet", "--out", "hits.csv", *options)
    assert set(tmp_path.iterdir()) == before


def test_an_earlier_list_is_not_replaced_unasked(profiles, tmp_path, monkeypatch, capsys):
    out = tmp_path / "hits.csv"
    run(tmp_path / "p.parquet", "--gene", "ABL1", "--out", out)
    said = failing(monkeypatch, capsys, tmp_path / "p.parquet", "--gene", "ABL1", "--out", out)
    assert "already there" in said
    run(tmp_path / "p.parquet", "--gene", "ABL1", "--out", out, "--overwrite")


def test_tables_of_two_students_are_refused(profiles, tmp_path, monkeypatch, capsys):
    write_profiles(replace(profiles, student="other"), tmp_path / "q.parquet")
    said = failing(
        monkeypatch, capsys, tmp_path / "p.parquet", tmp_path / "q.parquet", "--out",
        tmp_path / "hits.csv",
    )  # fmt: skip
    assert "different students" in said
