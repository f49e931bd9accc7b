"""The docks never send a user to an option of a command without naming the command."""

import ast
from pathlib import Path

import pytest

from napari_tide.viewmodels.gui_words import bare_options, in_gui_words
from napari_tide.viewmodels.session import Session

PARTS = ("screens", "imaging", "profiles", "inference", "students", "chem", "transcriptomes")
# what only commands say: simulating, evaluating, publishing, a cluster
COMMANDS_OWN = (
    "evaluat", "drug_gene", "interventions", "replicate_retrieval", "label_retrieval",
    "ranking_metrics", "nearest.py", "cluster.py", "publish", "anndata_export", "report",
)  # fmt: skip


def messages_of(source):
    """Every text of a file, f-strings with X for what is filled in."""
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        if id(node) in docs or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = (str(v.value) if isinstance(v, ast.Constant) else "7" for v in node.values)
            yield "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sentences(repository):
    package = Path(repository) / "src" / "napari_tide"
    files = [path for part in PARTS for path in sorted((package / part).rglob("*.py"))]
    files += sorted((package / "discovery").glob("*.py")) + sorted(
        (package / "viewmodels").glob("*.py")
    )
    for path in files:
        if any(name in path.name for name in COMMANDS_OWN) or path.name == "gui_words.py":
            continue
        source = path.read_text(encoding="utf-8")
        for text in messages_of(source) if "--" in source else ():
            if " " in text and bare_options(text):
                yield path.name, text


def test_no_sentence_a_dock_can_show_names_an_option_alone(repository):
    found = list(sentences(repository))
    assert len(found) > 20, "the scan no longer finds what it is about"
    left = [(name, text) for name, text in found if bare_options(in_gui_words(text))]
    assert left == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("cannot write a.csv: No space; choose another --out", "make room or allow writing there"),
        ("p is being written by process 7; wait for it or choose another --out", "has ended"),
        ("a.gct holds 3 signatures; choose one with --sample, such as s1", "below the file"),
        ("cuda ran out of memory on 64 tiles; lower --batch-size to 32", "in Preferences to 32"),
        ("aligned; give what tide profile wrote with this student (--embeddings)", "Open profiles"),
        ("x lies outside y; move the images there, or allow it with --allow-outside", "there"),
        ("p is not there; give it with --images", "tide inspect SOURCE --images … --out screen"),
    ],
)
def test_the_way_out_is_one_the_window_has(said, shown):
    told = in_gui_words(said)
    assert shown in told
    assert bare_options(told) == []
    assert told.partition(";")[0] == said.partition(";")[0]
    assert in_gui_words(told) == told


def test_whole_commands_and_plain_sentences_stay_as_they_are():
    for said in ("clean them first with tide align --clean", "no well is selected", ""):
        assert in_gui_words(said) == said


def test_what_the_docks_report_is_in_their_words():
    session = Session()
    session.report("no DNA channel; rename a channel with --channels, for example --channels 5=DNA")
    assert "tide inspect SOURCE --channels … --out screen.parquet" in session.problem
