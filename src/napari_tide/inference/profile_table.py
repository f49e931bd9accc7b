"""A student without pixels: profiles of another tool in, embeddings out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_tide.errors import StudentValueError
from napari_tide.inference.embedder import Embedder
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.students.bundle import Bundle

_SHOWN = 3


def embed_table(profiles: Profiles, bundle: Bundle, *, embedder: Embedder) -> Profiles:
    """Embed the rows of a profile table; columns are found by name, in any order.

    Missing and infinite values become the training mean. Metadata and level stay as they are.

    Raises
    ------
    StudentValueError
        The student reads images, or the table lacks columns it was trained on.
    """
    encoder = bundle.config.student.encoder
    if encoder.kind != "features":
        message = (
            f"student {bundle.config.name} reads images, but this is a profile table; give it a "
            "screen, or use a student trained on tables"
        )
        raise StudentValueError(message)
    positions = {name: i for i, name in enumerate(profiles.feature_names)}
    missing = [name for name in encoder.channels if name not in positions]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        message = (
            f"student {bundle.config.name} was trained on columns this table does not have: "
            f"{', '.join(missing[:_SHOWN])}{more}; export the same features, or use another student"
        )
        raise StudentValueError(message)
    wanted = [positions[name] for name in encoder.channels]
    embeddings = np.zeros((len(profiles), encoder.width), np.float32)
    if len(profiles):
        # what float32 cannot hold becomes infinite, and so the mean
        with np.errstate(over="ignore"):
            rows = profiles.features[:, wanted].astype(np.float32)
        embeddings = embedder.embed(rows, encoder.channels)
    names = embedding_names(encoder.width)
    return replace(profiles.with_features(embeddings, names), student=bundle.id)
