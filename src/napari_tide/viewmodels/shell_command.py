"""A command as one line, quoted for the shell it is pasted into."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence

_MEANT_OTHERWISE = frozenset("&|<>()^;,%!'`$@{}#")  # by the command prompt or by PowerShell


def shell_command(words: Sequence[str], *, system: str = sys.platform) -> str:
    """Join words for a Unix shell, or on Windows for its command prompt and PowerShell.

    Parameters
    ----------
    system
        As `sys.platform` names it.
    """
    if system != "win32":
        return shlex.join(words)
    return " ".join(map(_for_windows, words))


def _for_windows(word: str) -> str:
    quoted = subprocess.list2cmdline([word])
    if quoted == word and _MEANT_OTHERWISE & set(word):
        return f'"{word}"'
    return quoted
