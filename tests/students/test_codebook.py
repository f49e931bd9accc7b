import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from napari_tide.chem.feature_settings import FingerprintSettings
from napari_tide.errors import StudentValueError
from napari_tide.students.codebook import Codebook, CodebookConfig

WIDTH = 12


def codebook(mode, features=None):
    torch.manual_seed(1)
    features = torch.randint(0, 2, (5, 20), dtype=torch.uint8) if features is None else features
    config = CodebookConfig(mode=mode, n_drugs=5, n_features=20, hidden=8)
    return Codebook(config, WIDTH, features)


@pytest.mark.parametrize("mode", ["learned", "mlp", "fixed", "none"])
def test_every_prototype_has_length_one(mode):
    torch.testing.assert_close(codebook(mode)().norm(dim=1), torch.ones(5))


def test_residuals_start_at_zero_and_belong_to_one_drug_only():
    book = codebook("learned")
    untouched = book().detach().clone()
    torch.testing.assert_close(untouched, book.prototypes_of(book.features_KF))
    with torch.no_grad():
        book.residual_KD[2] += 1.0
    moved = (book() - untouched).norm(dim=1) > 1e-6
    assert moved.tolist() == [False, False, True, False, False]


def test_prototypes_are_the_formula():
    book = codebook("learned")
    with torch.no_grad():
        book.residual_KD.normal_()
    first, _, second = book.mlp
    rows = []
    for k in range(5):
        hidden = functional.gelu(first.weight @ book.features_KF[k].float() + first.bias)
        raw = second.weight @ hidden + second.bias + book.residual_KD[k]
        rows.append(raw / raw.pow(2).sum().sqrt())
    torch.testing.assert_close(book(), torch.stack(rows))


@pytest.mark.parametrize(
    ("mode", "trained"),
    [
        ("learned", {"mlp", "residual_KD"}),
        ("mlp", {"mlp"}),
        ("fixed", set()),
        ("none", {"free_KD"}),
    ],
)
def test_each_mode_trains_what_it_says(mode, trained):
    assert {name.split(".")[0] for name, _ in codebook(mode).named_parameters()} == trained


def test_the_same_molecule_gets_the_same_prototype_unless_it_has_a_residual():
    features = torch.randint(0, 2, (5, 20), dtype=torch.uint8)
    features[4] = features[0]
    for mode in ("mlp", "fixed"):
        prototypes = codebook(mode, features)()
        torch.testing.assert_close(prototypes[4], prototypes[0])
    free = codebook("none", features)()
    assert not torch.allclose(free[4], free[0])


def test_what_cannot_be_a_prototype_is_refused():
    with pytest.raises(StudentValueError, match="knows no chemistry"):
        codebook("none").prototypes_of(torch.zeros(1, 20))
    with pytest.raises(StudentValueError, match="19 molecular features given"):
        codebook("mlp").prototypes_of(torch.zeros(1, 19))
    with pytest.raises(StudentValueError, match="expected \\(5, 20\\)"):
        codebook("mlp", torch.zeros(4, 20))


def test_features_as_described_have_the_length_the_codebook_has():
    described = FingerprintSettings(kind="ecfp4", n_bits=64)
    assert CodebookConfig(features=described, n_drugs=2, n_features=64).features == described
    with pytest.raises(ValidationError, match="ecfp4 as described gives 64 molecular features"):
        CodebookConfig(features=described, n_drugs=2, n_features=65)
