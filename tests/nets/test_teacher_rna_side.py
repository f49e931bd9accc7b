import numpy as np
import pytest
import torch

from napari_tide.discovery.signature_query import AdapterConfig, load_signature_encoder
from napari_tide.errors import ExpressionValueError
from tide_train.nets.teacher_rna_side import PairedInputs, branch_means, folded_rna_side
from tide_train.nets.tide_teacher import TeacherConfig, TideTeacher
from tide_train.signature_folder import write_signature_folder

B, D, G, E = 24, 16, 30, 8
GENES = tuple(f"GENE{i}" for i in range(G))


def pairs(seed=0, n=B):
    torch.manual_seed(seed)
    return PairedInputs(
        torch.randn(n, D) + 1, torch.randn(n, G), torch.randn(n, E), torch.rand(n), torch.rand(n, 1)
    )


def trained(**settings):
    """A teacher whose normalisations and dose modulation have moved from where they start."""
    torch.manual_seed(1)
    teacher = TideTeacher(TeacherConfig(**settings), width=D, n_genes=G, cell_width=E)
    for part in (teacher.fusion[1], teacher.fusion[5]):
        torch.nn.init.normal_(part.weight)
        torch.nn.init.normal_(part.bias)
    torch.nn.init.normal_(teacher.film.second.weight)
    teacher.train()
    for step in range(5):
        given = pairs(step)
        teacher(
            given.image_BD,
            given.rna_BG,
            given.cell_BE,
            image_doses_B=given.image_doses_B,
            rna_doses_BE=given.rna_doses_BE,
        )
    return teacher.eval()


def by_the_formula(teacher, given, rna_BG):
    """The teacher's own forward, whose other branches are replaced by what they give on average."""
    with torch.no_grad():
        image = given.image_BD
        if teacher.config.sees_dose:
            image = teacher.film(image, given.image_doses_B)
        image = image.mean(0) * (teacher.config.sees_image and not teacher.config.image_dropout)
        doses = given.rna_doses_BE * teacher.config.sees_dose
        dose, cell = teacher.rna_dose(doses).mean(0), teacher.cell_projection(given.cell_BE).mean(0)
        n = len(rna_BG)
        joined = torch.cat([teacher.rna_mlp(rna_BG), dose.expand(n, -1)], dim=1)
        rna = teacher.rna_projection(joined)
        fused = teacher.fusion(torch.cat([image.expand(n, -1), rna, cell.expand(n, -1)], dim=1))
        return torch.nn.functional.normalize(fused, dim=1).numpy()


def written(teacher, means, folder, *, genes=GENES):
    layers = folded_rna_side(teacher, means)
    tensors = {
        f"layers.{number}.{part}": value
        for number, layer in enumerate(layers)
        for part, value in zip(("weight", "bias"), layer, strict=True)
    }
    config = AdapterConfig(
        genes=genes,
        n_layers=3,
        width=D,
        student="s-1",
        activation="relu",
        space="codebook",
        tau=0.1,
    )
    write_signature_folder(folder, config, tensors=tensors, card="# A card\n")


@pytest.mark.parametrize(
    "settings", [{}, {"sees_image": False, "rna_dropout": 0.5}, {"sees_dose": False}]
)
def test_the_written_side_is_the_teacher_with_its_other_branches_at_their_mean(tmp_path, settings):
    teacher, given = trained(**settings), pairs(7)
    means = branch_means(teacher, [given])
    written(teacher, means, tmp_path / "rna_teacher")
    encoder = load_signature_encoder(tmp_path)
    assert (encoder.student, encoder.space, encoder.tau) == ("s-1", "codebook", 0.1)
    asked = torch.randn(5, G)
    found = encoder.embed(asked.numpy(), GENES)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(found, by_the_formula(teacher, given, asked), atol=2e-5)


def test_a_teacher_that_trained_without_some_images_is_asked_without_one():
    teacher, given = trained(image_dropout=0.5), pairs(7)
    assert not branch_means(teacher, [given]).image_D.any()
    assert branch_means(trained(), [given]).image_D.abs().min() > 0


def test_means_are_of_pairs_however_they_are_batched():
    teacher, given = trained(), pairs(7)
    halves = [
        PairedInputs(*(getattr(given, name)[part] for name in PairedInputs.__slots__))
        for part in (slice(0, 5), slice(5, None))
    ]
    one, two = branch_means(teacher, [given]), branch_means(teacher, halves)
    assert one.n_pairs == two.n_pairs == B
    for name in ("image_D", "dose_E", "cell_D", "rna_G"):
        torch.testing.assert_close(getattr(one, name), getattr(two, name))


def test_a_signature_over_other_genes_is_refused_by_name(tmp_path):
    teacher = trained()
    written(teacher, branch_means(teacher, [pairs()]), tmp_path)
    others = [*GENES[:20], *(f"OTHER{i}" for i in range(10))]
    with pytest.raises(ExpressionValueError, match=r"10 of .* 30 genes .* \(GENE20, GENE21, GENE"):
        load_signature_encoder(tmp_path).embed(np.zeros((1, G), np.float32), others)


def test_an_adapter_comes_before_the_teachers_side(tmp_path):
    teacher = trained()
    means = branch_means(teacher, [pairs()])
    written(teacher, means, tmp_path / "rna_teacher")
    written(teacher, means, tmp_path / "rna_adapter", genes=tuple(f"X{i}" for i in range(G)))
    assert load_signature_encoder(tmp_path).config.genes[0] == "X0"
