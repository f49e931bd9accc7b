from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_tide.discovery.codebook_query import (
    DrugProbabilities,
    placed_among_prototypes,
    prototype_probes,
    refuse_other_than_embeddings,
)
from napari_tide.discovery.queries import search_vector
from napari_tide.discovery.treatments import treatments_of
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import StudentValueError
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    torch.manual_seed(0)
    encoder = EncoderConfig(kind="features", channels=("a", "b"), width=24, depth=1)
    codebook = CodebookConfig(n_drugs=3, n_features=8, hidden=8)
    config = StudentConfig(encoder=encoder, codebook=codebook)
    student = Student(config, (torch.rand(3, 8) < 0.5).to(torch.uint8))
    drugs = tuple(Drug(name=name, smiles="CCO") for name in ("C000", "C001", "other"))
    folder = tmp_path_factory.mktemp("student") / "bundle"
    save_bundle(student, BundleConfig(name="small", student=config, drugs=drugs), folder)
    return load_bundle(folder)


@pytest.fixture
def embeddings(make_profiles, noise_treatments, bundle):
    return replace(make_profiles(noise_treatments(3)), student=bundle.id)


def test_a_prototype_scores_wells_against_their_plates_controls(bundle, embeddings):
    with torch.inference_mode():
        prototype = bundle.student.codebook()[:1]
        cosines = bundle.student.similarities(torch.from_numpy(embeddings.features), prototype)
    cosines = cosines.numpy()[:, 0]
    table = well_table(embeddings).with_rows(placed_among_prototypes(embeddings, bundle))
    probes = prototype_probes("CCO", prototype.numpy())
    search = search_vector(table, probes, "compound")
    treatment = search.treatments[1]
    plates = table.wells["plate"].to_numpy()
    expected = np.mean(
        [
            cosines[row] - cosines[(plates == plates[row]) & table.is_control].mean()
            for row in treatment.rows_n
        ]
    )
    mean = table.rows_ND[treatment.rows_n].mean(axis=0, keepdims=True)
    assert probes.scores(mean)[0, 0] == pytest.approx(expected, abs=1e-6)


def test_the_probability_is_the_mean_over_wells(bundle, embeddings):
    table = well_table(embeddings)
    treatment = treatments_of(table, "compound")[0]
    with torch.inference_mode():
        everything = bundle.student.probabilities(torch.from_numpy(embeddings.features)).numpy()
    found = DrugProbabilities(embeddings, bundle, table)
    assert found.of("c001", treatment.rows_n) == pytest.approx(
        everything[treatment.rows_n, 1].mean(), rel=1e-5
    )
    assert np.isnan(found.of("never seen", treatment.rows_n))


def test_wells_are_matched_by_name_whatever_their_order(bundle, embeddings):
    table = well_table(embeddings)
    rows = treatments_of(table, "compound")[0].rows_n
    turned = embeddings.take(np.arange(len(embeddings))[::-1])
    a, b = (DrugProbabilities(given, bundle, table) for given in (embeddings, turned))
    assert a.of("C000", rows) == pytest.approx(b.of("C000", rows), rel=1e-6)


def test_aligned_or_foreign_profiles_are_no_embeddings(bundle, embeddings):
    with pytest.raises(StudentValueError, match=r"were aligned.*--embeddings"):
        refuse_other_than_embeddings(align_profiles(embeddings, "center-scale"), bundle)
    with pytest.raises(StudentValueError, match="of another tool, not of small-"):
        refuse_other_than_embeddings(replace(embeddings, student=""), bundle)
    narrow = embeddings.with_features(embeddings.features[:, :5], embeddings.feature_names[:5])
    with pytest.raises(StudentValueError, match="have 5 features"):
        refuse_other_than_embeddings(narrow, bundle)
