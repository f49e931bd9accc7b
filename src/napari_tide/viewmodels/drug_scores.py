"""How probable the student finds every drug in the well on show, and that well's drug elsewhere.

Shapes: K drugs, N profiles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_tide.viewmodels.session import Session

_MOST_PROFILES = 4_096  # a few plates of wells: about a tenth of a second

Numbers = npt.NDArray[np.float64]


def current_scores(session: Session) -> tuple[Numbers, Numbers]:
    """Give each drug's P in the current well, and in every well P of its most probable drug there.

    NaN where that is not known: no profile of the well, other profiles than the student's, or too
    many of them to wait for.
    """
    student, profiles, place = session.bundle, session.profiles, session.place
    n_drugs = len(student.config.drugs) if student else 0
    unknown = np.full(n_drugs, np.nan), np.full(len(profiles) if profiles else 0, np.nan)
    if student is None or profiles is None or place is None or profiles.student != student.id:
        return unknown
    is_here = (profiles.column("Metadata_Plate") == place.plate) & (
        profiles.column("Metadata_Well") == place.well.name
    )
    if not is_here.any():
        return unknown
    import torch

    def probabilities(features: npt.NDArray[np.floating]) -> Numbers:
        with torch.inference_mode():
            embeddings = torch.from_numpy(np.asarray(features, dtype=np.float32))
            return student.student.probabilities(embeddings).numpy().astype(np.float64)

    of_drugs = probabilities(profiles.features[is_here.to_numpy()]).mean(axis=0)
    if len(profiles) > _MOST_PROFILES:
        return of_drugs, unknown[1]
    return of_drugs, probabilities(profiles.features)[:, int(of_drugs.argmax())]
