"""What a glance at an expression file should tell."""

from __future__ import annotations

from dataclasses import dataclass

from napari_tide.transcriptomes.expression_file import ExpressionFile
from napari_tide.transcriptomes.raw_expression import ExpressionFormat


@dataclass(frozen=True, slots=True)
class ExpressionSummary:
    """Counts and doses of an expression file, ready to print as JSON.

    Parameters
    ----------
    format
        ``"gct"`` or ``"gctx"``.
    level
        ``"3"``, ``"4"``, ``"5"`` or ``""``.
    samples, genes, landmarks, compounds, cell_lines
        How many; `landmarks` is None where the file does not mark them, and `compounds` leaves the
        negative controls out.
    doses
        The distinct doses of compounds in micromolar, ascending.
    controls
        How many samples are ``"negcon"`` and ``"poscon"``.
    warnings
        One sentence each.
    """

    format: ExpressionFormat
    level: str
    samples: int
    genes: int
    landmarks: int | None
    compounds: int
    cell_lines: int
    doses: tuple[float, ...]
    controls: dict[str, int]
    warnings: tuple[str, ...]


def summarise_expression(file: ExpressionFile) -> ExpressionSummary:
    """Count what a file holds; no values are read."""
    samples, genes = file.samples, file.genes
    treated = samples[samples["control"] != "negcon"]
    compounds = treated.loc[treated["compound"] != "", "compound"]
    doses = treated.loc[treated["compound"] != "", "dose_um"].dropna()
    lines = samples.loc[samples["cell_line"] != "", "cell_line"]
    return ExpressionSummary(
        format=file.format,
        level=file.level,
        samples=len(samples),
        genes=len(genes),
        landmarks=int(genes["is_landmark"].sum()) if "is_landmark" in genes else None,
        compounds=int(compounds.nunique()),
        cell_lines=int(lines.nunique()),
        doses=tuple(float(dose) for dose in sorted(doses.unique())),
        controls={
            kind: int((samples["control"] == kind).sum())
            for kind in ("negcon", "poscon")
            if (samples["control"] == kind).any()
        },
        warnings=file.warnings,
    )
