"""Folders on the Hugging Face Hub, fetched only when the user names one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_tide.errors import HubFetchError


def fetch_folder(
    hub_id: str, *, patterns: Sequence[str], cache: Path | None = None, revision: str | None = None
) -> Path:
    """Download the files of a repository that match, and give the folder they are in.

    Parameters
    ----------
    hub_id
        ``organisation/name``.
    patterns
        Which files, such as ``*.safetensors``; nothing else is downloaded.
    cache
        Where downloads are kept; the Hub's usual cache where none is given.
    revision
        A branch, tag or commit.

    Raises
    ------
    HubFetchError
        There is no such repository, no way to it, or no room for it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            hub_id, revision=revision, cache_dir=cache, allow_patterns=list(patterns)
        )
    except HFValidationError as error:
        message = f"{hub_id!r} is no name on the Hub; expected organisation/name"
        raise HubFetchError(message) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = (
            f"{hub_id} could not be fetched from the Hub ({reason}); check the name and the "
            "connection, or give a local folder"
        )
        raise HubFetchError(message) from error
    return Path(folder)
