"""Files that somebody else has put where the console reads and writes: none ends it, none is written through."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import WrongUse
from backends.paths import read_bounded, replace_private
from console.bench import conversation_file
from console.bench.saved_prompts import SavedPrompts
from console.chat_history import ChatHistory
from console.remembered_view import RememberedView, View
from console.user_themes import UserThemes

DEEP = 100_000


def load_history(path: Path) -> None:
    history = ChatHistory(path)
    history.load()
    assert len(history) == 0


def load_view(path: Path) -> None:
    remembered = RememberedView(path)
    remembered.load()
    assert remembered.view == View()


def load_prompts(path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read"):
        SavedPrompts(path).load()


def load_themes(path: Path) -> None:
    themes = UserThemes(path.parent)
    themes.read_changed()
    assert themes.files == {}


READERS: tuple[tuple[str, Callable[[Path], None], str], ...] = (
    ("history.json", load_history, f'{{"prompts": {"[" * DEEP}'),
    ("view.json", load_view, f'{{"other": {"[" * 4_000}'),
    ("prompts.toml", load_prompts, f"prompts = {'[' * DEEP}"),
    ("evil.toml", load_themes, f"colors = {'[' * 60_000}"),
)


@pytest.mark.parametrize(("name", "load", "deep"), READERS)
@pytest.mark.parametrize("kind", ["deep", "pipe", "device", "folder", "loop"])
def test_a_file_that_is_none_counts_as_none(
    tmp_path: Path, name: str, load: Callable[[Path], None], deep: str, kind: str
) -> None:
    path = tmp_path / name
    match kind:
        case "deep":
            path.write_text(deep)
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
    load(path)


def test_a_link_that_lies_in_wait_is_not_written_through(tmp_path: Path) -> None:
    target, other = tmp_path / "talk.md", tmp_path / "other"
    other.write_text("not yours")
    for name in ("talk.md", "talk.md.new", "talk.new", ".talk.md"):
        (tmp_path / name).symlink_to(other)
    conversation_file.write(target, "mine", replace=True)
    assert (target.read_text(), other.read_text()) == ("mine", "not yours")
    assert not target.is_symlink()


def test_two_writers_at_once_leave_the_whole_file_of_one_of_them_and_nothing_beside_it(tmp_path: Path) -> None:
    path, texts = tmp_path / "state.json", [letter * 300_000 for letter in (b"a", b"b", b"c")]

    def write(text: bytes) -> None:
        for _ in range(20):
            replace_private(path, text)

    writers = [threading.Thread(target=write, args=(text,)) for text in texts]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            assert read_bounded(path, 1_000_000) in texts
    for writer in writers:
        writer.join()
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="the system has no disk that is full")
def test_a_full_disk_costs_the_new_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "view.json"
    replace_private(path, b"old")
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (os.open("/dev/full", os.O_WRONLY), str(tmp_path / "gone")))
    with pytest.raises(OSError, match="No space left"):
        replace_private(path, b"new")
    assert path.read_bytes() == b"old"
