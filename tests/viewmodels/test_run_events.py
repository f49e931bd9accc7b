"""Lines of a training's output: noise, torn lines, files that grow and are begun anew."""

import json

import pytest

from napari_tide.viewmodels.run_events import GrowingFile, LineSplitter, parse_event


def line(**facts):
    return json.dumps({"event": "step", **facts})


@pytest.mark.parametrize(
    "noise",
    ["", "Downloading: 40%", "{", '{"event": "step", "loss": 0.', "[1, 2]", '{"event": 3}',
     '{"loss": 1.0}', "\x00\xff", "{" * 5000, '{"event"' + ":{" * 3000],
)  # fmt: skip
def test_what_is_no_event_is_passed_over(noise):
    assert parse_event(noise) is None


@pytest.mark.parametrize(
    "text", [line(step=3), "40%|####  " + line(step=3), line(step=3) + " trailing words\r"]
)
def test_an_event_is_found_beside_chatter_on_its_line(text):
    assert parse_event(text) == {"event": "step", "step": 3}


def test_lines_are_whole_however_the_bytes_arrive():
    text = "one\ntwö\r\nthree\nlast".encode()
    for size in range(1, 8):
        splitter, lines = LineSplitter(), []
        for start in range(0, len(text), size):
            lines += splitter.feed(text[start : start + size])
        assert lines == ["one", "twö", "three"]
        assert splitter.flush() == ["last"]
        assert splitter.flush() == []


def test_a_torn_last_line_waits_for_its_end(tmp_path):
    path = tmp_path / "metrics.jsonl"
    file = GrowingFile(path)
    assert file.read_new() == ([], False)
    path.write_text(line(step=1) + "\n" + line(step=2)[:12])
    assert file.read_new() == ([line(step=1)], False)
    with path.open("a") as stream:
        stream.write(line(step=2)[12:] + "\n")
    assert file.read_new() == ([line(step=2)], False)
    assert file.read_new() == ([], False)


def test_a_file_cut_back_and_replaced_is_read_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(line(step=step) + "\n" for step in range(5)))
    file = GrowingFile(path)
    assert len(file.read_new()[0]) == 5
    partial = tmp_path / "metrics.partial"
    partial.write_text("".join(line(step=step) + "\n" for step in range(2)) + line(step=9))
    partial.replace(path)
    assert file.read_new() == ([line(step=0), line(step=1)], True)
    assert file.read_rest() == [line(step=9)]


def test_a_file_cut_in_place_is_read_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("long line of before\n")
    file = GrowingFile(path)
    file.read_new()
    path.write_text("new\n")
    assert file.read_new() == (["new"], True)


def test_reading_can_begin_after_what_is_there_already(tmp_path):
    path = tmp_path / "stdout.log"
    path.write_text("of an earlier child\n")
    file = GrowingFile(path, offset=path.stat().st_size)
    with path.open("a") as stream:
        stream.write("new\n")
    assert file.read_new() == (["new"], False)
