r"""Make the simulator's tables of facts from the public JUMP-Target-1 and L1000 tables.

python scripts/make_simulation_facts.py COMPOUND_METADATA.tsv CRISPR_METADATA.tsv LANDMARKS.csv \
    [--out FOLDER]

The sources and their licences are named in ``src/napari_tide/simulate/data/ATTRIBUTION.md``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.chem.fingerprints import circular_fingerprint
from napari_tide.chem.smiles import standardise_smiles

OUT = Path(__file__).parents[1] / "src" / "napari_tide" / "simulate" / "data"

# Two phosphates are written upstream with a phosphorus of valence 7, which RDKit rejects.
BROKEN_PHOSPHATE, PHOSPHATE = "[PH](=O)(=O)O", "P(=O)(O)O"


def compounds(path: Path) -> pd.DataFrame:
    """Keep a compound's names, structure, listed targets and control role."""
    source = pd.read_csv(path, sep="\t", keep_default_na=False)
    source = source[source["pert_iname"] != "DMSO"]
    smiles = source["smiles"].str.replace(BROKEN_PHOSPHATE, PHOSPHATE, regex=False)
    table = pd.DataFrame(
        {
            "broad_sample": source["broad_sample"],
            "compound": source["pert_iname"],
            "inchikey": source["InChIKey"],
            "control": source["control_type"].replace("NA", ""),
            "targets": source["target_list"],
            "smiles": smiles,
            "smiles_standard": smiles.map(standardise_smiles),
            "ecfp4": smiles.map(_on_bits),
        }
    )
    return table.sort_values(["compound", "broad_sample"]).reset_index(drop=True)


def genes(path: Path) -> pd.DataFrame:
    """Keep the knocked-out genes, their control role and how many guides each has."""
    source = pd.read_csv(path, sep="\t", keep_default_na=False)
    source = source[source["gene"] != ""]
    grouped = source.groupby("gene", sort=True)
    table = grouped.agg(control=("control_type", "first"), guides=("broad_sample", "size"))
    return table.reset_index()


def landmarks(path: Path) -> pd.DataFrame:
    """Keep the landmark genes' symbols, in their order."""
    source = pd.read_csv(path)
    return source.loc[source["feature_space"] == "landmark", ["gene_symbol"]].rename(
        columns={"gene_symbol": "gene"}
    )


def _on_bits(smiles: str) -> str:
    return " ".join(map(str, np.flatnonzero(circular_fingerprint(smiles, "ecfp4"))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for source in ("compounds", "crispr", "landmarks"):
        parser.add_argument(source, type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    tables = {
        "jump_target_1_compounds.csv": compounds(given.compounds),
        "jump_target_1_crispr.csv": genes(given.crispr),
        "l1000_landmarks.csv": landmarks(given.landmarks),
    }
    for name, facts in tables.items():
        facts.to_csv(given.out / name, index=False, lineterminator="\n")
        print(f"{name}: {len(facts)} rows")
