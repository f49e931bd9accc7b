"""What a training would find in the data, in words, before anything starts.

Counts a screen, a table of profiles or a pack, how many of its drugs have a transcriptome, and
says what is missing with the way to mend it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.screen import Screen
from napari_tide.screens.wording import counted, some

DataKind = Literal["screen", "pack", "profiles"]

_COLUMNS = ("plate", "well", "cell_line", "compound", "smiles", "dose_um", "control", "gene")
_METADATA = {
    "plate": "Metadata_Plate",
    "well": "Metadata_Well",
    "cell_line": "Metadata_Cell_Line",
    "compound": "Metadata_Compound",
    "smiles": "Metadata_SMILES",
    "dose_um": "Metadata_Dose_uM",
    "control": "Metadata_Control",
    "gene": "Metadata_Gene",
}
_MAP = "join a plate map in the Plate dock (Plate map…)"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a user should know; what is serious keeps a training from starting."""

    text: str
    is_serious: bool = False


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What is there, what is missing.

    Parameters
    ----------
    kind
        What the data are.
    path
        Where they lie.
    headline
        ``"384 wells, 5 channels, 3 plates, 61 compounds with L1000"``.
    facts
        More of the same, a line each.
    findings
        What is missing and how to mend it.
    n_paired
        Compounds that have a transcriptome.
    is_as_on_disk
        Whether reading `path` again gives these data; a plate map joined since says no.
    """

    kind: DataKind
    path: Path
    headline: str
    facts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    n_paired: int = 0
    is_as_on_disk: bool = True

    @property
    def can_train(self) -> bool:
        """Whether nothing serious is missing."""
        return not any(finding.is_serious for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Treatments:
    """What was done: ``plate, well, cell_line, compound, smiles, dose_um, control, gene``."""

    table: pd.DataFrame

    @classmethod
    def of_screen(cls, screen: Screen) -> Treatments:
        """Take a screen's wells."""
        return cls(screen.sites.drop_duplicates(["plate", "well"])[list(_COLUMNS)])

    @classmethod
    def of_metadata(cls, metadata: pd.DataFrame) -> Treatments:
        """Take metadata in the columns of profiles; what is not there is empty."""
        columns = {
            name: metadata[theirs] if theirs in metadata else pd.Series("", metadata.index)
            for name, theirs in _METADATA.items()
        }
        table = pd.DataFrame(columns)
        table["dose_um"] = pd.to_numeric(table["dose_um"], errors="coerce")
        texts = [name for name in _COLUMNS if name != "dose_um"]
        table[texts] = table[texts].astype(object).fillna("").astype(str)
        return cls(table)

    @property
    def treated(self) -> pd.DataFrame:
        """Rows with a compound that is no control, as training pairs them."""
        return self.table[(self.table["compound"] != "") & (self.table["control"] == "")]

    @property
    def n_wells(self) -> int:
        """How many wells there are."""
        return len(self.table.drop_duplicates(["plate", "well"]))

    @property
    def n_plates(self) -> int:
        """How many plates there are."""
        return int(self.table["plate"].nunique())


def check_screen(
    screen: Screen, path: Path, *, l1000: Sequence[pd.DataFrame] = (), is_as_on_disk: bool = True
) -> DataCheck:
    """Check a screen; no image is opened, folders are listed once.

    Parameters
    ----------
    screen
        As it is open now.
    path
        Where it was opened from.
    l1000
        Samples of each expression file.
    is_as_on_disk
        Whether reading `path` again gives the same table.
    """
    wells = Treatments.of_screen(screen)
    channels = screen.channel_names
    pairs = _Pairs.between(wells, l1000, one="well")
    parts = [
        counted(wells.n_wells, "well"),
        counted(len(channels), "channel"),
        counted(wells.n_plates, "plate"),
        _compounds_in_words(wells, pairs, has_l1000=bool(l1000)),
    ]
    facts = (
        f"{counted(screen.n_sites, 'field')} in {', '.join(channels)}",
        *_about_treatments(wells, "well"),
        *pairs.facts(),
    )
    findings = [*_missing_files(screen), *_missing_labels(wells, "well"), *pairs.findings()]
    return DataCheck(
        "screen",
        path,
        ", ".join(parts),
        facts,
        tuple(findings),
        len(pairs.compounds),
        is_as_on_disk,
    )


