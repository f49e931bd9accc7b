"""Expression of many samples, in memory, with what is known of samples and genes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ExpressionValueError

LEVELS = ("", "3", "4", "5")


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionTable:
    """Expression values, samples by genes.

    Parameters
    ----------
    values
        ``(n_samples, n_genes)``, float32; a missing value is NaN.
    samples
        One row per sample; the index holds the sample ids (cid).
    genes
        One row per gene; the index holds the gene ids (rid), column ``symbol`` the gene symbols.
        ``is_landmark`` is there where it is known which genes were measured.
    level
        ``"3"`` (normalised expression), ``"4"`` (z-scores of replicates), ``"5"`` (signatures over
        replicates) or ``""`` where that is unknown.

    Raises
    ------
    ExpressionValueError
        The shapes disagree, an id is repeated, there is no ``symbol``, or the level is unknown.
    """

    values: npt.NDArray[np.float32]
    samples: pd.DataFrame
    genes: pd.DataFrame
    level: str

    def __post_init__(self) -> None:
        """Check once that the three parts belong together."""
        expected = (len(self.samples), len(self.genes))
        if self.values.shape != expected:
            message = (
                f"expression values of shape {self.values.shape} do not fit {expected[0]} samples "
                f"and {expected[1]} genes; give them as samples by genes"
            )
            raise ExpressionValueError(message)
        if "symbol" not in self.genes.columns:
            message = f"the genes have no column symbol; they have {list(self.genes.columns)[:12]}"
            raise ExpressionValueError(message)
        if self.level not in LEVELS:
            message = f"{self.level!r} is not an expression level; expected '3', '4', '5' or ''"
            raise ExpressionValueError(message)
        for what, index in (("sample", self.samples.index), ("gene", self.genes.index)):
            repeated = repeated_id(index)
            if repeated is not None:
                message = f"{what} {repeated!r} is listed twice; {what} ids must be unique"
                raise ExpressionValueError(message)
        object.__setattr__(self, "values", self.values.astype(np.float32, copy=False))

    @property
    def n_samples(self) -> int:
        """How many samples there are."""
        return len(self.samples)

    @property
    def n_genes(self) -> int:
        """How many genes there are."""
        return len(self.genes)

    def landmarks(self, wanted: Sequence[str] | None = None) -> ExpressionTable:
        """Keep the measured genes: those the file marks, or those named in `wanted`.

        Parameters
        ----------
        wanted
            Gene ids or symbols; their order does not matter.

        Raises
        ------
        ExpressionValueError
            A wanted gene is not there, or the file marks no gene.
        """
        return self.take_genes(landmark_mask(self.genes, wanted))

    def take_samples(self, kept: npt.NDArray[np.bool_]) -> ExpressionTable:
        """Keep the samples where `kept` is true."""
        return replace(self, values=self.values[kept], samples=self.samples[kept])

    def take_genes(self, kept: npt.NDArray[np.bool_]) -> ExpressionTable:
        """Keep the genes where `kept` is true."""
        return replace(self, values=self.values[:, kept], genes=self.genes[kept])


def repeated_id(index: pd.Index) -> str | None:
    """Give an id that stands more than once, if any."""
    return None if index.is_unique else str(index[index.duplicated()][0])


def landmark_mask(genes: pd.DataFrame, wanted: Sequence[str] | None) -> npt.NDArray[np.bool_]:
    """Tell for each gene whether it was measured rather than inferred."""
    if wanted is not None:
        chosen = genes.index.isin(wanted) | genes["symbol"].isin(wanted).to_numpy()
        found = {*genes.index[chosen], *genes["symbol"][chosen]}
        missing = [name for name in wanted if name not in found]
        if missing:
            message = f"{len(missing)} landmark genes are not in the table, such as {missing[0]!r}"
            raise ExpressionValueError(message)
        return np.asarray(chosen, dtype=bool)
    if "is_landmark" not in genes.columns:
        message = (
            "the file does not say which genes are landmarks; "
            "name them, or add a gene metadata file that does"
        )
        raise ExpressionValueError(message)
    return genes["is_landmark"].to_numpy(dtype=bool)
