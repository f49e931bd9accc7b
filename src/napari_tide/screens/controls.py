"""The one place that says which wells are controls, and what was perturbed in the others."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import pandas as pd

from napari_tide.screens.perturbation_words import (
    OTHER_CONTROL,
    control_word,
    fold,
    is_compound,
    is_genetic,
    names_negative_control,
)
from napari_tide.screens.table_file import as_text
from napari_tide.screens.wording import counted

_UNTREATED_TYPES = frozenset({"ctlvehicle", "ctluntrt", "ctlvector"})


@dataclass(frozen=True, slots=True)
class WellContent:
    """What a plate map says is in a well, as far as it tells controls from treatments."""

    control: str = ""
    perturbation_type: str = ""
    compound: str = ""
    smiles: str = ""
    gene: str = ""
    targets: str = ""
    treatment: str = ""
    broad_sample: str = ""
    jcp2022: str = ""
    sirna: str = ""
    solvent: str = ""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """What is in a well, in the words of the screen table."""

    control: str
    perturbation_type: str
    compound: str
    gene: str
    targets: str


def recognise_controls(sites: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Set ``control``, ``perturbation_type``, ``compound`` and ``gene`` of every site.

    A control column (``control``, ``control_type``, ``well_type``) has the last word. Where it says
    nothing, the names of compound, gene or reagent do (DMSO, EMPTY_control, non-targeting, ...),
    and a well with a solvent and nothing else is a vehicle well: JUMP leaves its DMSO wells blank.
    Negative controls get type ``control``; positive controls stay the compound or gene they are.
    A vehicle's compound is its solvent, written ``DMSO`` where it is that.

    Returns
    -------
    sites
        The same rows, with these columns set.
    warnings
        Words of the control column that mean nothing to us.
    """
    content = pd.DataFrame(
        {
            name: as_text(sites[name]) if name in sites else ""
            for name in (field.name for field in fields(WellContent))
        },
        index=sites.index,
    )
    distinct = content.drop_duplicates()
    read = [perturbation_of(WellContent(*row)) for row in distinct.itertuples(index=False)]
    names = [field.name for field in fields(Perturbation)]
    answers = pd.DataFrame([asdict(one) for one in read], columns=names, dtype=object)
    place = pd.MultiIndex.from_frame(distinct).get_indexer(pd.MultiIndex.from_frame(content))
    sites = sites.assign(**{name: answers[name].to_numpy()[place] for name in names})
    return sites, _unknown_words(distinct["control"])


def perturbation_of(content: WellContent) -> Perturbation:
    """Tell what one well holds."""
    control = _control_of(content)
    kind = "control" if control == "negcon" else _type_of(content)
    compound, gene, targets = content.compound, content.gene, content.targets
    if control == "negcon":
        compound = _vehicle(content)
    elif kind == "compound":
        compound = compound or content.broad_sample or content.jcp2022
        targets, gene = targets or gene, ""  # beside a compound, a gene is what it aims at
    elif kind == "crispr":
        gene = gene or content.sirna
    return Perturbation(control, kind, compound, gene, targets)


def _control_of(content: WellContent) -> str:
    said = control_word(content.control)
    if said is not None:
        return said
    names = (content.compound, content.treatment, content.gene, content.sirna, content.jcp2022)
    if fold(content.perturbation_type) in _UNTREATED_TYPES or any(
        map(names_negative_control, names)
    ):
        return "negcon"
    nothing_else = not any((*names, content.smiles, content.broad_sample))
    return "negcon" if content.solvent and nothing_else else ""


def _type_of(content: WellContent) -> str:
    if fold(content.compound) in OTHER_CONTROL or fold(content.treatment) in OTHER_CONTROL:
        return "control"
    if is_genetic(content.perturbation_type):
        return "crispr"
    if is_compound(content.perturbation_type):
        return "compound"
    is_guide = content.broad_sample.startswith("BRDN")
    if content.compound or content.smiles or (content.broad_sample and not is_guide):
        return "compound"
    if content.gene or content.sirna or is_guide:
        return "crispr"
    if content.jcp2022:
        return "compound"
    return "control" if fold(content.perturbation_type) in OTHER_CONTROL else ""


def _vehicle(content: WellContent) -> str:
    if "dmso" in {fold(content.compound), fold(content.treatment), fold(content.control)}:
        return "DMSO"
    if content.compound or content.gene or content.sirna:
        return content.compound
    return "DMSO" if fold(content.solvent) == "dmso" else content.solvent


def _unknown_words(controls: pd.Series) -> list[str]:
    unknown = [
        word
        for word in controls.unique()
        if word and control_word(word) is None and fold(word) not in OTHER_CONTROL
    ]
    if not unknown:
        return []
    warning = (
        f"the control column says {unknown[0]!r}, which is neither a negative nor a positive "
        f"control ({counted(len(unknown), 'such word')}); expected negcon, poscon or nothing"
    )
    return [warning]
