"""Questions that only a student can put: where a structure or an expression signature would lie.

Shapes: N prototypes, D width.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.codebook_query import (
    placed_among_prototypes,
    prototype_probes,
    refuse_other_than_embeddings,
)
from napari_tide.discovery.probes import one_question
from napari_tide.discovery.queries import Search, search_vector
from napari_tide.discovery.signature_query import load_signature_encoder, read_signature
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
    path: Path, table: WellTable, bundle: Bundle, *, sample: str = ""
) -> list[Search]:
    """Ask which compounds and genes lie where an expression signature would.

    Raises
    ------
    StudentValueError
        The student has no adapter, or the profiles are not of the student it leads to.
    ExpressionValueError
        The file holds several signatures and none is chosen, or lacks genes.
    """
    encoder = load_signature_encoder(bundle.folder)
    values, genes = read_signature(path, sample=sample)
    embedding = encoder.embed(values, genes)
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
