"""The words by which plate maps tell controls from treatments, and drugs from gene perturbations.

The names are those of the JUMP pilots, JUMP-CP, RxRx1 and RxRx3, L1000 and the CRISPR libraries;
they are compared without case, spaces and punctuation.
"""

from __future__ import annotations

import re

NEGATIVE = frozenset(
    {
        "negcon", "negativecontrol", "negative", "neg", "dmso", "dmsocontrol", "vehicle",
        "vehiclecontrol", "untreated", "untreatedcontrol", "notreatment", "mock", "solvent",
        "emptycontrol", "empty", "emptywell", "nontargeting", "nontargetingcontrol", "ntc",
        "noguide", "nosite", "intergenic", "oneintergenicsite", "safetargeting", "safeharbor",
        "scramble", "scrambled", "scrambledcontrol", "ctlvehicle", "ctluntrt", "ctlvector",
        "mediaonly", "media", "lacz", "luciferase", "egfp", "bfp", "hcred", "jcp2022033924",
        "jcp2022800001", "jcp2022800002",
    }
)  # fmt: skip
POSITIVE = frozenset({"poscon", "positivecontrol", "positive", "pos"})
OTHER_CONTROL = frozenset({"crisprcontrol", "control", "ctl", "ctrl"})
NO_CONTROL = frozenset(
    {
        "trt", "treatment", "treated", "sample", "compound", "test", "experimental", "none",
        "false", "no", "0", "perturbation",
    }
)  # fmt: skip
_YES = frozenset({"true", "yes", "1"})
_COMPOUND_TYPES = frozenset({"compound", "compounds", "drug", "smallmolecule", "trtcp", "cp"})
_GENETIC_TYPES = frozenset(
    {
        "crispr", "sirna", "shrna", "orf", "gene", "genetic", "guide", "sgrna", "knockout", "trtsh",
        "trtxpr", "trtoe",
    }
)  # fmt: skip


def fold(text: str) -> str:
    """Give a word without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def control_word(text: str) -> str | None:
    """Read a control column: ``"negcon"``, ``"poscon"``, ``""`` for a treatment, None if unsaid."""
    word = fold(text)
    if word in _YES or word in NEGATIVE or word.startswith("negcon"):
        return "negcon"
    if word in POSITIVE or word.startswith("poscon"):
        return "poscon"
    return "" if word in NO_CONTROL else None


def names_negative_control(name: str) -> bool:
    """Tell whether a compound, gene or reagent is itself a negative control."""
    return fold(name) in NEGATIVE


def is_genetic(perturbation_type: str) -> bool:
    """Tell whether the word means that a gene was perturbed (knocked out, down, or expressed)."""
    return fold(perturbation_type) in _GENETIC_TYPES


def is_compound(perturbation_type: str) -> bool:
    """Tell whether the word means a drug."""
    return fold(perturbation_type) in _COMPOUND_TYPES
