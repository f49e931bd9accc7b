"""What a reader of one format hands over: ids, metadata as stored, and the matrix on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.transcriptomes.selection import Positions

ExpressionFormat = Literal["gct", "gctx"]


class Matrix(Protocol):
    """Expression values, in memory or in a file."""

    def read(self, samples: Positions, genes: Positions) -> npt.NDArray[np.float32]:
        """Read samples by genes; positions ascend without repeats."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RawExpression:
    """An opened file before its metadata is brought to one vocabulary.

    Parameters
    ----------
    format
        ``"gct"`` or ``"gctx"``.
    samples, genes
        Metadata as it stands in the file; the index holds the ids, which are unique.
    matrix
        Where the values come from.
    level
        The level the file itself names, ``""`` where it names none.
    """

    format: ExpressionFormat
    samples: pd.DataFrame
    genes: pd.DataFrame
    matrix: Matrix
    level: str = ""
