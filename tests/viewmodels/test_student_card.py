"""A model card as a dock shows it."""

from napari_tide.viewmodels.student_card import read_card


def test_a_card_is_shown_without_what_the_hub_reads(tmp_path):
    (tmp_path / "README.md").write_text(
        "---\nlicense: mit\n---\n# Name\n\nA #1 student.\n\n## In\n"
    )
    assert read_card(tmp_path) == "### Name\n\nA #1 student.\n\n#### In"


def test_a_table_without_titles_is_a_list_and_others_stay(tmp_path):
    titled = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    (tmp_path / "README.md").write_text(
        f"| | |\n|---|---|\n| Tile | 112 px |\n| p\\|q | x - y |\n\nText\n\n{titled}"
    )
    listed = "- **Tile**: 112 px\n- **p\\|q**: x - y\n\nText\n\n"
    assert read_card(tmp_path) == listed + titled.strip()


def test_a_card_that_is_not_there_is_empty(tmp_path):
    assert read_card(tmp_path / "nowhere") == ""
    (tmp_path / "README.md").write_bytes(b"\xff no front matter")
    assert read_card(tmp_path).endswith("no front matter")
