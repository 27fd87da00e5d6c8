"""One core at a time, and a second one is told whom to look for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from backends.errors import LedgerError
from backends.ledger.lock import Lock, is_held


def test_the_second_is_told_the_firsts_pid(tmp_path: Path) -> None:
    path = tmp_path / "core.lock"
    lock = Lock.take(path)
    with pytest.raises(LedgerError, match=rf"pid {os.getpid()}"):
        Lock.take(path)
    assert is_held(path)
    lock.release()
    assert not is_held(path)
    Lock.take(path).release()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_that_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "core.lock"
    lock = Lock.take(path)
    path.write_text("\x1b[2Jhello")
    with pytest.raises(LedgerError, match="another core holds"):
        Lock.take(path)
    lock.release()


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "core.lock")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("elsewhere"), Path.mkdir], ids=["link", "folder"])
def test_something_else_in_its_place(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "core.lock")
    with pytest.raises(LedgerError, match="plain file"):
        Lock.take(tmp_path / "core.lock")
    assert not (tmp_path / "elsewhere").exists()
