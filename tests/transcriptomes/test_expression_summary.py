import dataclasses
import json

import numpy as np
import pandas as pd

from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.expression_summary import summarise_expression
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx


def test_a_summary_counts_and_is_ready_for_json(tmp_path):
    samples = pd.DataFrame(
        {
            "pert_iname": ["DMSO", "DMSO", "a", "a", "b"],
            "pert_type": ["ctl_vehicle", "ctl_vehicle", "trt_cp", "trt_cp", "trt_poscon"],
            "cell_id": ["A549", "MCF7", "A549", "MCF7", "-666"],
            "pert_idose": ["-666", "-666", "10 uM", "500 nM", "20 uM"],
        },
        index=list("vwxyz"),
    )
    genes = pd.DataFrame({"symbol": ["g", "h"], "pr_is_lm": [1, 0]}, index=["1", "2"])
    table = ExpressionTable(np.zeros((5, 2), np.float32), samples, genes, "4")
    write_gctx(table, tmp_path / "t.gctx")
    summary = summarise_expression(open_expression(tmp_path / "t.gctx"))
    assert json.loads(json.dumps(dataclasses.asdict(summary))) == {
        "format": "gctx",
        "level": "4",
        "samples": 5,
        "genes": 2,
        "landmarks": 1,
        "compounds": 2,
        "cell_lines": 2,
        "doses": [0.5, 10.0, 20.0],
        "controls": {"negcon": 2, "poscon": 1},
        "warnings": [],
    }
