"""A model card as a dock shows it."""

from napari_tide.viewmodels.student_card import read_card


def test_a_card_is_shown_without_what_the_hub_reads(tmp_path):
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\n---\n# Name\n\nA #1 student.\n\n## In\n"
    )
    assert read_card(tmp_path) == "### Name\n\nA #1 student.\n\n#### In"


def test_a_card_that_is_not_there_is_empty(tmp_path):
    assert read_card(tmp_path / "nowhere") == ""
    (tmp_path / "README.md").write_bytes(b"\xff no front matter")
    assert read_card(tmp_path).endswith("no front matter")
