"""Commands that are copied out of the docks, on each system."""

from __future__ import annotations

import shlex

import pytest

from napari_tide.viewmodels.shell_command import shell_command

WORDS = ["tide", "train", r"C:\My Screens\plate (1)", r"D:\a&b", "seed=3", "it's", ""]


def test_a_unix_shell_reads_back_the_same_words():
    assert shlex.split(shell_command(WORDS, system="linux")) == WORDS
    assert shell_command(["tide", "a b"], system="darwin") == "tide 'a b'"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (r"C:\My Screens\plate (1)", r'"C:\My Screens\plate (1)"'),
        (r"D:\a&b", r'"D:\a&b"'),
        ("labels,tide", '"labels,tide"'),
        ("seed=3", "seed=3"),
        ("", '""'),
        ('a "b" c', r'"a \"b\" c"'),
    ],
)
def test_windows_takes_double_quotes_and_no_others(word, expected):
    assert shell_command(["tide", word], system="win32") == f"tide {expected}"
