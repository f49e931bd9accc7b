import numpy as np
import torch

from napari_tide.students.calibration import softmax


def test_probabilities_are_the_softmax_of_cosines_over_the_temperatures(make_student):
    student = make_student()
    student.calibration_temperature = 2.5
    embeddings = torch.randn(4, 24)
    with torch.inference_mode():
        found = student.probabilities(embeddings).numpy()
        placed = student.head(embeddings).numpy()
        prototypes = student.codebook().numpy()
    placed = placed / np.linalg.norm(placed, axis=1, keepdims=True)
    expected = softmax(placed @ prototypes.T / 0.07 / 2.5)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_top_drugs_are_the_most_probable_in_order(make_student):
    student = make_student()
    embeddings = torch.randn(3, 24)
    with torch.inference_mode():
        values, drugs = student.top_drugs(embeddings, 3)
        probabilities = student.probabilities(embeddings).numpy()
    order = np.argsort(-probabilities, axis=1)[:, :3]
    np.testing.assert_array_equal(drugs.numpy(), order)
    np.testing.assert_allclose(values, np.take_along_axis(probabilities, order, axis=1))


def test_patches_are_placed_like_embeddings_without_a_second_pass(make_student):
    student = make_student()
    with torch.inference_mode():
        encoded = student(torch.randn(2, 3, 64, 64))
        dense = student.similarities(encoded.patches_BTD, student.codebook())
        one = student.similarities(encoded.patches_BTD[1, 5:6], student.codebook())
    assert dense.shape == (2, 16, 7)
    torch.testing.assert_close(dense[1, 5:6], one)