def check_rows(
    metadata: pd.DataFrame,
    path: Path,
    *,
    kind: Literal["pack", "profiles"],
    channels: Sequence[str],
    l1000: Sequence[pd.DataFrame] = (),
) -> DataCheck:
    """Check the rows of a pack (tiles) or of a table of profiles, by their metadata.

    Parameters
    ----------
    metadata
        In the columns of profiles.
    path
        Where they lie.
    kind
        What a row is.
    channels
        Stains of a pack, or the features of profiles.
    l1000
        Samples of each expression file.
    """
    rows = Treatments.of_metadata(metadata)
    one, columns = ("tile", "channel") if kind == "pack" else ("profile", "feature")
    pairs = _Pairs.between(rows, l1000, one=one)
    parts = [
        counted(len(metadata), one),
        counted(len(channels), columns),
        counted(rows.n_plates, "plate"),
        _compounds_in_words(rows, pairs, has_l1000=bool(l1000)),
    ]
    facts = [
        *((f"{one}s in {', '.join(channels)}",) if kind == "pack" else ()),
        *_about_treatments(rows, one),
        *pairs.facts(),
    ]
    findings = [*_missing_labels(rows, one), *_singles(rows, one), *pairs.findings()]
    return DataCheck(
        kind, path, ", ".join(parts), tuple(facts), tuple(findings), len(pairs.compounds)
    )


def check_profiles(
    profiles: Profiles, path: Path, *, l1000: Sequence[pd.DataFrame] = ()
) -> DataCheck:
    """Check a table of profiles."""
    return check_rows(
        profiles.metadata,
        path,
        kind="profiles",
        channels=profiles.feature_names,
        l1000=l1000,
    )


