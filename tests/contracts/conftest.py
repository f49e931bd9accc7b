"""Ways to damage a file or its name, for the contract that only our own errors come out."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st


def flip_bit(content, a, b):
    place = a % len(content)
    return content[:place] + bytes([content[place] ^ 1 << b % 8]) + content[place + 1 :]


def delete_bytes(content, a, b):
    place = a % len(content)
    return content[:place] + content[place + 1 + b % 40 :]


def repeat_bytes(content, a, b):
    place = a % len(content)
    return content[:place] + content[place : place + 1 + b % 60] * 2 + content[place:]


def truncate(content, a, b):
    return content[: a % len(content)]


def insert_nasty(content, a, b):
    place = a % (len(content) + 1)
    return content[:place] + NASTY[b % len(NASTY)] + content[place:]


def replace_value(content, a, b):
    """Put a nasty value in the place of a number, a word, or whatever stands in quotes."""
    values = list(re.finditer(rb'(?<=")[^"\n]*(?=")|[^\s,"<>{}\[\]:=]+', content))
    if not values:
        return insert_nasty(content, a, b)
    value = values[a % len(values)]
    return content[: value.start()] + NASTY[b % len(NASTY)] + content[value.end() :]


def swap_lines(content, a, b):
    lines = content.split(b"\n")
    i, j = a % len(lines), b % len(lines)
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def delete_line(content, a, b):
    lines = content.split(b"\n")
    del lines[a % len(lines)]
    return b"\n".join(lines)


def repeat_line(content, a, b):
    lines = content.split(b"\n")
    lines.insert(b % len(lines), lines[a % len(lines)])
    return b"\n".join(lines)


def swap_columns(content, a, b):
    rows = [line.split(b",") for line in content.split(b"\n")]
    width = max(map(len, rows))
    for row in rows:
        i, j = a % width, b % width
        if max(i, j) < len(row):
            row[i], row[j] = row[j], row[i]
    return b"\n".join(b",".join(row) for row in rows)


def delete_column(content, a, b):
    rows = [line.split(b",") for line in content.split(b"\n")]
    column = a % max(map(len, rows))
    return b"\n".join(b",".join(row[:column] + row[column + 1 :]) for row in rows)


def encode_otherwise(content, a, b):
    text = content.decode("utf-8", errors="replace")
    encoding = ("utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp1252", "cp037")[a % 6]
    return text.encode(encoding, errors="replace")


def change_structure(content, a, b):
    """Change one value, key or cell of a JSON, XML or Parquet file that stays well-formed."""
    if content.startswith(b"PAR1"):
        return change_parquet(content, a, b)
    if b"<?xml" in content[:10]:
        return change_xml(content, a, b)
    try:
        tree = json.loads(content)
        places = list(places_in(tree)) if isinstance(tree, dict | list) else []
    except (ValueError, RecursionError):  # no JSON, or nested without end by an earlier edit
        places = []
    if not places:
        return replace_value(content, a, b)
    container, key = places[a % len(places)]
    change_place(container, key, b)
    return json.dumps(tree).encode()


def change_xml(content, a, b):
    texts = list(re.finditer(rb">([^<>\s][^<>]*)<", content))
    if not texts:
        return replace_value(content, a, b)
    text = texts[a % len(texts)]
    nasty = escape(NASTY[b % len(NASTY)].decode("utf-8", "replace")).encode()
    return content[: text.start(1)] + nasty + content[text.end(1) :]


def places_in(tree):
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from places_in(tree[key])


def change_place(container, key, b):
    what = b % (len(NASTY_JSON) + 3)
    if what < len(NASTY_JSON):
        container[key] = NASTY_JSON[what]
    elif isinstance(container, list):
        container.append(container[key])
    else:
        container["renamed" if what % 2 else ""] = container.pop(key)


def change_parquet(content, a, b):
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        return flip_bit(content, a, b)
    metadata = dict(table.schema.metadata)
    header = b"napari_tide_screen"
    column = a % table.num_columns
    what = b // 7 % 5
    if what == 0 and header in metadata:
        metadata[header] = change_structure(metadata[header], a, b)
    elif what == 1:
        table = table.remove_column(column)
    elif what == 2:
        names = table.column_names
        names[column] = NASTY[b % len(NASTY)].decode("utf-8", "replace")
        table = table.rename_columns(names)
    elif what == 3:
        table = table.slice(0, b % 3)
    else:
        cells = [str(value) for value in table.column(column).to_pylist()]
        if cells:
            cells[b % len(cells)] = NASTY[a % len(NASTY)].decode("utf-8", "replace")
        table = table.set_column(column, table.column_names[column], pa.array(cells, pa.string()))
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return sink.getvalue().to_pybytes()


def change_character(content, a, b):
    place = a % len(content)
    return content[:place] + b"0123459ABPZabswz_-. "[b % 20 : b % 20 + 1] + content[place + 1 :]


def end_lines_otherwise(content, a, b):
    return content.replace(b"\n", (b"\r\n", b"\r", b"\n\n", b"\0\n")[a % 4])


NASTY = (
    b"", b" ", b"NaN", b"nan", b"-1", b"0", b"1e309", b"-1e309", b"1e5", b"99999999999999999999",
    b"9" * 5000, b"0x10", b"1.5", b"null", b"None", b"true", b"[]", b"{}", b'"', b"'", b",", b"\n",
    b"\r", b"\t", b"\\", b"/", b"..", b"../", b"../../../etc/passwd", b"/etc/passwd", b"C:\\x.tif",
    b"\\\\server\\share\\x.tif", b"file:///etc/passwd", b"#", b"#c=1", b"#page=99999999999", b"%00",
    b"\0", b"\x1b[31m", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe9", b"\xed\xa0\x80",
    b"\\ud800", b"\\u0000", "µ".encode(), "\u202e".encode(), "\u2028".encode(), "\uff11".encode(),
    b"A" * 300, b"x" * 70000, b"<!--", b"]]>", b"&lol;", b"</", b"[" * 2000, b"=1+1", b"A00",
    b"ZZ99", b"B100", b"Inf", b"1970-01-01", b"DNA", b"dapi", b"path_DNA",
)  # fmt: skip

NASTY_JSON = (
    None, True, 0, -1, 1.5, 1e308, float("nan"), float("inf"), 10**30, "", " ", "\n", "\0",
    "\ud800", "../../../etc", "/etc/passwd", "#c=1", "x" * 5000, [], {}, [[]], [None], ["x"],
    {"path": 1}, "B/03", "DNA",
)  # fmt: skip

MUTATORS = (
    flip_bit, delete_bytes, repeat_bytes, truncate, insert_nasty, replace_value, replace_value,
    replace_value, change_structure, change_structure, change_structure, change_structure,
    swap_lines, delete_line, repeat_line, swap_columns, delete_column, encode_otherwise,
    end_lines_otherwise,
)  # fmt: skip
NAME_MUTATORS = (
    change_character, change_character, change_character, flip_bit, delete_bytes, repeat_bytes,
    insert_nasty, replace_value,
)  # fmt: skip

POSITIONS = st.integers(0, 2**31)


def edits(mutators):
    """One to three edits: which, and two numbers that say where and what."""
    one = st.tuples(st.sampled_from(mutators), POSITIONS, POSITIONS)
    return st.lists(one, min_size=1, max_size=3)


def edited(content, chosen):
    for mutate, a, b in chosen:
        content = mutate(content, a, b) if content else content
    return content


@dataclass(frozen=True)
class Damage:
    """Hypothesis strategies for edits of contents and names, and what applies them."""

    of_contents: st.SearchStrategy
    of_names: st.SearchStrategy
    apply: Callable


@pytest.fixture(scope="session")
def damage():
    """Ways to damage a file."""
    return Damage(edits(MUTATORS), edits(NAME_MUTATORS), edited)
