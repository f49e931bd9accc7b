"""What a sentence written for the command line says to somebody in front of the docks.

The readers, profiles and discovery serve both; their sentences name options, which a window has
not. What a dock can do is said in its own words; what only a command can, as that command.
"""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\btide [a-z-]+[^;,()]*")
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")

# (what the sentence says, what the window says); the first that fit are replaced, in this order
_IN_DOCKS: tuple[tuple[str, str], ...] = (
    (r"wait for it or choose another --out", "wait until that has ended"),
    (r"(?:choose|give) another --out", "make room or allow writing there, or choose another place"),
    (r",? or (?:replace it(?: with|:)|pass) --overwrite", ""),
    (r",? or allow it with --allow-outside", ""),
    (
        r"give what tide profile wrote with this student \(--embeddings\)",
        "run the plate with this student, or open what tide profile wrote with it: Open profiles…",
    ),
    (r"choose one with --sample", "type its name below the file"),
    (r"lower --batch-size to (\d+)", r"lower the batch size in Preferences to \1"),
    (r"named? (?:them )?in a plate map \(--platemap\)", "name them with Plate map…"),
    (r"goes in as --platemap, or with a well column", "needs a well column"),
    (r"name some, such as --wells \S+", "drag over wells on the plate, or lasso points in a map"),
    (r"; use --null labels", ""),
)
_READING = (
    "--channels", "--images", "--pattern", "--plane", "--time", "--platemap", "--metadata",
)  # fmt: skip


def in_gui_words(sentence: str) -> str:
    """Give the way out of a sentence in words of the docks; said twice, it stays as it is."""
    for said, shown in _IN_DOCKS:
        sentence = re.sub(said, shown, sentence)
    bare = [option for option in bare_options(sentence) if option in _READING]
    if not bare:
        return sentence
    options = " ".join(f"{option} …" for option in dict.fromkeys(bare))
    return (
        f"{sentence} (on the command line: tide inspect SOURCE {options} --out screen.parquet; "
        "Open file… opens that table)"
    )


def bare_options(sentence: str) -> list[str]:
    """List the options a sentence names outside of a whole command, which can be copied."""
    if "tide inspect SOURCE " in sentence:
        return []
    return _OPTION.findall(_COMMAND.sub("", sentence))
