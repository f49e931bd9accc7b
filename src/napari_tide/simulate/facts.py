"""Facts that carry a simulated world: real drugs, structures, listed targets and genes.

See ``data/ATTRIBUTION.md`` for where they come from.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

DATA = Path(__file__).parent / "data"
N_BITS = 1024

# Two positive controls of JUMP-Target-1 whose targets are among the knock-outs (AURKB, NAMPT).
POSITIVE_CONTROLS = ("AMG900", "FK-866")


@dataclass(frozen=True, slots=True)
class Compound:
    """A real compound: its name, structure and listed targets."""

    name: str
    broad_sample: str
    inchikey: str
    smiles: str
    smiles_standard: str
    targets: tuple[str, ...]
    ecfp4_bits: tuple[int, ...]


@functools.cache
def compounds() -> tuple[Compound, ...]:
    """List the 302 distinct JUMP-Target-1 compounds by name (four fill two wells each)."""
    first: dict[str, Compound] = {}
    for row in _rows("jump_target_1_compounds.csv"):
        described = Compound(
            name=row["compound"],
            broad_sample=row["broad_sample"],
            inchikey=row["inchikey"],
            smiles=row["smiles"],
            smiles_standard=row["smiles_standard"],
            targets=tuple(row["targets"].split("|")),
            ecfp4_bits=tuple(int(bit) for bit in row["ecfp4"].split()),
        )
        first.setdefault(described.name, described)
    return tuple(first[name] for name in sorted(first))


@functools.cache
def knocked_out_genes() -> tuple[str, ...]:
    """List the 160 genes of the JUMP-Target-1 CRISPR plate."""
    return tuple(sorted(row["gene"] for row in _rows("jump_target_1_crispr.csv")))


@functools.cache
def landmark_genes() -> tuple[str, ...]:
    """List the 978 landmark genes of the L1000 assay."""
    return tuple(row["gene"] for row in _rows("l1000_landmarks.csv"))


@functools.cache
def all_targets() -> tuple[str, ...]:
    """List every gene that is knocked out or listed as a target."""
    listed = {gene for compound in compounds() for gene in compound.targets}
    return tuple(sorted(listed | {*knocked_out_genes()}))


def fingerprints(described: Sequence[Compound]) -> npt.NDArray[np.float64]:
    """Give the compounds' ECFP4 fingerprints, a row of zeros and ones each."""
    bits_DF = np.zeros((len(described), N_BITS))
    for row, compound in enumerate(described):
        bits_DF[row, list(compound.ecfp4_bits)] = 1.0
    return bits_DF


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
