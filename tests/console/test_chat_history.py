import json
import stat
from pathlib import Path

import pytest

from console.chat_history import KEPT, KEPT_CHARACTERS, LONGEST, ChatHistory


def test_prompts_live_on_in_a_private_file_beside_other_keys(tmp_path: Path) -> None:
    path = tmp_path / "state" / "console.json"
    first = ChatHistory(path)
    first.add("one")
    first.add("two\nlines ü")
    first.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text(json.dumps(json.loads(path.read_text()) | {"theme": "nordic"}))

    second = ChatHistory(path)
    second.add("typed before loading")
    second.load()
    assert list(second) == ["one", "two\nlines ü", "typed before loading"]
    second.save()
    assert json.loads(path.read_text())["theme"] == "nordic"
    assert [file.name for file in path.parent.iterdir()] == ["console.json"]


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    history = ChatHistory()
    history.add("secret")
    history.save()
    history.load()
    assert list(history) == ["secret"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"prompts": 3}', b'{"prompts": [1, null]}', b"\xff\xfe"])
def test_a_file_that_says_nothing_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "console.json"
    path.write_bytes(content)
    history = ChatHistory(path)
    history.load()
    assert len(history) == 0
    history.add("one")
    history.save()
    assert json.loads(path.read_bytes())["prompts"] == ["one"]


def test_a_folder_that_cannot_be_written_costs_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    history = ChatHistory(tmp_path / "file" / "console.json")
    history.add("one")
    history.save()
    assert history[-1] == "one"


def test_it_is_bounded_in_number_and_size() -> None:
    history = ChatHistory()
    for number in range(KEPT + 7):
        history.add(str(number))
    assert len(history) == KEPT
    assert history[0] == "7"
    for number in range(60):
        history.add(f"{number}" + "x" * (LONGEST - 10))
    assert sum(map(len, history)) <= KEPT_CHARACTERS
    assert history[-1].startswith("59")


def test_repeats_and_giants_are_not_kept() -> None:
    history = ChatHistory()
    for prompt in ("a", "a", "b", "x" * (LONGEST + 1), "a"):
        history.add(prompt)
    assert list(history[:]) == ["a", "b", "a"]
