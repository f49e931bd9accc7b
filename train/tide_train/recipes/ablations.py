"""The paper's ablations, each one change away from TIDE."""

from __future__ import annotations

from collections.abc import Mapping

from tide_train.overrides import changed
from tide_train.recipes.pixels import tide
from tide_train.run_config import RunConfig

# what each ablation changes, by the path of its setting
CHANGES: dict[str, Mapping[str, object]] = {
    "tide_codebook_none": {"drugs.mode": "none"},
    "tide_codebook_mlp": {"drugs.mode": "mlp"},
    "tide_codebook_fixed": {"drugs.mode": "fixed"},
    "tide_codebook_ecfp": {"drugs.kind": "ecfp4"},
    "tide_codebook_descriptors": {"drugs.kind": "descriptors"},
    "tide_codebook_chemberta": {"drugs.kind": "chemberta"},
    "tide_codebook_table": {"drugs.kind": "table"},
    "tide_codebook_permuted": {"drugs.permuted": "features"},
    "tide_without_dose": {"method.teacher.sees_dose": False},
    "tide_without_image": {"method.teacher.sees_image": False},
    "tide_without_ssl": {"method.beta": 0.0},
    "tide_without_labels": {"method.label_weight": 0.0},
    "tide_rna_permuted": {"rna.control": "permuted"},
    "tide_rna_shuffled": {"rna.control": "shuffled"},
    "tide_scfm_pretrained": {"rna.scfm_is_fine_tuned": False},
    "tide_scfm_none": {"rna.scfm": "none"},
    **{f"tide_pairs_{n}": {"rna.n_per_drug": n} for n in (0, 10, 25, 50, 100, 150)},
}


def ablation(name: str) -> RunConfig:
    """Give TIDE with one ablation's change."""
    return changed(tide(), {"name": name, **CHANGES[name]})
