"""Whether RDKit is here; a machine that only trains may do without it."""

from __future__ import annotations

import functools


@functools.cache
def has_rdkit() -> bool:
    """Tell whether structures can be read."""
    try:
        import rdkit  # noqa: F401
    except ImportError:
        return False
    return True
