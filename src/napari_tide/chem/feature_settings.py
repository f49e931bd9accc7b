"""Which molecular features, and how exactly: enough to compute a new drug's in the same way.

These values are stored in every bundle, so they are checked field by field, and this file needs no
RDKit: a trainer reads them where there is none.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

FeatureKind = Literal["fcfp4", "ecfp4", "descriptors", "chemberta", "table"]
FingerprintKind = Literal["ecfp4", "fcfp4"]
MoleculeForm = Literal["parent", "as_given"]
KINDS: tuple[FeatureKind, ...] = get_args(FeatureKind)
FORMS: tuple[MoleculeForm, ...] = get_args(MoleculeForm)

N_BITS = 2048
BITS = range(8, 65_537)


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _OfMolecules(_Settings):
    form: MoleculeForm = Field(
        default="parent",
        description="What is described: the neutral parent without salt, or the SMILES as given",
    )


class FingerprintSettings(_OfMolecules):
    """Circular fingerprints, radius 2, folded into `n_bits`."""

    kind: FingerprintKind = "fcfp4"
    n_bits: int = Field(default=N_BITS, ge=BITS.start, lt=BITS.stop)

    @property
    def n_features(self) -> int:
        """How many numbers describe a drug."""
        return self.n_bits


class DescriptorSettings(_OfMolecules):
    """RDKit's 2D descriptors, less `centres`, over `scales`, both learned from the training drugs.

    The names are kept because RDKit adds descriptors from one version to the next.
    """

    kind: Literal["descriptors"] = "descriptors"
    names: tuple[str, ...] = Field(min_length=1)
    centres: tuple[float, ...]
    scales: tuple[Annotated[float, Field(gt=0)], ...]
    rdkit_version: str = ""

    @property
    def n_features(self) -> int:
        """How many numbers describe a drug."""
        return len(self.names)

    @model_validator(mode="after")
    def _is_one_of_each(self) -> Self:
        lengths = (len(set(self.names)), len(self.centres), len(self.scales))
        if set(lengths) != {len(self.names)}:
            message = f"{len(self.names)} names, {lengths[0]} of them distinct, for "
            message += f"{lengths[1]} centres and {lengths[2]} scales"
            raise ValueError(message)
        return self


class ChembertaSettings(_OfMolecules):
    """Mean-pooled states of a transformer over SMILES, told by the hash of its weights."""

    kind: Literal["chemberta"] = "chemberta"
    source: str = Field(min_length=1, description="Folder's name, or hub:organisation/name")
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    width: int = Field(ge=1)

    @property
    def n_features(self) -> int:
        """How many numbers describe a drug."""
        return self.width


class TableSettings(_Settings):
    """Columns of a table somebody computed, such as GIN embeddings."""

    kind: Literal["table"] = "table"
    source: str = Field(default="", description="The file's name")
    columns: tuple[str, ...] = Field(min_length=1)

    @property
    def n_features(self) -> int:
        """How many numbers describe a drug."""
        return len(self.columns)


FeatureSettings = Annotated[
    FingerprintSettings | DescriptorSettings | ChembertaSettings | TableSettings,
    Field(discriminator="kind"),
]
