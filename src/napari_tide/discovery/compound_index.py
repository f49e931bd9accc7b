"""Finding a compound of another table among those of a screen: by name, Broad id or structure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from napari_tide.chem.inchikeys import inchikey_or_blank, is_inchikey
from napari_tide.profiles.profiles import Profiles

_NAME_COLUMNS = (
    "Metadata_Compound",
    "Metadata_pert_iname",
    "Metadata_broad_sample",
    "Metadata_InChIKey",
)
_BROAD_ID = re.compile(r"BRD-[A-Z]\d{8}")
_SKELETON = 14  # an InChIKey's first block: the structure without stereochemistry


@dataclass(frozen=True, slots=True)
class CompoundIndex:
    """A screen's compounds under everything they may be called elsewhere."""

    name_of: Mapping[str, str]

    def find(self, *called: str) -> str:
        """Give the screen's name of a compound, by the first of the given names or keys it has."""
        for text in called:
            for alias in aliases_of(text):
                if alias in self.name_of:
                    return self.name_of[alias]
        return ""


def index_compounds(profiles: Profiles) -> CompoundIndex:
    """Index the compounds of a profile table, by their names, ids and structures.

    A name or structure that two compounds share points at neither; a full InChIKey goes before the
    structure without stereochemistry.
    """
    profiles = profiles.take(~profiles.is_control)
    compound = profiles.column("Metadata_Compound")
    called = {name: {name} for name in compound if name}
    for column in _NAME_COLUMNS:
        for name, text in zip(compound, profiles.column(column), strict=True):
            if name and text:
                called[name].add(text)
    for name, smiles in set(zip(compound, profiles.column("Metadata_SMILES"), strict=True)):
        if name and smiles:
            called[name].add(inchikey_or_blank(smiles))
    aliases = {name: _all_aliases(texts) for name, texts in called.items()}
    n_owners = Counter(alias for own in aliases.values() for alias in own)
    found = {alias: name for name, own in aliases.items() for alias in own if n_owners[alias] == 1}
    return CompoundIndex(found | {fold_name(name): name for name in called})


def aliases_of(text: str) -> list[str]:
    """Give what a name, Broad id or InChIKey is looked up by, the most certain first."""
    if not text.strip():
        return []
    if is_inchikey(text):
        key = text.strip()
        return [f"inchikey {key}", f"structure {key[:_SKELETON]}"]
    broad = _BROAD_ID.match(text.strip().upper())
    return [fold_name(text), *([f"broad {broad.group()}"] if broad else [])]


def fold_name(name: str) -> str:
    """Give a name without case, spaces, hyphens and underscores: AMG-900 is amg900."""
    return re.sub(r"[\s_\-]", "", name.casefold())


def _all_aliases(texts: Iterable[str]) -> set[str]:
    return {alias for text in texts for alias in aliases_of(text)}
