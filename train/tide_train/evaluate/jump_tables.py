"""Two public sets of Cell Painting profiles, read as training and its judgement need them.

JUMP-MOA: 90 compounds of 47 mechanisms on two plates of one layout. JUMP-Target-1: one embedding
for each of 306 compounds, 75 of them with a consensus L1000 signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ProfileMissingError
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.clean import clean_features
from napari_tide.profiles.foreign_tables import standard_metadata
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import read_profiles
from napari_tide.transcriptomes.expression_table import ExpressionTable
from tide_train.data.expression_inputs import (
    ExpressionInputs,
    expression_inputs,
    read_expression_inputs,
)

MOST_SDS = 10.0
"""Features and signatures end here: CellProfiler's reach 699, the consensus signatures 207."""

PLATES = ("a", "b")


@dataclass(frozen=True, slots=True, eq=False)
class MoaPlates:
    """The two JUMP-MOA plates.

    Parameters
    ----------
    profiles
        Wells of both plates over their shared features, centred and scaled by each plate's DMSO,
        cut at 10; ``Metadata_Plate`` is ``a`` or ``b``.
    expression
        L1000 of the few compounds that a public plate of another cell line holds.
    """

    profiles: Profiles
    expression: ExpressionInputs

    @property
    def compounds(self) -> pd.DataFrame:
        """A row per treated compound: its name as index, ``mechanism``."""
        treated = self.profiles.metadata[~self.profiles.is_control]
        found = treated.groupby("Metadata_Compound", sort=True)["Metadata_moa"].first()
        return found.fillna("").to_frame("mechanism")

    def plate(self, name: str) -> Profiles:
        """Give one plate's wells."""
        return self.profiles.take((self.profiles.column("Metadata_Plate") == name).to_numpy())


@dataclass(frozen=True, slots=True, eq=False)
class TargetCompounds:
    """The JUMP-Target-1 compounds.

    Parameters
    ----------
    profiles
        One row per compound, named by its sample id.
    molecules
        The first block of each row's InChIKey: five compounds are there twice.
    targets, mechanisms
        Gene symbols, and one word each.
    expression
        Consensus signatures of 75 of them, cut at 10; they have neither line nor dose.
    """

    profiles: Profiles
    molecules: tuple[str, ...]
    targets: tuple[frozenset[str], ...]
    mechanisms: tuple[str, ...]
    expression: ExpressionInputs


def read_moa_plates(real: Path) -> MoaPlates:
    """Read both plates.

    Raises
    ------
    ProfileMissingError
        A file is absent.
    """
    tables = [
        read_profiles(_there(real / "profiles" / f"jump_moa_plate_{name}.csv.gz"))
        for name in PLATES
    ]
    shared = [name for name in tables[0].feature_names if name in set(tables[1].feature_names)]
    metadata = pd.concat(
        [
            table.metadata.assign(Metadata_Plate=name)
            for name, table in zip(PLATES, tables, strict=True)
        ],
        ignore_index=True,
    )
    rows_NF = np.concatenate([_columns(table, shared) for table in tables])
    together, _ = clean_features(Profiles(metadata, rows_NF, tuple(shared)))
    scaled = align_profiles(together, "center-scale")
    cut_NF = np.clip(scaled.features, -MOST_SDS, MOST_SDS)
    names = metadata["Metadata_Compound"].dropna().unique().tolist()
    expression = read_expression_inputs(
        [_there(real / "l1000" / "test_l1000.gct.gz")], compounds=names, min_replicates=1
    )
    # no plate says its line and none here has L1000: transcriptomes of another line stand in
    line = str(expression.samples["cell_line"].iloc[0])
    metadata = scaled.metadata.assign(Metadata_Cell_Line=line)
    return MoaPlates(replace(scaled, metadata=metadata, features=cut_NF), expression)


def read_target_compounds(real: Path) -> TargetCompounds:
    """Read the compounds, what they hit, and their signatures.

    Raises
    ------
    ProfileMissingError
        A file is absent.
    """
    folder = real / "profiles" / "jump_target1_dino"
    listed = pd.read_parquet(_there(folder / "compounds.parquet"))
    rows_ND = np.load(_there(folder / "compound_embeddings.npy"))
    known = pd.read_csv(
        _there(real / "platemaps" / "JUMP-Target-1_compound_metadata.tsv"), sep="\t"
    ).set_index("broad_sample")
    known = known.loc[listed["compound_id"]]
    metadata = standard_metadata(
        {
            "Metadata_Compound": listed["compound_id"].to_numpy(),
            "Metadata_SMILES": known["smiles"].to_numpy(),
        },
        len(listed),
    )
    names = tuple(f"dino_{i:03d}" for i in range(rows_ND.shape[1]))
    return TargetCompounds(
        profiles=Profiles(metadata, rows_ND, names, "treatment"),
        molecules=tuple(known["InChIKey"].str.partition("-")[0]),
        targets=tuple(_targets(text) for text in known["target_list"]),
        mechanisms=tuple(listed["dominant_moa"].fillna("")),
        expression=expression_inputs([_signatures(real, folder)]),
    )


def _signatures(real: Path, folder: Path) -> ExpressionTable:
    pairs = pd.read_csv(_there(folder / "jumptarget1_image_l1000_pairs.csv"))
    consensus = pd.read_csv(_there(real / "l1000" / "consensi-drugbank.tsv.gz"), sep="\t")
    values_NG = consensus.set_index("perturbagen").loc[pairs["drugbank_id"]]
    genes = pd.read_csv(_there(real / "l1000" / "genes.tsv.gz"), sep="\t").astype(str)
    symbol = genes.set_index("entrez_gene_id")["symbol"]
    return ExpressionTable(
        values=np.clip(values_NG.to_numpy(np.float32), -MOST_SDS, MOST_SDS),
        samples=pd.DataFrame(
            {
                "compound": pairs["broad_sample"].to_numpy(),
                "cell_line": "",
                "dose_um": np.nan,
                "control": "",
                "smiles": pairs["smiles"].to_numpy(),
                "plate": "",
            },
            index=pd.Index(pairs["broad_sample"], name="cid"),
        ),
        genes=pd.DataFrame(
            {"symbol": symbol.reindex(values_NG.columns).to_numpy()}, index=values_NG.columns
        ),
        level="5",
    )


def _targets(text: object) -> frozenset[str]:
    return frozenset(text.split("|")) if isinstance(text, str) else frozenset()


def _columns(table: Profiles, names: Sequence[str]) -> npt.NDArray[np.floating]:
    position = {name: i for i, name in enumerate(table.feature_names)}
    return table.features[:, [position[name] for name in names]]


def _there(path: Path) -> Path:
    if not path.is_file():
        message = f"{path} is not there; give the folder of the real tables with --real"
        raise ProfileMissingError(message)
    return path
