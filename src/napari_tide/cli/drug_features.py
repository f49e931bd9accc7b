"""``tide drug-features``: fingerprints of a data set's drugs, for training without RDKit."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_tide.cli.output import refuse_output, report
from napari_tide.errors import OutputWriteError, TrainValueError


class Fingerprint(StrEnum):
    """Which circular fingerprint."""

    fcfp4 = "fcfp4"
    ecfp4 = "ecfp4"


_Source = Annotated[Path, typer.Argument(help="A table of profiles, or a pack.")]
_Out = Annotated[Path, typer.Option(help="File to write (.safetensors).")]
_Kind = Annotated[Fingerprint, typer.Option(help="Which fingerprint.")]
_Bits = Annotated[int, typer.Option(min=8, max=65_536, help="Its length.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace --out.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def drug_features(
    source: _Source,
    *,
    out: _Out,
    kind: _Kind = Fingerprint.fcfp4,
    n_bits: _Bits = 2048,
    overwrite: _Overwrite = False,
    as_json: _Json = False,
) -> None:
    """Describe drugs here, train elsewhere: tide train ... --set drugs.source=FILE."""
    from napari_tide.chem.feature_settings import FingerprintSettings
    from tide_train.data.stored_fingerprints import SUFFIX, StoredFingerprints
    from tide_train.data.training_data import open_training_data

    refuse_output(out, (SUFFIX,), overwrite=overwrite)
    metadata = open_training_data(source).metadata
    settings = FingerprintSettings(kind=kind.value, n_bits=n_bits)
    described = StoredFingerprints.of_metadata(metadata, settings)
    if not described.names:
        message = f"{source} has no compound with a readable SMILES; add Metadata_SMILES"
        raise TrainValueError(message)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        described.write(out)
    except OSError as error:
        message = f"--out {out} cannot be written ({error.strerror or error}); choose another"
        raise OutputWriteError(message) from error
    facts = {"out": str(out), "n_drugs": len(described.names), "kind": kind.value, "n_bits": n_bits}
    sentence = f"{len(described.names)} drugs in {n_bits} bits of {kind.value}: {out}"
    report(facts, sentence, as_json=as_json)
