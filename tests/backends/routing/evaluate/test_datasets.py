"""Sets of labelled prompts: their kind follows from their keys, and an error names the file and the line."""

import gzip
from pathlib import Path

import pytest

from backends.errors import WrongUse
from backends.routing.evaluate import Dataset, datasets, read

ROUTING = b'{"prompt": "hi", "labels": {"local": 1, "cloud": 0.5}}\n'
INTENTS = b'{"prompt": "hi", "intent": "chat", "other": 3}\n\n'
PRIVACY = b'{"prompt": "hi", "sensitive": false}\n'


def test_the_kind_of_a_set_follows_from_its_keys(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(ROUTING)
    (tmp_path / "b.jsonl").write_bytes(INTENTS)
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(PRIVACY * 2))
    (tmp_path / "notes.txt").write_text("not a set")
    found = list(datasets(tmp_path))
    assert [(each.name, each.kind, len(each.rows)) for each in found] == [
        ("a", "routing", 1),
        ("b", "intents", 1),
        ("c", "privacy", 2),
    ]
    assert found[1].rows[0].request().messages[0].text == "hi"


def test_one_set_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(ROUTING)
    (tmp_path / "b.jsonl").write_bytes(b"broken, and not read")
    assert list(datasets(tmp_path, "a")) == [Dataset(name="a", kind="routing", rows=read(tmp_path / "a.jsonl"))]


@pytest.mark.parametrize(
    ("files", "name", "message"),
    [
        ({}, None, "has no .jsonl or .jsonl.gz file"),
        ({"a.jsonl": ROUTING}, "b", "has no set 'b': it has a"),
        ({"a.jsonl": b'{"prompt": "x"}\n'}, None, "the set a has no row with labels, intent or sensitive"),
        ({"a.jsonl": ROUTING + b"{"}, None, "a.jsonl, line 2"),
        ({"a.jsonl": b'{"prompt": 3}'}, None, "a.jsonl, line 1"),
        ({"a.jsonl.gz": b"not gzipped"}, None, "cannot be read"),
        ({"a.jsonl.gz": gzip.compress(ROUTING)[:-9]}, None, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_wrong_use(
    tmp_path: Path, files: dict[str, bytes], name: str | None, message: str
) -> None:
    for each, data in files.items():
        (tmp_path / each).write_bytes(data)
    with pytest.raises(WrongUse, match=message):
        list(datasets(tmp_path, name))


def test_a_folder_that_is_missing_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read"):
        list(datasets(tmp_path / "nowhere"))
