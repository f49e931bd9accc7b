"""Students on the Hugging Face Hub.

A bundle's folder has the names the Hub expects, so ``huggingface_hub.upload_folder`` publishes it
as it is; here is the way back.
"""

from __future__ import annotations

from pathlib import Path

from napari_tide.hub_folder import fetch_folder
from napari_tide.students.bundle import CARD, CONFIG, WEIGHTS


def fetch_bundle(hub_id: str, cache: Path | None = None, *, revision: str | None = None) -> Path:
    """Download a student the user names, and give its folder for ``load_bundle``.

    Only the bundle's three files are downloaded, whatever else the repository holds.

    Parameters
    ----------
    hub_id
        ``organisation/name``.
    cache
        Where downloads are kept; the Hub's usual cache where none is given.
    revision
        A branch, tag or commit; name a commit for results that must not change.

    Raises
    ------
    HubFetchError
        There is no such repository, no way to it, or no room for it.
    """
    return fetch_folder(hub_id, patterns=(CONFIG, WEIGHTS, CARD), cache=cache, revision=revision)
