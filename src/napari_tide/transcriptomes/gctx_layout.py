"""Where GCTX 1.0 keeps things inside its HDF5 file."""

from __future__ import annotations

VERSION = "GCTX1.0"
MATRIX = "/0/DATA/0/matrix"  # samples by genes, although the format calls genes its rows
SAMPLE_GROUP = "/0/META/COL"
GENE_GROUP = "/0/META/ROW"
# ours; other readers pass over attributes they do not know
LEVEL_ATTRIBUTE = "level"
