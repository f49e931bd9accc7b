import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import entropy

from napari_tide.errors import TrainValueError
from napari_tide.students.codebook import Codebook, CodebookConfig
from tide_train.nets.dose_encoding import DoseFilm, DoseScale
from tide_train.nets.tide_teacher import TeacherConfig, TideTeacher

B, D, G, E = 6, 16, 30, 8


def sample(seed=0):
    torch.manual_seed(seed)
    return {
        "image_BD": torch.randn(B, D),
        "rna_BG": torch.randn(B, G),
        "cell_BE": torch.randn(B, E),
        "image_doses_B": torch.rand(B),
        "rna_doses_BE": torch.rand(B, 1),
    }


def teacher(**settings_):
    torch.manual_seed(1)
    return TideTeacher(TeacherConfig(**settings_), width=D, n_genes=G, cell_width=E)


def test_dose_modulation_starts_as_the_identity_and_then_follows_the_formula():
    film, given_ = DoseFilm(D), sample()
    torch.testing.assert_close(
        film(given_["image_BD"], given_["image_doses_B"]), given_["image_BD"]
    )
    torch.nn.init.normal_(film.second.weight)
    dose = given_["image_doses_B"][2]
    u = film.second.weight @ torch.relu(film.first.weight[:, 0] * dose + film.first.bias)
    expected = (1 + u[:D]) * given_["image_BD"][2] + u[D:]
    found = film(given_["image_BD"], given_["image_doses_B"])[2]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("settings_", "changed", "matters"),
    [
        ({}, "image_BD", True),
        ({}, "rna_BG", True),
        ({}, "cell_BE", True),
        ({}, "rna_doses_BE", True),
        ({"sees_image": False}, "image_BD", False),
        ({"sees_image": False}, "image_doses_B", False),
        ({"sees_dose": False}, "rna_doses_BE", False),
        ({"sees_dose": False}, "image_doses_B", False),
    ],
)
def test_the_teacher_sees_what_it_is_allowed_to(settings_, changed, matters):
    network = teacher(**settings_).eval()
    before, after = sample(), sample()
    after[changed] = sample(9)[changed]
    with torch.inference_mode():
        same = torch.allclose(network(**before), network(**after), atol=1e-6)
    assert same != matters


def test_structure_reaches_the_teacher_through_the_codebook_alone():
    network, given_ = teacher().eval(), sample()
    features = torch.randint(0, 2, (5, 20), dtype=torch.uint8)
    config = CodebookConfig(n_drugs=5, n_features=20, hidden=8, mode="mlp")
    torch.manual_seed(2)
    book = Codebook(config, D, features)
    with torch.inference_mode():
        fixed_V = book()
        before = network.logits(network(**given_), fixed_V)
        book.features_KF.copy_(features[torch.randperm(5)])
        unchanged = network.logits(network(**given_), fixed_V)
        moved = network.logits(network(**given_), book())
    torch.testing.assert_close(before, unchanged)
    assert not torch.allclose(before, moved)


def test_logits_are_cosines_over_the_teachers_temperature():
    network, given_ = teacher(tau=0.25).eval(), sample()
    prototypes = torch.nn.functional.normalize(torch.randn(4, D), dim=1)
    with torch.inference_mode():
        embedded = network(**given_)
        logits = network.logits(embedded, prototypes)
    cosines = embedded @ prototypes.T / embedded.norm(dim=1, keepdim=True)
    torch.testing.assert_close(logits, cosines / 0.25)


def test_a_sharper_student_has_lower_entropy_than_its_teacher():
    cosines = np.random.default_rng(0).uniform(-1, 1, (20, 8))
    teacher_p, student_p = softmax(cosines / 0.1, axis=1), softmax(cosines / 0.07, axis=1)
    assert (entropy(student_p, axis=1) < entropy(teacher_p, axis=1)).all()


def test_image_dropout_hides_the_image_from_a_share_of_samples():
    network = teacher(image_dropout=0.5)
    torch.manual_seed(0)
    hidden = torch.stack(
        [network.image_view(torch.ones(400, D), torch.rand(400)) for _ in range(3)]
    )
    share = (hidden.abs().sum(-1) == 0).float().mean()
    assert float(share) == pytest.approx(0.5, abs=0.06)


def test_doses_span_zero_to_one_in_logarithm():
    scale = DoseScale.of(np.array([0.1, 10.0, np.nan, 0.0]))
    found = scale.scale(np.array([0.1, 1.0, 10.0, 100.0, np.nan, 0.0]))
    np.testing.assert_allclose(found, [0, 0.5, 1, 1, 0.5, 0.5], atol=1e-7)
    with pytest.raises(TrainValueError, match="no dose is known"):
        DoseScale.of(np.array([np.nan]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 5), st.integers(2, 5))
def test_the_students_risk_is_bounded_as_proposition_3_1_says(seed, n_drugs, n_rna, n_images):
    """L[S_T] <= H(D|I) + E KL(P(.|I,R) || T(.|I,R)), S_T being the teacher averaged over R."""
    rng = np.random.default_rng(seed)
    joint_IRD = rng.dirichlet(np.ones(n_images * n_rna * n_drugs)).reshape(n_images, n_rna, n_drugs)
    teacher_IRD = rng.dirichlet(np.ones(n_drugs), size=(n_images, n_rna))
    joint_IR = joint_IRD.sum(axis=2)
    rna_given_image = joint_IR / joint_IR.sum(axis=1, keepdims=True)
    student_ID = np.einsum("ir,ird->id", rna_given_image, teacher_IRD)
    joint_ID = joint_IRD.sum(axis=1)
    loss = -(joint_ID * np.log(student_ID)).sum()
    drug_given_image = joint_ID / joint_ID.sum(axis=1, keepdims=True)
    conditional_entropy = -(joint_ID * np.log(drug_given_image)).sum()
    truth_IRD = joint_IRD / joint_IR[..., None]
    divergence = (joint_IR * entropy(truth_IRD, teacher_IRD, axis=2)).sum()
    assert loss <= conditional_entropy + divergence + 1e-9
