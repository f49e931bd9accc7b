"""A pack and transcriptomes of noise, for timing the training of any size without any data.

Shapes: N transcriptomes, G genes, M untreated samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.chem.feature_settings import FingerprintSettings
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.pack_config import PackConfig
from tide_train.data.stored_fingerprints import MOLECULES, StoredFingerprints
from tide_train.data.tile_pack import TilePack, layout_of
from tide_train.data.tile_shards import ShardWriter

STAINS = ("DNA", "ER", "RNA", "AGP", "Mito")
_PER_SHARD = 256
_RNA_PER_DRUG = 4


@dataclass(frozen=True, slots=True)
class SyntheticSize:
    """How much noise: tiles of a side, drugs, genes, bits of a fingerprint."""

    n_tiles: int
    side_px: int
    n_drugs: int
    n_genes: int
    n_bits: int


def synthetic_pack(folder: Path, size: SyntheticSize) -> TilePack:
    """Write a pack whose tiles are noise and whose drugs, from four wells each, are made up."""
    folder.mkdir(parents=True)
    config = PackConfig(
        screen="synthetic",
        channels=STAINS,
        tile_px=size.side_px,
        image_px=size.side_px,
        intensity=dict.fromkeys(STAINS, (0.0, 1.0)),
        intensity_percentiles=(0.01, 99.9),
        n_sites=size.n_tiles,
        n_skipped=0,
        n_tiles=size.n_tiles,
        tiles_per_shard=_PER_SHARD,
        data_hash="0" * 64,
    )
    random = np.random.default_rng(0)
    with ShardWriter(layout_of(folder, config)) as writer:
        while writer.n_tiles < size.n_tiles:
            n_tiles = min(_PER_SHARD, size.n_tiles - writer.n_tiles)
            shape = (n_tiles, len(STAINS), size.side_px, size.side_px)
            writer.append(random.integers(0, 256, shape, np.uint8))
        writer.finish()
    metadata = _metadata(size)
    names = tuple(sorted(set(metadata["Metadata_Compound"])))
    bits = random.integers(0, 2, (len(names), size.n_bits), np.uint8)
    settings = FingerprintSettings(n_bits=size.n_bits)
    StoredFingerprints(settings, names, ("",) * len(names), bits).write(folder / MOLECULES)
    return TilePack(folder, config, metadata)


def synthetic_expression(size: SyntheticSize) -> ExpressionInputs:
    """Make up transcriptomes of every other drug, so that half the images have a partner."""
    names = [_drug(k) for k in range(0, size.n_drugs, 2) for _ in range(_RNA_PER_DRUG)]
    random = np.random.default_rng(1)
    samples = pd.DataFrame(
        {
            "compound": names,
            "cell_line": "U2OS",
            "dose_um": np.tile([0.1, 1.0, 3.0, 10.0], len(names) // _RNA_PER_DRUG),
            "control": "",
            "smiles": "",
            "plate": "P",
        }
    )
    return ExpressionInputs(
        values_NG=random.normal(8, 1, (len(names), size.n_genes)).astype(np.float32),
        samples=samples,
        group_N=np.arange(len(names)),
        genes=tuple(f"G{gene}" for gene in range(size.n_genes)),
        basal={"U2OS": random.normal(8, 1, (8, size.n_genes)).astype(np.float32)},
        level="3",
    )


def _metadata(size: SyntheticSize) -> pd.DataFrame:
    drugs = np.arange(size.n_tiles) % size.n_drugs
    wells = np.arange(size.n_tiles) // size.n_drugs % 4
    return pd.DataFrame(
        {
            "Metadata_Plate": [f"P{well}" for well in wells],
            "Metadata_Well": "A01",
            "Metadata_Site": 1,
            "Metadata_Tile_Row": 0,
            "Metadata_Tile_Col": 0,
            "Metadata_Batch": "B",
            "Metadata_Cell_Line": "U2OS",
            "Metadata_Perturbation_Type": "compound",
            "Metadata_Compound": [_drug(drug) for drug in drugs.tolist()],
            "Metadata_SMILES": "",
            "Metadata_Dose_uM": 3.0,
            "Metadata_Gene": "",
            "Metadata_Control": "",
        }
    )


def _drug(number: int) -> str:
    return f"drug {number:04d}"