def fold_name(name: object) -> str:
    """Bring a name to the form by which images and transcriptomes meet."""
    return re.sub(r"[\s_-]+", "", str(name)).lower()


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Which compounds of the images also have transcriptomes."""

    compounds: frozenset[str]
    lines: frozenset[str]
    n_transcriptomes: int
    problem: str = ""
    has_files: bool = False

    @classmethod
    def between(cls, images: Treatments, l1000: Sequence[pd.DataFrame], *, one: str) -> _Pairs:
        """Match by folded names of compound and cell line, as training does."""
        if not l1000:
            return cls(frozenset(), frozenset(), 0)
        samples = pd.concat([table[["compound", "cell_line", "control"]] for table in l1000])
        samples = samples[(samples["compound"] != "") & (samples["control"] != "negcon")]
        treated = images.treated
        keys, theirs = _keys(treated), _keys(samples)
        shared = set(keys) & set(theirs)
        names = set(treated.loc[keys.isin(shared), "compound"])
        lines = set(treated.loc[keys.isin(shared), "cell_line"])
        return cls(
            frozenset(names),
            frozenset(lines),
            int(theirs.isin(shared).sum()),
            "" if shared else _why_none(treated, samples, one),
            has_files=True,
        )

    def facts(self) -> list[str]:
        """Say how much meets."""
        if not self.compounds:
            return []
        lines = f" in {some(sorted(self.lines))}" if any(self.lines) else ""
        return [f"{counted(self.n_transcriptomes, 'transcriptome')} of these compounds{lines}"]

    def findings(self) -> list[Finding]:
        """Say why nothing meets, where that is so."""
        return [Finding(self.problem)] if self.problem else []


def _keys(table: pd.DataFrame) -> pd.Series:
    return table["compound"].map(fold_name) + "|" + table["cell_line"].map(fold_name)


def _why_none(treated: pd.DataFrame, samples: pd.DataFrame, one: str) -> str:
    """Say what keeps images and transcriptomes apart: the compounds or the cell lines."""
    if treated.empty or samples.empty:
        side = "the images have" if treated.empty else "the L1000 file has"
        return f"no compound meets a transcriptome, because {side} none"
    ours, theirs = _folded(treated["compound"]), _folded(samples["compound"])
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        return (
            f"no compound of the images is in the L1000 file: {some(ours.values())} against "
            f"{some(theirs.values())}; give both the same names"
        )
    mine, their = sorted(set(treated["cell_line"])), sorted(set(samples["cell_line"]))
    called = some(mine) if any(mine) else "not named"
    column = "cell_line of the plate map" if one == "well" else "Metadata_Cell_Line"
    return (
        f"{counted(len(shared), 'compound')} meet, but the cell line of the images is {called} and "
        f"L1000 has {some(their)}; name it the same in a column {column}"
    )


def _folded(names: pd.Series) -> dict[str, str]:
    return {fold_name(name): str(name) for name in names.unique()}


def _compounds_in_words(rows: Treatments, pairs: _Pairs, *, has_l1000: bool) -> str:
    n_compounds = int(rows.treated["compound"].nunique())
    if has_l1000:
        n_paired = len(pairs.compounds)
        if n_paired == n_compounds:
            return f"{counted(n_compounds, 'compound')} with L1000"
        return f"{n_paired} of {counted(n_compounds, 'compound')} with L1000"
    return counted(n_compounds, "compound")


def _about_treatments(rows: Treatments, one: str) -> Iterable[str]:
    table = rows.table
    doses = rows.treated.loc[rows.treated["dose_um"] > 0, "dose_um"].nunique()
    n_negcon, n_poscon = (int((table["control"] == kind).sum()) for kind in ("negcon", "poscon"))
    n_genes = int(table.loc[(table["gene"] != "") & (table["control"] == ""), "gene"].nunique())
    parts = [
        counted(int(doses), "dose") if doses else "",
        counted(n_genes, "gene") if n_genes else "",
        f"{counted(n_negcon, 'negative-control ' + one)}" if n_negcon else "",
        f"{counted(n_poscon, 'positive-control ' + one)}" if n_poscon else "",
    ]
    told = ", ".join(part for part in parts if part)
    return [told] if told else []


def _missing_files(screen: Screen) -> list[Finding]:
    missing = screen.missing_files()
    if not missing:
        return []
    n_planes = screen.n_sites * len(screen.channel_names)
    if len(missing) >= n_planes:
        text = f"none of the images is there, the first is {missing[0]}; open the screen again"
        return [Finding(f"{text} where its images are now", is_serious=True)]
    text = f"{counted(len(missing), 'image file')} missing, the first is {missing[0]}"
    return [Finding(f"{text}; those fields are left out")]


def _missing_labels(rows: Treatments, one: str) -> list[Finding]:
    found = []
    n_compounds = rows.treated["compound"].nunique()
    mend = _MAP if one == "well" else "name them in a column Metadata_Compound"
    if n_compounds == 0:
        text = f"no {one} says which compound it got, and a student learns compounds; {mend}"
        found.append(Finding(text, is_serious=True))
    elif n_compounds == 1:
        text = "a student tells compounds apart and there is only one; add plates with others"
        found.append(Finding(text, is_serious=True))
    if n_compounds and not (rows.table["control"] == "negcon").any():
        mend = _MAP if one == "well" else "mark them negcon in a column Metadata_Control"
        text = f"no {one} is a negative control, so nothing can be compared with DMSO later; {mend}"
        found.append(Finding(text))
    if n_compounds and not (rows.treated["smiles"] != "").any():
        mend = _MAP if one == "well" else "give SMILES in a column Metadata_SMILES"
        text = f"no compound has a structure, so new molecules cannot be placed later; {mend}"
        found.append(Finding(text))
    return found


def _singles(rows: Treatments, one: str) -> list[Finding]:
    counts = rows.treated["compound"].value_counts()
    singles = [str(name) for name in counts.index[counts == 1]]
    if not singles:
        return []
    text = (
        f"{counted(len(singles), 'compound')} ({some(singles)}) with a single {one}, which cannot "
        "both train and be judged; tick Drop singles under More settings"
    )
    return [Finding(text)]
