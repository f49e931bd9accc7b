"""Every error a user can meet, split by who must act.

``...ValueError``: the caller passed something wrong. ``...FormatError``: a file on disk is not what
it should be. Each also inherits the builtin it stands for, so ``except ValueError`` keeps working.
A message is one sentence: the value or file, what was expected, and the way out.
"""

from __future__ import annotations

import re

_LINE_BREAKS = re.compile(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
# control characters, those that turn the direction of writing, and halves of surrogate pairs
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MOST_CHARACTERS = 800


def one_line(text: str) -> str:
    """Make a text safe to show: one line, no control characters, and not endless.

    Values and names from files stand in messages; none may break the line, garble a terminal or
    hide the way out behind pages of content.
    """
    line = _LINE_BREAKS.sub(" ", text).strip()
    line = _UNSHOWABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), line)
    if len(line) <= _MOST_CHARACTERS:
        return line
    kept = _MOST_CHARACTERS // 2
    return f"{line[:kept]} [...] {line[-kept:]}"


class TideError(Exception):
    """Base of all errors raised on purpose by napari-tide and tide_train."""

    def __str__(self) -> str:
        """Give the message as one line, whatever stands in the values it quotes."""
        return one_line(super().__str__())


class PlateValueError(TideError, ValueError):
    """A well name, plate format or plate name that does not exist."""


class ScreenValueError(TideError, ValueError):
    """A question a screen cannot answer: an unknown plate, site or channel."""


class ScreenFormatError(TideError, ValueError):
    """A screen, plate map or metadata file that does not hold what it must."""


class ScreenMissingError(TideError, FileNotFoundError):
    """A screen, plate map or metadata file that is not there."""


class PathEscapeError(TideError, PermissionError):
    """A path in a table that leaves the screen's folder without the user's leave."""


class PlaneFormatError(TideError, ValueError):
    """An image plane that cannot be decoded, or has the wrong shape or type."""


class PlaneMissingError(TideError, FileNotFoundError):
    """An image plane whose file is not there."""


class ImagingValueError(TideError, ValueError):
    """Impossible imaging settings: percentiles, tile sizes, strides."""


class IlluminationFormatError(TideError, ValueError):
    """An illumination function that cannot be read or does not fit the plane."""


class MoleculeValueError(TideError, ValueError):
    """A SMILES or dose that cannot be understood."""


class ExpressionValueError(TideError, ValueError):
    """A slice of an expression file that does not exist."""


class ExpressionFormatError(TideError, ValueError):
    """A GCT or GCTX file that is not what its name says."""


class ExpressionMissingError(TideError, FileNotFoundError):
    """A GCT or GCTX file that is not there."""


class SimulationValueError(TideError, ValueError):
    """Impossible settings for a simulated screen."""


class OutputExistsError(TideError, FileExistsError):
    """An output that would overwrite something already written."""


class OutputWriteError(TideError, OSError):
    """An output that cannot be written: full disk, no permission, no such folder."""


class MissingExtraError(TideError, ImportError):
    """An optional part of napari-tide that is not installed."""


class StudentValueError(TideError, ValueError):
    """Input that does not fit a student: other channels, an impossible tile size."""


class BundleFormatError(TideError, ValueError):
    """A student bundle that is damaged, tampered with, or written for another version."""


class ProfileValueError(TideError, ValueError):
    """Profiles that do not fit each other, or a question they cannot answer."""


class ProfileFormatError(TideError, ValueError):
    """A profile table that does not hold what it must."""


class ProfileMissingError(TideError, FileNotFoundError):
    """A profile table that is not there."""


class EvaluationValueError(TideError, ValueError):
    """An evaluation that the profiles cannot answer: too few classes, wells or pairs."""


class SplitLeakError(TideError, ValueError):
    """A split whose two sides share a well or a plate."""


class TruthFormatError(TideError, ValueError):
    """A table of targets, affinities or gene relations that does not hold what it must."""


class OutOfMemoryError(TideError, MemoryError):
    """A device whose memory does not hold what was asked of it."""


class ClusterValueError(TideError, ValueError):
    """An address that is no cluster."""


class ClusterError(TideError, RuntimeError):
    """A cluster that does not answer, or whose workers keep dying."""


class BenchValueError(TideError, ValueError):
    """A measurement that does not exist, or settings it cannot run with."""


class CheckpointFormatError(TideError, ValueError):
    """A checkpoint that lacks weights, has others, or is no checkpoint."""


class RunFormatError(TideError, ValueError):
    """A run's folder that holds no run, or a damaged one."""


class TrainValueError(TideError, ValueError):
    """Training data or settings that cannot be trained with."""


class PackFormatError(TideError, ValueError):
    """A pack of tiles that is damaged, unfinished, or written for another version."""


class PackMissingError(TideError, FileNotFoundError):
    """A pack of tiles that is not there."""


class MoleculeEncoderFormatError(TideError, ValueError):
    """A folder that holds no transformer over SMILES, or one that must not be opened."""


class FeatureTableFormatError(TideError, ValueError):
    """A table of molecular features that does not hold what it must."""


class FeatureTableMissingError(TideError, FileNotFoundError):
    """A table of molecular features that is not there."""


class HubFetchError(TideError, OSError):
    """A folder that could not be fetched from the Hugging Face Hub."""


class HitListFormatError(TideError, ValueError):
    """A file that is no hit list, or a damaged one."""


class HitListMissingError(TideError, FileNotFoundError):
    """A hit list that is not there."""
