"""What the columns of plate maps and metadata tables mean, in whichever spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari_tide.chem.doses import um_per_unit
from napari_tide.screens.site_table import SITE_COLUMNS

PREFIX = "metadata_"
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "plate": (
        "plate", "platename", "platebarcode", "assayplatebarcode", "barcode", "plateid",
        "platenumber",
    ),
    "well": (
        "well", "wellposition", "wellname", "assaywell", "wellpos", "address", "wellid", "idcode",
    ),
    "row": ("row", "wellrow", "rowname", "rowletter"),
    "column": ("column", "col", "wellcolumn", "wellcol", "columnnumber"),
    "plate_map": ("platemapname", "platemapfile", "platemap"),
    "experiment": ("experiment", "experimentname"),
    "compound": (
        "compound", "compoundname", "pertiname", "cmapname", "drug", "drugname", "chemical",
        "chemicalname", "molecule", "moleculename", "compoundid", "drugid",
    ),
    "treatment": ("treatment", "perturbation", "perturbagen", "pertname"),
    "broad_sample": ("broadsample", "broadid"),
    "jcp2022": ("jcp2022",),
    "sirna": ("sirna",),
    "inchikey": ("inchikey", "standardinchikey"),
    "smiles": ("smiles", "canonicalsmiles", "isomericsmiles"),
    "gene": ("gene", "genesymbol", "targetgene", "symbol", "genename"),
    "cell_line": ("cellline", "celltype", "cell", "cellid", "cellname"),
    "batch": ("batch", "batchid", "batchname"),
    "control": ("control", "controltype", "welltype", "wellrole", "role", "iscontrol"),
    "perturbation_type": ("perturbationtype", "perttype", "treatmenttype"),
    "solvent": ("solvent", "vehicle", "diluent"),
    "moa": ("moa", "mechanismofaction", "mechanism"),
    "targets": ("targets", "target", "targetlist", "targetnames"),
    "dose_unit": (
        "doseunit", "doseunits", "pertdoseunit", "concentrationunit", "concentrationunits",
        "concunit", "unit", "units",
    ),
}  # fmt: skip
"""Our word for a column, to the spellings it goes by, the most trustworthy first."""

SITE_MEANINGS: Mapping[str, tuple[str, ...]] = {
    "site": ("site", "siteid", "fieldid", "field", "fov", "fieldofview"),
}
"""What tables of images say besides; in a plate map such a column is not about the well."""

_DOSE = re.compile(
    r"(?:pert|compound|drug|nearest|final)*(?:i?dose|concentration|conc)(?:value)?(?P<unit>.*)"
)
STOCK_DOSE = "mmolesperliter"
"""The Broad's column: mM in the compound plate, of which a thousandth gets to the cells, so its
number is the well's dose in µM (LINCS Cell Painting: 0.04 to 20 beside stocks of 0.005 to 8 mg/ml).
"""
_MISREAD_MICRO = re.compile("\u00c2?\u00b5|\u03bc")


@dataclass(frozen=True, slots=True)
class DoseColumn:
    """A column of doses, and the unit its name says (µM where it says none)."""

    header: str
    unit: str
    has_unit: bool


def plain_header(header: str) -> str:
    """Give a header without ``Metadata_`` and the space around it."""
    text = header.strip()
    return text[len(PREFIX) :] if text.lower().startswith(PREFIX) else text


def recognise(
    headers: Sequence[str], *, meanings: Mapping[str, tuple[str, ...]] = MEANINGS
) -> dict[str, str]:
    """Map our words to the headers that mean them, each header at most once."""
    header_of: dict[str, str] = {}
    for header in headers:
        header_of.setdefault(_fold(header), header)
    found = {
        word: next((header_of[name] for name in spellings if name in header_of), None)
        for word, spellings in meanings.items()
    }
    return {word: header for word, header in found.items() if header is not None}


def dose_column(headers: Sequence[str]) -> DoseColumn | None:
    """Find the column of doses: one whose name says the unit, else the first."""
    columns = [column for column in map(_as_dose_column, headers) if column is not None]
    return next((column for column in columns if column.has_unit), columns[0] if columns else None)


def free_name(header: str) -> str:
    """Name a column that travels along so that it hides none of a screen's own."""
    name = plain_header(header)
    taken = name.lower() in {*SITE_COLUMNS, *MEANINGS} or name.startswith(("path_", "illum_"))
    return f"{PREFIX}{name}" if taken else name


def _as_dose_column(header: str) -> DoseColumn | None:
    folded = _fold(header)
    if folded == STOCK_DOSE:
        return DoseColumn(header, "uM", has_unit=True)
    if folded.endswith(("perliter", "perlitre", "perl")) and um_per_unit(folded):
        return DoseColumn(header, folded, has_unit=True)
    match = _DOSE.fullmatch(folded)
    if match is None:
        return None
    if not match["unit"]:
        return DoseColumn(header, "uM", has_unit=False)
    unit = "molar" if match["unit"] == "m" else match["unit"]
    return DoseColumn(header, unit, has_unit=True) if um_per_unit(unit) else None


def _fold(header: str) -> str:
    plain = _MISREAD_MICRO.sub("u", plain_header(header))
    return re.sub(r"[^a-z0-9]", "", plain.lower())
