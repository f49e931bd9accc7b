"""Questions that only a student can put: where a structure or an expression signature would lie.

Shapes: N prototypes, K drugs, D width.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.discovery.codebook_query import (
    placed_among_prototypes,
    prototype_probes,
    refuse_other_than_embeddings,
)
from napari_tide.discovery.probes import one_question
from napari_tide.discovery.queries import Search, search_vector
from napari_tide.discovery.signature_query import (
    SignatureEncoder,
    load_signature_encoder,
    read_signature,
)
from napari_tide.discovery.well_table import WellTable, well_table
from napari_tide.errors import StudentValueError
from napari_tide.profiles.profiles import Profiles
from napari_tide.students.bundle import Bundle


def search_structure(
    smiles: str, prototypes_ND: npt.NDArray[np.floating], *, embeddings: Profiles, bundle: Bundle
) -> list[Search]:
    """Ask which compounds and genes lie where a structure would, given its one prototype.

    Raises
    ------
    StudentValueError
        The embeddings are not the student's own.
    """
    refuse_other_than_embeddings(embeddings, bundle)
    probes = prototype_probes(smiles, prototypes_ND)
    placed = placed_among_prototypes(embeddings, bundle)
    table = well_table(embeddings).with_rows(placed)
    return [search_vector(table, probes, "compound"), search_vector(table, probes, "gene")]


def search_signature(
    path: Path,
    table: WellTable,
    bundle: Bundle,
    *,
    embeddings: Profiles,
    sample: str = "",
) -> list[Search]:
    """Ask which compounds and genes lie where an expression signature would.

    Through an adapter the signature is compared with the profiles; through the teacher's RNA side,
    with where the student's head takes the embeddings, as structures are.

    Raises
    ------
    StudentValueError
        The student has neither, or the profiles are not of the student it belongs to.
    ExpressionValueError
        The file holds several signatures and none is chosen, or lacks genes.
    """
    encoder = load_signature_encoder(bundle.folder)
    values, genes = read_signature(path, sample=sample)
    embedding = encoder.embed(values, genes)
    if encoder.space == "codebook":
        return _among_prototypes(encoder, embedding, embeddings, bundle)
    width = table.rows_ND.shape[1]
    if embedding.shape[1] != width or encoder.student not in ("", table.student):
        message = (
            f"the adapter leads to profiles of {encoder.student or 'another student'} with "
            f"{embedding.shape[1]} features, these are of {table.student or 'another tool'} with "
            f"{width}; give profiles of the student it was trained for"
        )
        raise StudentValueError(message)
    probes = one_question(embedding)
    return [search_vector(table, probes, "compound"), search_vector(table, probes, "gene")]


def _among_prototypes(
    encoder: SignatureEncoder,
    placed_1D: npt.NDArray[np.float32],
    embeddings: Profiles,
    bundle: Bundle,
) -> list[Search]:
    if encoder.student != bundle.id or placed_1D.shape[1] != bundle.student.config.encoder.width:
        message = (
            f"{bundle.folder} holds the teacher's RNA side of {encoder.student or 'no student'}, "
            f"and the student there is {bundle.id}; copy the whole folder that the run delivered"
        )
        raise StudentValueError(message)
    refuse_other_than_embeddings(embeddings, bundle)
    placed = placed_among_prototypes(embeddings, bundle)
    table = well_table(embeddings).with_rows(placed)
    probes = one_question(placed_1D, measure="projection")
    told = _teacher_probabilities(encoder, placed_1D, bundle)
    found = [search_vector(table, probes, "compound"), search_vector(table, probes, "gene")]
    return [replace(search, drug_probabilities=told) for search in found]


def _teacher_probabilities(
    encoder: SignatureEncoder, placed_1D: npt.NDArray[np.float32], bundle: Bundle
) -> dict[str, float] | None:
    """Give what the teacher says of each drug it was trained on, by folded name."""
    if encoder.tau is None:
        return None
    with torch.inference_mode():
        prototypes_KD = bundle.student.codebook().cpu()
        unit_1D = torch.nn.functional.normalize(torch.from_numpy(placed_1D), dim=1)
        found_K = torch.softmax(unit_1D @ prototypes_KD.T / encoder.tau, dim=1)[0].tolist()
    names = (drug.name.casefold() for drug in bundle.config.drugs)
    return dict(zip(names, found_K, strict=True))
