"""Expression files as training reads them: treated samples, their drugs and doses, and controls.

Shape legend: N treated samples, M untreated samples of a line, G genes.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import TrainValueError
from napari_tide.simulate.facts import landmark_genes
from napari_tide.transcriptomes.expression_file import ExpressionFile, open_expression
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.replicates import CONDITION, MIN_REPLICATES, well_replicated
from napari_tide.transcriptomes.sample_vocabulary import describe_samples
from tide_train.data.pairing import fold_name
from tide_train.data.structures import structures_of

TeacherForm = Literal["control_scaled", "raw"]
Replicates = Literal["keep", "mean"]
FloatArray = npt.NDArray[np.float32]

MOST_SDS = 10.0
"""Control-scaled values end here: one gene read wrongly must not rule a step."""
_LEAST_SPREAD = 0.25  # of the median gene's, where a gene hardly varies between a line's controls
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Untreated:
    """Untreated samples of all lines: expression, M by G, and a row for each as in the file."""

    values_MG: FloatArray
    samples: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionInputs:
    """Perturbed expression of many drugs, and untreated expression of the same lines.

    Parameters
    ----------
    values_NG
        Expression as it stands in the file, float32, without missing values.
    samples
        A row per sample: ``compound, cell_line, dose_um, control, smiles, plate``; fit for `pair`.
        Positive controls are drugs and stand here; negative ones do not.
    group_N
        Samples with one number are replicates: same drug, line and dose.
    genes
        Symbols, one per column.
    basal
        Untreated samples of each line, M by G; a line without any is not in it.
    level
        ``"3"`` (expression), ``"4"`` or ``"5"`` (already contrasts with controls) or ``""``.
    notes
        What was left out, one sentence each.
    untreated
        The samples of `basal` with their plates, for corrections that go by plate.
    """

    values_NG: FloatArray
    samples: pd.DataFrame
    group_N: npt.NDArray[np.int64]
    genes: tuple[str, ...]
    basal: Mapping[str, FloatArray]
    level: str
    notes: tuple[str, ...] = ()
    untreated: Untreated | None = None

    @property
    def is_contrast(self) -> bool:
        """Whether the values are differences from controls already."""
        return self.level in ("4", "5")

    def for_teacher(self, form: TeacherForm = "control_scaled") -> FloatArray:
        """Give perturbed expression in the form a teacher reads.

        Parameters
        ----------
        form
            ``"control_scaled"`` (default): differences from the mean of the line's DMSO in its
            standard deviations, cut at 10. Raw expression spans 3 to 15 for reasons that have
            nothing to do with the drug, and a network would first have to learn to subtract them.
            ``"raw"``: as the paper puts it, expression itself. Z-scores and signatures (levels 4
            and 5) are given as they are in both forms.

        Raises
        ------
        TrainValueError
            A line has fewer than two DMSO samples to scale by.
        """
        if form == "raw" or self.is_contrast:
            return self.values_NG
        scaled_NG = np.empty_like(self.values_NG)
        lines_N = self.samples["cell_line"].to_numpy()
        for line in dict.fromkeys(lines_N):
            control_MG = self.basal.get(line)
            if control_MG is None or len(control_MG) < 2:
                message = (
                    f"{line!r} has fewer than 2 DMSO samples to scale its expression by; "
                    "add a file that holds them, or choose the raw form"
                )
                raise TrainValueError(message)
            here_N = lines_N == line
            scaled_NG[here_N] = _against(control_MG, self.values_NG[here_N])
        return scaled_NG

    def take(self, kept: npt.NDArray[np.bool_]) -> ExpressionInputs:
        """Keep the treated samples where `kept` is true."""
        return replace(
            self,
            values_NG=self.values_NG[kept],
            samples=self.samples[kept].reset_index(drop=True),
            group_N=self.group_N[kept],
        )

    def averaged(self) -> ExpressionInputs:
        """Average replicates: one sample for each drug, line and dose."""
        order, first, index = np.unique(self.group_N, return_index=True, return_inverse=True)
        sums_KG = np.zeros((len(order), len(self.genes)))
        np.add.at(sums_KG, index, self.values_NG)
        means_KG = sums_KG / np.bincount(index)[:, None]
        samples = self.samples.iloc[first].reset_index(drop=True)
        return replace(
            self,
            values_NG=means_KG.astype(np.float32),
            samples=samples,
            group_N=np.arange(len(order), dtype=np.int64),
        )

    def with_structures(self, smiles_of: Mapping[str, str]) -> ExpressionInputs:
        """Fill in SMILES by Broad compound id or drug name, where the file itself has none."""
        known = self.samples["smiles"]
        found = pd.Series(structures_of(self.samples, smiles_of), index=known.index)
        return replace(self, samples=self.samples.assign(smiles=known.where(known.ne(""), found)))


def read_expression_inputs(
    paths: Sequence[Path],
    *,
    compounds: Collection[str] | None = None,
    cell_lines: Collection[str] | None = None,
    min_replicates: int | None = None,
    replicates: Replicates = "keep",
) -> ExpressionInputs:
    """Read L1000 files (GCT or GCTX); only landmark genes and wanted samples are loaded.

    Parameters
    ----------
    paths
        Files of one level; their genes are brought to one order.
    compounds, cell_lines
        What to read beside DMSO; None for all. Case, spaces and hyphens do not matter.
    min_replicates
        Dose conditions measured more rarely are left out. None means 5, as in the paper, unless
        no condition has so many; then all are kept, and a note says so.
    replicates
        ``"keep"`` them, or give their ``"mean"``.

    Raises
    ------
    ExpressionMissingError, ExpressionFormatError, ExpressionValueError
        A file is not there, is damaged, or does not say what it measured.
    TrainValueError
        The files do not fit each other, or hold no treated sample.
    """
    files = [open_expression(path) for path in paths]
    for file in files:
        for warning in file.warnings:
            _log.warning("%s: %s", file.path, warning)
    wanted = (_folded(compounds), _folded(cell_lines))
    tables = [
        file.read(samples=_wanted(file.samples, *wanted), genes=_landmarks(file)) for file in files
    ]
    return expression_inputs(tables, min_replicates=min_replicates, replicates=replicates)


def expression_inputs(
    tables: Sequence[ExpressionTable],
    *,
    min_replicates: int | None = None,
    replicates: Replicates = "keep",
) -> ExpressionInputs:
    """Make training inputs of tables in memory; see `read_expression_inputs`.

    Raises
    ------
    TrainValueError
        The tables do not fit each other, or hold no treated sample.
    """
    values_NG, samples, genes, notes = _without_missing(*_joined(tables))
    is_control = (samples["control"] == "negcon").to_numpy()
    is_treated = ~is_control & (samples["compound"] != "").to_numpy()
    if not is_treated.any():
        message = "the expression files hold no sample treated with a compound; give others"
        raise TrainValueError(message)
    kept, said = _replicated(samples, is_treated, min_replicates)
    lines = samples["cell_line"].to_numpy()
    basal = {
        str(line): values_NG[is_control & (lines == line)]
        for line in dict.fromkeys(lines[is_control])
    }
    treated = samples[kept].reset_index(drop=True)
    inputs = ExpressionInputs(
        values_NG=values_NG[kept],
        samples=treated,
        group_N=_groups(treated),
        genes=genes,
        basal=basal,
        level=tables[0].level,
        notes=(*notes, *said),
        untreated=Untreated(values_NG[is_control], samples[is_control].reset_index(drop=True)),
    )
    for note in inputs.notes:
        _log.warning("%s", note)
    return inputs.averaged() if replicates == "mean" else inputs


def _groups(samples: pd.DataFrame) -> npt.NDArray[np.int64]:
    numbers = samples.groupby(CONDITION, dropna=False, sort=False).ngroup()
    return np.asarray(numbers, dtype=np.int64)


def _folded(names: Collection[str] | None) -> set[str] | None:
    return None if names is None else {fold_name(name) for name in names}


def _wanted(
    samples: pd.DataFrame, compounds: set[str] | None, lines: set[str] | None
) -> npt.NDArray[np.bool_]:
    is_control = samples["control"] == "negcon"
    keep = is_control | (samples["compound"] != "")
    if compounds is not None:
        keep &= is_control | samples["compound"].map(fold_name).isin(compounds)
    if lines is not None:
        keep &= samples["cell_line"].map(fold_name).isin(lines)
    return keep.to_numpy(dtype=bool)


def _landmarks(file: ExpressionFile) -> npt.NDArray[np.bool_] | pd.Index:
    """Take the genes the file marks; where it marks none, those known to be landmarks."""
    if "is_landmark" in file.genes.columns:
        return file.landmarks()
    known = file.genes["symbol"].isin(landmark_genes()).to_numpy(dtype=bool)
    return known if known.any() else file.landmarks()


def _joined(
    tables: Sequence[ExpressionTable],
) -> tuple[FloatArray, pd.DataFrame, tuple[str, ...]]:
    if not tables:
        message = "no expression file was given; give at least one GCT or GCTX file"
        raise TrainValueError(message)
    levels = {table.level for table in tables}
    if len(levels) > 1:
        message = f"expression files of levels {sorted(levels)} do not mix; give files of one level"
        raise TrainValueError(message)
    shared = set.intersection(*({*table.genes["symbol"]} for table in tables))
    genes = tuple(dict.fromkeys(gene for gene in tables[0].genes["symbol"] if gene in shared))
    if not genes:
        message = "the expression files share no gene symbol; add gene metadata to their files"
        raise TrainValueError(message)
    columns = [_columns_of(table, genes) for table in tables]
    values = [table.values[:, places] for table, places in zip(tables, columns, strict=True)]
    samples = pd.concat([_described(table.samples) for table in tables], ignore_index=True)
    return np.concatenate(values), samples, genes


def _described(samples: pd.DataFrame) -> pd.DataFrame:
    """Bring a table that was never a file, such as a simulated one, to the standard words."""
    return samples if "control" in samples else describe_samples(samples)[0]


def _columns_of(table: ExpressionTable, genes: Sequence[str]) -> npt.NDArray[np.int64]:
    first: dict[str, int] = {}
    for column, symbol in enumerate(table.genes["symbol"]):
        first.setdefault(symbol, column)
    return np.array([first[gene] for gene in genes], np.int64)


def _without_missing(
    values_NG: FloatArray, samples: pd.DataFrame, genes: tuple[str, ...]
) -> tuple[FloatArray, pd.DataFrame, tuple[str, ...], list[str]]:
    """Leave out genes missing in most samples, then samples that still miss a value."""
    is_missing_NG = ~np.isfinite(values_NG)
    has_gene_G = np.asarray(is_missing_NG.mean(axis=0) <= 0.5, dtype=bool)
    is_whole_N = ~is_missing_NG[:, has_gene_G].any(axis=1)
    if not is_whole_N.any() or not has_gene_G.any():
        message = "every sample of the expression files lacks values; give files without gaps"
        raise TrainValueError(message)
    notes = []
    if not has_gene_G.all():
        notes.append(f"{int((~has_gene_G).sum())} genes are missing in most samples; left out")
    if not is_whole_N.all():
        notes.append(f"{int((~is_whole_N).sum())} samples lack values; left out")
    kept_genes = tuple(gene for gene, has in zip(genes, has_gene_G, strict=True) if has)
    whole = samples.iloc[np.flatnonzero(is_whole_N)].reset_index(drop=True)
    return values_NG[is_whole_N][:, has_gene_G], whole, kept_genes, notes


def _replicated(
    samples: pd.DataFrame, is_treated: npt.NDArray[np.bool_], min_replicates: int | None
) -> tuple[npt.NDArray[np.bool_], list[str]]:
    least = MIN_REPLICATES if min_replicates is None else min_replicates
    kept = is_treated & well_replicated(samples, min_replicates=least)
    if kept.any():
        n_dropped = int((is_treated & ~kept).sum())
        said = f"{n_dropped} samples of doses with fewer than {least} replicates were left out"
        return kept, [said] if n_dropped else []
    if min_replicates is None:
        said = f"no dose has {least} replicates; every dose was kept"
        return is_treated, [said]
    message = f"no drug was measured {least} times at one dose; lower min_replicates"
    raise TrainValueError(message)


def _against(control_MG: FloatArray, values_NG: FloatArray) -> FloatArray:
    centre_G = control_MG.mean(axis=0)
    spread_G = control_MG.std(axis=0, ddof=1)
    # a constant control has no spread at all: then differences stay as they are
    least = _LEAST_SPREAD * float(np.median(spread_G)) or 1.0
    scaled_NG = (values_NG - centre_G) / np.maximum(spread_G, least)
    return np.clip(scaled_NG, -MOST_SDS, MOST_SDS).astype(np.float32)
