"""The students a user opened last, remembered from session to session."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from napari_tide.viewmodels.results_folder import user_cache

_LOGGER = logging.getLogger(__name__)
_MOST = 8
_FILE = "recent_students.json"


class RecentStudents:
    """A short list of bundle folders, the newest first; a list that cannot be kept is no fault."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or user_cache() / _FILE

    def folders(self) -> list[Path]:
        """Give those that are still there."""
        try:
            listed = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        texts = [text for text in listed if isinstance(text, str)] if _is_list(listed) else []
        return [Path(text) for text in texts if (Path(text) / "config.json").is_file()]

    def remember(self, folder: Path) -> None:
        """Put a folder first."""
        others = [known for known in self.folders() if known != folder]
        texts = [str(known) for known in (folder, *others)][:_MOST]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(texts, indent=1), encoding="utf-8")
        except OSError as error:
            _LOGGER.info("recent students are not kept: %s", error)


def _is_list(value: object) -> bool:
    return isinstance(value, list)
