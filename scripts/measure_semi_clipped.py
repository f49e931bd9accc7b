"""Measure how well signatures find images of drugs that were held out, for docs/results.md.

python scripts/measure_semi_clipped.py WORLD ... --out FOLDER [--seeds N]

A WORLD is what ``tide simulate WORLD --preset mini --seed N --features-only`` wrote. Of the drugs
with expression a fifth is held out by name, drawn by the training seed: it neither trains nor
chooses a checkpoint. Every world and seed trains with PEA, without it, and with a ridge regression
from the same signatures to the same aligned profiles.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV

from tide_train.adapter_data import AdapterData, adapter_data
from tide_train.data.expression_inputs import read_expression_inputs
from tide_train.data.training_data import open_training_data
from tide_train.events import silent
from tide_train.overrides import with_overrides
from tide_train.recipes.registry import find_recipe
from tide_train.run import RunRequest, run
from tide_train.run_config import RunConfig

_CHANGES = {"pea": [], "without": ["method.corrections=center-scale"]}


def main() -> None:
    """Train and judge, and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    for world in asked.worlds:
        for seed in range(asked.seeds):
            for name, found in _measure(world, seed, asked.out).items():
                row = {key: value for key, value in found.items() if key.startswith("held_out")}
                row |= {key: value for key, value in found.items() if key.startswith("in_table")}
                print(
                    json.dumps({"world": world.name, "seed": seed, "how": name, **row}), flush=True
                )


def _measure(world: Path, seed: int, out: Path) -> dict[str, dict[str, float]]:
    drugs = json.loads((world / "world.json").read_text(encoding="utf-8"))["rna_drugs"]
    held_out = np.random.default_rng([seed, 29]).permutation(drugs)[: len(drugs) // 5]
    settings = [f"data.held_out_compounds={json.dumps(held_out.tolist())}", f"seed={seed}"]
    found = {}
    for name, changes in _CHANGES.items():
        config = with_overrides(find_recipe("semi_clipped"), [*settings, *changes])
        folder = out / f"{world.name}_{seed}_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        request = RunRequest(
            config, world / "features.parquet", folder, l1000=(world / "l1000.gctx",)
        )
        found[name] = run(request, announce=silent, should_stop=lambda: False).outcome.best
    found["ridge"] = _ridge(world, config)
    return found


def _ridge(world: Path, config: RunConfig) -> dict[str, float]:
    """Regress each training signature on the mean of its drug's images in its line."""
    table = open_training_data(world / "features.parquet")
    data: AdapterData = adapter_data(config, table, read_expression_inputs([world / "l1000.gctx"]))
    rows, aligned_NP = data.rows, data.targets.aligned_ND
    signatures, targets = [], []
    for group in np.unique(rows.group_of_image[rows.training]):
        images = rows.training[rows.group_of_image[rows.training] == group]
        of_group = rows.signatures_of_group[group]
        signatures.append(of_group)
        targets.append(np.repeat(aligned_NP[images].mean(axis=0)[None], len(of_group), axis=0))
    values_SG = data.signatures["center-scale"]
    ridge = RidgeCV(alphas=np.logspace(1, 6, 11))
    ridge.fit(values_SG[np.concatenate(signatures)], np.concatenate(targets))
    return data.judge(ridge.predict(values_SG))


if __name__ == "__main__":
    main()
