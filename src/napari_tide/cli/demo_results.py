"""What ``tide demo`` writes without a display: profiles, hits, an overlay and two maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_tide.profiles.profiles import Profiles
    from napari_tide.screens.screen import Screen
    from napari_tide.students.bundle import Bundle

N_NEAR = 6  # drugs that stand out in both maps
_DRAWS = 999


@dataclass(frozen=True, slots=True)
class _Hottest:
    """The tile in which a drug is most probable, and the field it lies in."""

    drug: int
    row: int
    probability: float


def write_results(sample: Path, student: Path, out: Path) -> Iterator[str]:
    """Run a student over the bundled plate and write what came of it, a sentence for each file."""
    from napari_tide.inference.embedder import Embedder
    from napari_tide.inference.profile_screen import profile_screen
    from napari_tide.profiles.store import read_profiles
    from napari_tide.screens.open_screen import open_screen
    from napari_tide.students.bundle import load_bundle

    screen, bundle = open_screen(sample), load_bundle(student)
    profiles_file = out / "profiles.parquet"
    embedder = Embedder.fitted(bundle.student)
    profile_screen(screen, bundle, profiles_file, embedder=embedder, overwrite=True)
    profiles = read_profiles(profiles_file)
    yield f"{len(profiles)} tiles, an embedding each: {profiles_file}"
    yield _write_hits(profiles_file, sample, student, out)
    yield _write_overlay(screen, bundle, profiles, out / "overlay.png")
    yield _write_maps(bundle, out / "maps.png")


def _write_hits(profiles: Path, sample: Path, student: Path, out: Path) -> str:
    from napari_tide.cli.hits import hits

    hits(
        [profiles],
        out=out / "hits.csv",
        student=student,
        screen=sample,
        report_to=out / "report.html",
        draws=_DRAWS,
        overwrite=True,
    )
    return f"every pair of drug and gene, ranked: {out / 'hits.csv'}, {out / 'report.html'}"


def _write_overlay(screen: Screen, bundle: Bundle, profiles: Profiles, path: Path) -> str:
    from napari_tide.screens.well import Well
    from napari_tide.viewmodels.field_planes import read_field
    from napari_tide.viewmodels.montage import write_png
    from napari_tide.viewmodels.result_pictures import overlay_picture

    hottest, probabilities_N = _hottest(bundle, profiles)
    metadata = profiles.metadata
    here = metadata.iloc[hottest.row]
    in_field = (
        (metadata["Metadata_Plate"] == here["Metadata_Plate"])
        & (metadata["Metadata_Well"] == here["Metadata_Well"])
        & (metadata["Metadata_Site"] == here["Metadata_Site"])
    ).to_numpy()
    rows = metadata.loc[in_field, "Metadata_Tile_Row"].to_numpy(dtype=int)
    columns = metadata.loc[in_field, "Metadata_Tile_Col"].to_numpy(dtype=int)
    scores_RC = np.zeros((rows.max() + 1, columns.max() + 1))
    scores_RC[rows, columns] = probabilities_N[in_field]
    well = Well.parse(str(here["Metadata_Well"]))
    site = screen.site(str(here["Metadata_Plate"]), well, int(here["Metadata_Site"]))
    field = read_field(site, list(screen.channel_names))
    write_png(overlay_picture(field.planes, scores_RC / max(scores_RC.max(), 1e-9)), path)
    name = bundle.config.drugs[hottest.drug].name
    return (
        f"{name} in well {here['Metadata_Well']}, up to {100 * hottest.probability:.0f} % "
        f"(colours from 0 to that): {path}"
    )


def _hottest(bundle: Bundle, profiles: Profiles) -> tuple[_Hottest, np.ndarray]:
    import torch

    with torch.inference_mode():
        rows_ND = torch.from_numpy(profiles.features.astype(np.float32))
        probabilities_NK = bundle.student.probabilities(rows_ND).numpy()
    row, drug = np.unravel_index(int(probabilities_NK.argmax()), probabilities_NK.shape)
    found = _Hottest(int(drug), int(row), float(probabilities_NK[row, drug]))
    return found, probabilities_NK[:, drug]


def _write_maps(bundle: Bundle, path: Path) -> str:
    import torch

    from napari_tide.profiles.project import project
    from napari_tide.viewmodels.montage import write_png
    from napari_tide.viewmodels.result_pictures import maps_picture

    with torch.inference_mode():
        prototypes_KD = bundle.student.codebook().numpy()
    bits_KF = bundle.student.codebook.features_KF.numpy()
    chemical = project(bits_KF, space="fingerprint")
    learned = project(prototypes_KD, space="codebook")
    likeness = prototypes_KD @ prototypes_KD.T
    np.fill_diagonal(likeness, -1)
    centre = int(likeness.max(axis=1).argmax())
    chosen = np.zeros(len(prototypes_KD), bool)
    chosen[[centre, *np.argsort(-likeness[centre])[: N_NEAR - 1]]] = True
    write_png(maps_picture(chemical, learned, chosen), path)
    name = bundle.config.drugs[centre].name
    return (
        f"{len(prototypes_KD)} drugs by structure (left) and in the codebook (right), {name} and "
        f"its nearest in the codebook marked: {path}"
    )
