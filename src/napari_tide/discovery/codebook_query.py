"""Wells among a student's prototypes: where a structure would lie, and how probable a drug is.

Profiles hold embeddings as the encoder gives them; prototypes lie where the student's head takes
embeddings. So embeddings go through the head first, which only those that `tide profile` wrote can:
aligned ones are another space.

Shapes: N wells, D width, K drugs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.discovery.probes import Probes, one_question
from napari_tide.discovery.well_table import WellTable, looks_aligned
from napari_tide.errors import ProfileValueError, StudentValueError
from napari_tide.profiles.profiles import Profiles
from napari_tide.students.bundle import Bundle

_ROWS_AT_ONCE = 65_536


def why_not_embeddings(profiles: Profiles, bundle: Bundle) -> str:
    """Say why profiles are not the student's own embeddings; empty when they are."""
    if profiles.student != bundle.id:
        made_by = profiles.student or "another tool"
        return f"the profiles are of {made_by}, not of {bundle.id}"
    width = bundle.student.config.encoder.width
    if profiles.features.shape[1] != width:
        return f"the profiles have {profiles.features.shape[1]} features, {bundle.id} gives {width}"
    if not np.isfinite(profiles.features).all():
        return "some embeddings are missing or infinite"
    if looks_aligned(profiles):
        return "the profiles were aligned, and the student's head reads embeddings as it made them"
    return ""


def refuse_other_than_embeddings(profiles: Profiles, bundle: Bundle) -> None:
    """Refuse profiles that the student's head cannot read.

    Raises
    ------
    StudentValueError
        They are another student's, aligned, or not finite.
    """
    reason = why_not_embeddings(profiles, bundle)
    if reason:
        message = f"{reason}; give what tide profile wrote with this student (--embeddings)"
        raise StudentValueError(message)


def placed_among_prototypes(profiles: Profiles, bundle: Bundle) -> npt.NDArray[np.float32]:
    """Take wells' embeddings through the student's head, N x D, each of length one."""
    return _through(bundle, profiles, bundle.student.place)


def prototype_probes(smiles: str, prototypes_ND: npt.NDArray[np.floating]) -> Probes:
    """Ask how far treatments lie towards a prototype.

    The score is the mean cosine of a treatment's wells with the prototype, minus that of the
    plate's own negative controls: a stain lot moves both alike.
    """
    if len(prototypes_ND) != 1:
        message = f"{smiles!r} gave {len(prototypes_ND)} prototypes; expected one structure"
        raise ProfileValueError(message)
    return one_question(prototypes_ND, measure="projection")


class DrugProbabilities:
    """The student's calibrated probabilities of its drugs, of every well of a table."""

    def __init__(self, profiles: Profiles, bundle: Bundle, table: WellTable) -> None:
        refuse_other_than_embeddings(profiles, bundle)
        self._drugs: Mapping[str, int] = {
            drug.name.casefold(): k for k, drug in enumerate(bundle.config.drugs)
        }
        keys = zip(profiles.column("Metadata_Plate"), profiles.column("Metadata_Well"), strict=True)
        row_of = {key: row for row, key in enumerate(keys)}
        places = zip(table.wells["plate"], table.wells["well"], strict=True)
        self._rows = np.array([row_of.get(place, -1) for place in places], np.int64)
        self._found_NK = _through(bundle, profiles, bundle.student.probabilities)

    def of(self, drug: str, wells: npt.NDArray[np.int64]) -> float:
        """Give the mean probability of a drug over some wells; NaN where it is not known."""
        k = self._drugs.get(drug.casefold())
        rows = self._rows[wells]
        rows = rows[rows >= 0]
        if k is None or not len(rows):
            return float("nan")
        return float(self._found_NK[rows, k].mean())


def _through(
    bundle: Bundle, profiles: Profiles, part: Callable[[torch.Tensor], torch.Tensor]
) -> npt.NDArray[np.float32]:
    device = next(bundle.student.parameters()).device
    found = []
    with torch.inference_mode():
        for first in range(0, len(profiles), _ROWS_AT_ONCE):
            rows = np.ascontiguousarray(
                profiles.features[first : first + _ROWS_AT_ONCE], np.float32
            )
            found.append(part(torch.from_numpy(rows).to(device)).float().cpu().numpy())
    return np.concatenate(found)
