"""``tide evaluate``."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_tide.cli.main import app, main
from napari_tide.discovery.evaluate_profiles import report_one_shot
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.store import write_profiles
from napari_tide.students.bundle_config import Drug

N_DRUGS, N_GENES, PLATES = 12, 30, ("P1", "P2", "P3")
TARGET = {f"drug{d}": f"GENE{d:02d}" for d in range(N_DRUGS)}


def make_screen(*, effect=1.5, n_doses=2, seed=0) -> Profiles:
    """Three plates of drugs at two doses, knock-outs and DMSO; each drug acts like its gene."""
    random = np.random.default_rng(seed)
    of_gene = {f"GENE{g:02d}": random.normal(size=16) for g in range(N_GENES)}
    treated = [("drug", name, dose) for name in TARGET for dose in range(1, n_doses + 1)]
    treated += [("gene", name, 0) for name in of_gene] + [("control", "", 0)] * 8
    rows, features = [], []
    for plate in PLATES:
        for number, (kind, name, dose) in enumerate(treated):
            gene = TARGET.get(name, name)
            rows.append(
                {
                    "Metadata_Plate": plate,
                    "Metadata_Well": f"{'ABCDEFGH'[number // 12]}{number % 12 + 1:02d}",
                    "Metadata_Compound": name if kind == "drug" else "",
                    "Metadata_Dose_uM": float(dose) if kind == "drug" else np.nan,
                    "Metadata_Gene": name if kind == "gene" else "",
                    "Metadata_Control": "negcon" if kind == "control" else "",
                    "Metadata_moa": f"class {int(name[4:]) // 3}" if kind == "drug" else "",
                    "Metadata_Split": "support" if plate == "P1" else "query",
                }
            )
            features.append(effect * of_gene.get(gene, 0) + random.normal(size=16))
    return Profiles(pd.DataFrame(rows), np.array(features, np.float32), embedding_names(16))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    write_profiles(make_screen(), tmp_path / "p.parquet")
    lines = [f"{name},{gene}" for name, gene in TARGET.items()]
    lines += [f"other,GENE{g:02d}" for g in range(N_DRUGS, N_GENES)]
    (tmp_path / "truth.csv").write_text("\n".join(["pert_iname,target", *lines]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluate(*words) -> dict:
    result = CliRunner().invoke(app, ["evaluate", *words, "--json"], catch_exceptions=False)
    return json.loads(result.stdout)


def failing(monkeypatch, capsys, *words) -> str:
    monkeypatch.setattr(sys, "argv", ["tide", "evaluate", *words])
    with pytest.raises(SystemExit, match="2"):
        main()
    return capsys.readouterr().err


def test_drug_gene_finds_targets_and_prints_the_random_baseline(folder):
    found = evaluate("drug-gene", "p.parquet", "--truth", "truth.csv", "--seeds", "5")
    assert found["settings"]["annotated genes"] == N_GENES
    rows = {(row["similarity"], row["dose"]): row for row in found["rows"]}
    assert set(rows) == {
        *((s, d) for s in ("abs-cosine", "cosine") for d in
          ("1 µM", "2 µM", "mean over doses", "max over doses")),
        ("random", "any"),
    }  # fmt: skip
    assert rows["cosine", "1 µM"]["AP"] > rows["random", "any"]["AP"] + 0.3
    assert rows["random", "any"]["AUC"] == 0.5
    assert rows["cosine", "1 µM"]["AP 95 % over compounds"]["over"] == "compounds"


def test_shuffled_knock_outs_are_at_the_random_baseline(folder):
    profiles = make_screen()
    gene = profiles.metadata["Metadata_Gene"]
    names = [name for name in gene.unique() if name]
    gains = []
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(names)
        profiles.metadata["Metadata_Gene"] = gene.map(
            {**dict(zip(names, order, strict=True)), "": ""}
        )
        write_profiles(profiles, folder / "shuffled.parquet")
        rows = evaluate("drug-gene", "shuffled.parquet", "--truth", "truth.csv", "--seeds", "5")
        row = rows["rows"][0]
        gains.append(row["AP"] - row["random AP"])
    assert abs(np.mean(gains)) < 2 * np.std(gains) / np.sqrt(10) + 0.01


def test_recognition_is_far_above_chance_and_chance_is_printed(folder):
    knn = evaluate("knn", "p.parquet", "--apart", "plate", "--folds", "3")["rows"]
    assert [row["method"] for row in knn][1:] == ["chance (1 of 42)", "always the most frequent"]
    assert knn[0]["top-1"] > 10 * knn[1]["top-1"]
    shots = evaluate("one-shot", "p.parquet", "--runs", "3", "--apart", "plate")["rows"]
    assert [row["method"] for row in shots] == ["prototypes", "tuned head", "chance (1 of 42)"]
    assert shots[0]["top-5"] > 3 * shots[2]["top-5"]


def test_a_given_split_is_used_and_a_leaking_one_refused(folder, monkeypatch, capsys):
    found = evaluate("one-shot", "p.parquet", "--runs", "2", "--split", "Metadata_Split")
    assert found["settings"]["queries"] == 2 * 2 * (2 * N_DRUGS + N_GENES)
    profiles = make_screen()
    profiles.metadata.loc[5, "Metadata_Split"] = "query"
    write_profiles(profiles, folder / "leak.parquet")
    evaluate("one-shot", "leak.parquet", "--runs", "2", "--split", "Metadata_Split")
    words = ("one-shot", "leak.parquet", "--split", "Metadata_Split", "--apart", "plate")
    said = failing(monkeypatch, capsys, *words)
    assert "support and query share 1 plates, the first 'P1'" in said
    assert said.count("\n") == 1
    said = failing(monkeypatch, capsys, "knn", "p.parquet", "--split", "Metadata_Split")
    assert "must hold 'train' and 'test'" in said


def test_classes_can_be_named_and_training_drugs_left_out(folder):
    (folder / "classes.txt").write_text("drug1\ndrug2\ndrug3\nnone\n")
    found = evaluate("one-shot", "p.parquet", "--runs", "2", "--classes", "classes.txt")
    assert found["settings"]["classes"] == 3
    assert "1 of 4 wanted classes are not there (none)" in found["notes"]
    assert any("taken as unseen" in note for note in found["notes"])


def test_replicates_and_mechanisms(folder):
    found = evaluate(
        "replicates", "p.parquet", "--null-size", "500", "--same", "Metadata_moa",
        "--different", "Metadata_Plate",
    )  # fmt: skip
    replicates, mechanism, chance = found["rows"]
    assert replicates["n"] == 2 * N_DRUGS + N_GENES
    assert replicates["mAP"] > replicates["random mAP"] + 0.3
    assert mechanism["AUC 95 %"]["low"] <= mechanism["AUC"] <= mechanism["AUC 95 %"]["high"]
    assert chance["AUC"] == 0.5


def test_relations_of_genes(folder):
    (folder / "CORUM.csv").write_text("a,b\nGENE00,GENE01\nGENE02,GENE03\nGENE03,GENE02\n")
    rows = evaluate("relations", "p.parquet", "--truth", "CORUM.csv")["rows"]
    assert (rows[0]["relations"], rows[0]["pairs"]) == ("CORUM", 2)
    assert rows[1]["recall"] == pytest.approx(0.1, abs=0.02)


def test_results_are_written_whole_and_not_replaced_unasked(folder, monkeypatch, capsys):
    found = evaluate("knn", "p.parquet", "--out", "results")
    assert json.loads((folder / "results" / "knn.json").read_text()) == found
    table = (folder / "results" / "knn.md").read_text()
    assert "| chance (1 of 42) |" in table
    assert sorted(path.name for path in (folder / "results").iterdir()) == ["knn.json", "knn.md"]
    said = failing(monkeypatch, capsys, "knn", "p.parquet", "--out", "results")
    assert "--overwrite" in said
    evaluate("knn", "p.parquet", "--out", "results", "--overwrite")


def test_broken_values_are_left_out_or_filled_and_said(folder):
    profiles = make_screen()
    profiles.features[3] = np.nan
    profiles.features[10, 2] = np.inf
    profiles.features[:, 5] = 1.0
    write_profiles(profiles, folder / "broken.parquet")
    notes = evaluate("knn", "broken.parquet")["notes"]
    assert "1 rows left out: half their values are no numbers" in notes
    assert "1 features dropped: constant" in notes
    assert "1 values filled with their feature's median" in notes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("knn", "none.parquet"), "none.parquet is not there"),
        (("knn", "p.parquet", "--label", "Metadata_Lab"), "no column 'Metadata_Lab'"),
        (("drug-gene", "p.parquet"), "list no targets of their compounds"),
        (("drug-gene", "p.parquet", "--truth", "p.csv"), "p.csv is not there"),
        (("replicates", "p.parquet", "--different", "Metadata_Well"), "--label"),
        (("relations", "p.parquet", "--truth", "truth.csv"), "none of 30 relations"),
        (("knn", "p.parquet", "--out", "p.parquet"), "is a file; name a folder"),
        (("one-shot", "p.parquet", "--classes", "none.txt"), "one name a line"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(folder, monkeypatch, capsys, words, sentence):
    said = failing(monkeypatch, capsys, *words)
    assert sentence in said
    assert said.count("\n") == 1


def test_drugs_a_student_trained_on_are_no_classes():
    seen = [Drug(name="Drug-1"), Drug(name="drug2", smiles="CCO"), Drug(name="never imaged")]
    found = report_one_shot(make_screen(), n_runs=2, seen=seen)
    assert found.settings["classes"] == N_DRUGS - 2 + N_GENES
    assert "2 interventions left out: the student trained on them" in found.notes
