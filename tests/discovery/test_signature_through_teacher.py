"""A signature placed among a student's prototypes by the RNA side of the student's teacher."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_tide.discovery.hit_list import HitSettings, find_hits
from napari_tide.discovery.signature_query import AdapterConfig
from napari_tide.discovery.student_questions import search_signature
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import StudentValueError
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig

GENES, WIDTH, TAU = ("A", "B", "C", "D", "E"), 24, 0.2


@pytest.fixture
def weight():
    return torch.randn(WIDTH, len(GENES), generator=torch.Generator().manual_seed(4))


@pytest.fixture
def bundle(tmp_path, weight):
    torch.manual_seed(0)
    encoder = EncoderConfig(kind="features", channels=("a", "b"), width=WIDTH, depth=1)
    codebook = CodebookConfig(n_drugs=3, n_features=8, hidden=8)
    config = StudentConfig(encoder=encoder, codebook=codebook)
    student = Student(config, (torch.rand(3, 8) < 0.5).to(torch.uint8))
    drugs = tuple(Drug(name=name, smiles="CCO") for name in ("C000", "c001", "other"))
    save_bundle(student, BundleConfig(name="small", student=config, drugs=drugs), tmp_path / "b")
    loaded = load_bundle(tmp_path / "b")
    write_side(loaded.folder / "rna_teacher", weight, student=loaded.id)
    return loaded


def write_side(folder, weight, *, student):
    folder.mkdir(exist_ok=True)
    tensors = {"layers.0.weight": weight, "layers.0.bias": torch.zeros(WIDTH)}
    save_file(tensors, folder / "adapter.safetensors")
    config = AdapterConfig(
        genes=GENES, n_layers=1, width=WIDTH, student=student, space="codebook", tau=TAU
    )
    (folder / "config.json").write_text(config.model_dump_json())


@pytest.fixture
def signature(tmp_path):
    path = tmp_path / "s.tsv"
    path.write_text("id\tA\tB\tC\tD\tE\nx\t1\t-2\t0.5\t3\t0\n")
    return path


@pytest.fixture
def embeddings(make_profiles, noise_treatments, bundle):
    return replace(make_profiles(noise_treatments(3)), student=bundle.id)


def test_wells_score_by_their_cosine_with_the_teacher_above_their_controls(
    bundle, embeddings, signature, weight
):
    table = well_table(embeddings)
    searches = search_signature(signature, table, bundle, embeddings=embeddings)
    found = find_hits(searches, HitSettings(n_draws=49)).table.set_index("compound")
    asked = torch.nn.functional.normalize(weight @ torch.tensor([1, -2, 0.5, 3, 0]), dim=0)
    with torch.inference_mode():
        placed = bundle.student.place(torch.from_numpy(embeddings.features))
        chances = torch.softmax(bundle.student.codebook() @ asked / TAU, dim=0)
    cosines = (placed @ asked).numpy()
    plates, names = embeddings.column("Metadata_Plate"), embeddings.column("Metadata_Compound")
    above = [
        cosines[row] - cosines[((plates == plates[row]) & embeddings.is_control).to_numpy()].mean()
        for row in np.flatnonzero(names == "C001")
    ]
    assert found.loc["C001", "score"] == pytest.approx(np.mean(above), abs=1e-6)
    assert found.loc["C001", "p_drug"] == pytest.approx(float(chances[1]), abs=1e-6)
    assert np.isnan(found.loc["C002", "p_drug"])  # no training drug
    assert set(found["gene"][found.index == ""]) == {"G0", "G1", "G2"}


def test_aligned_profiles_need_the_embeddings_beside_them(bundle, embeddings, signature):
    aligned = align_profiles(embeddings, "center-scale")
    table = well_table(aligned)
    with pytest.raises(StudentValueError, match=r"were aligned.*--embeddings"):
        search_signature(signature, table, bundle, embeddings=aligned)
    assert len(search_signature(signature, table, bundle, embeddings=embeddings)) == 2


def test_another_students_teacher_is_refused(bundle, embeddings, signature, weight):
    write_side(bundle.folder / "rna_teacher", weight, student="other-1")
    with pytest.raises(StudentValueError, match="RNA side of other-1, and the student there is"):
        search_signature(signature, well_table(embeddings), bundle, embeddings=embeddings)
