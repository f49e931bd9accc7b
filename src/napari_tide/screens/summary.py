"""What a screen holds, counted in wells: what ``tide inspect`` and the Plate dock show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from napari_tide.screens.channels import is_known_stain
from napari_tide.screens.screen import Screen
from napari_tide.screens.wording import counted


@dataclass(frozen=True, slots=True)
class ScreenSummary:
    """Counts over a whole screen; a well of two plates is two wells.

    Parameters
    ----------
    format
        The reader's name.
    plates, wells, sites
        How many there are.
    plate_names
        The plates, sorted.
    channels
        The stains, in order.
    pixel_size_um
        Width of a pixel, where the source says it.
    compounds, genes
        How many distinct ones were tested, negative controls left out.
    doses, dose_values_um
        The distinct doses above zero of those compounds.
    controls
        How many wells are ``negcon`` and ``poscon``.
    missing_files
        How many image files the source names that are not there.
    warnings
        What a user should know, one sentence each.
    """

    format: str
    plates: int
    plate_names: list[str]
    wells: int
    sites: int
    channels: list[str]
    pixel_size_um: float | None
    compounds: int
    genes: int
    doses: int
    dose_values_um: list[float]
    controls: Mapping[str, int]
    missing_files: int
    warnings: list[str]


def summarise_screen(screen: Screen) -> ScreenSummary:
    """Count what a screen holds; no image is opened."""
    wells = screen.sites.drop_duplicates(["plate", "well"])
    tested = wells[wells["control"] != "negcon"]
    doses = _doses_um(tested)
    missing = screen.missing_files()
    controls = {kind: int((wells["control"] == kind).sum()) for kind in ("negcon", "poscon")}
    return ScreenSummary(
        format=screen.format,
        plates=len(screen.plate_names),
        plate_names=screen.plate_names,
        wells=len(wells),
        sites=screen.n_sites,
        channels=screen.channel_names,
        pixel_size_um=screen.pixel_size_um,
        compounds=_n_distinct(tested, "compound"),
        genes=_n_distinct(tested, "gene", of_type="crispr"),
        doses=len(doses),
        dose_values_um=doses,
        controls=controls,
        missing_files=len(missing),
        warnings=[
            *screen.warnings,
            *_about_channels(screen),
            *_about_controls(wells),
            *_about_files(missing),
            *_about_illumination(screen.missing_illumination_files()),
        ],
    )


def _doses_um(tested: pd.DataFrame) -> list[float]:
    doses = tested.loc[tested["perturbation_type"] == "compound", "dose_um"]
    return sorted(float(dose) for dose in doses[doses > 0].unique())


def _n_distinct(tested: pd.DataFrame, column: str, *, of_type: str = "compound") -> int:
    """Count names as written: RxRx3 tells two isomers apart by a capital letter only."""
    names = tested.loc[tested["perturbation_type"] == of_type, column]
    return len(set(names) - {""})


def _about_channels(screen: Screen) -> list[str]:
    labels = {channel.name: channel.label or channel.name for channel in screen.channels}
    unknown = [label for name, label in labels.items() if not is_known_stain(name)]
    if unknown:
        example = ",".join(f"{label}=NAME" for label in unknown[:2])
        warning = (
            f"the stain of {', '.join(unknown)} is not known; name it with --channels {example}, "
            "such as DNA or ER"
        )
        return [warning]
    if "DNA" not in labels:
        warning = (
            f"no DNA channel among {', '.join(labels)}; if one is, name it with --channels "
            f"{next(iter(labels.values()))}=DNA"
        )
        return [warning]
    return []


def _about_controls(wells: pd.DataFrame) -> list[str]:
    if (wells["control"] == "negcon").any():
        return []
    if not (wells[["compound", "gene", "control"]] != "").any(axis=None):
        return ["no well has a treatment or control; name them in a plate map (--platemap)"]
    warning = (
        "no negative control among the wells; name DMSO or untreated wells in the plate map, or "
        "mark them negcon in a column control"
    )
    return [warning]


def _about_files(missing: list[str]) -> list[str]:
    if not missing:
        return []
    warning = (
        f"{counted(len(missing), 'image file')} missing, the first is {missing[0]}; "
        "give the folder they are in with --images"
    )
    return [warning]


def _about_illumination(missing: list[str]) -> list[str]:
    if not missing:
        return []
    warning = (
        f"{counted(len(missing), 'file')} of illumination functions missing, the first is "
        f"{missing[0]}; copy them there, or correct the images another way"
    )
    return [warning]
