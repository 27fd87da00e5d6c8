"""A ledger that cannot be read stops the start with one line, and the file is kept beside, whole."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backends.errors import LedgerError
from backends.ledger import migrations
from backends.ledger.integrity_check import check_file, set_aside
from backends.ledger.sqlite_connection import open_read_only, writable
from tests.backends.ledger.samples import opened, outcome, paths


def overwrite_page_2(file: Path) -> None:
    with file.open("r+b") as out:
        out.seek(4096)
        out.write(b"\xaa" * 4096)


def cut(file: Path) -> None:
    with file.open("r+b") as out:
        out.truncate(file.stat().st_size // 2 + 100)


def replace_by_text(file: Path) -> None:
    file.write_bytes(b"this is no database, it is a letter to you " * 200)


def schema_that_is_no_text(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE", b"CREATE TABL\xd4", 1))


def garbage_wal(file: Path) -> None:
    file.with_name("ledger.db-wal").write_bytes(b"\x99" * 5000)


@pytest.fixture
async def file(home: Path) -> Path:
    async with opened(home) as ledger:
        for index in range(50):
            await ledger.settle(outcome(f"{index}", notes=("x" * 200,)))
    return paths(home).ledger


@pytest.mark.parametrize("damage", [overwrite_page_2, cut, replace_by_text, schema_that_is_no_text, garbage_wal])
@pytest.mark.proves("D2")
def test_a_damaged_file_is_set_aside(file: Path, damage: Callable[[Path], None]) -> None:
    damage(file)
    content = file.read_bytes()
    with pytest.raises(LedgerError, match=r"is damaged \(.+\) and was moved to .+\.corrupt: restore a backup") as error:
        check_file(file)
    assert "\n" not in str(error.value)
    assert not file.exists()
    assert file.with_name("ledger.db.corrupt").read_bytes() == content
    assert not file.with_name("ledger.db-wal").exists()


@pytest.mark.proves("D2")
async def test_the_next_start_makes_a_fresh_one(home: Path, file: Path) -> None:
    await asyncio.to_thread(replace_by_text, file)
    with pytest.raises(LedgerError, match="damaged"):
        async with opened(home):
            pass
    async with opened(home) as ledger:
        assert await ledger.recent(9) == ()


def test_what_was_set_aside_before_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    for text in ("first", "second"):
        file.write_text(text)
        file.with_name("ledger.db-wal").write_text(f"{text}'s log")
        set_aside(file)
    assert (tmp_path / "ledger.db.corrupt").read_text() == "first"
    assert (tmp_path / "ledger.db.1.corrupt").read_text() == "second"
    assert (tmp_path / "ledger.db.1.corrupt-wal").read_text() == "second's log"


def test_a_sound_or_missing_or_empty_file_passes(file: Path, tmp_path: Path) -> None:
    check_file(file)
    check_file(tmp_path / "nothing.db")
    empty = tmp_path / "empty.db"
    empty.touch()
    check_file(empty)
    assert file.exists()


def test_a_newer_ledger_is_left_as_it_is(file: Path) -> None:
    db = writable(file)
    db.execute(f"PRAGMA user_version = {len(migrations.scripts()) + 1}")
    db.close()
    content = file.read_bytes()
    with pytest.raises(LedgerError, match="newer claw"):
        check_file(file)
    with pytest.raises(LedgerError, match="newer claw"), open_read_only(file):
        pass
    assert file.read_bytes() == content


def test_an_older_ledger_is_not_guessed_at(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as db:
        migrations.migrate(db, migrations.scripts()[:-1])
    with pytest.raises(LedgerError, match="older claw"), open_read_only(file):
        pass


def test_a_migration_happens_whole_or_not_at_all(file: Path) -> None:
    known = migrations.scripts()
    with closing(writable(file)) as db, pytest.raises(sqlite3.OperationalError):
        migrations.migrate(db, [*known, "CREATE TABLE half (a);\nSELECT nonsense;"])
    with open_read_only(file) as db:
        assert migrations.version(db) == len(known)
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").fetchone()[0] == 0


def test_a_reader_of_a_damaged_file_gets_one_line(file: Path) -> None:
    replace_by_text(file)
    with (
        pytest.raises(LedgerError, match=r"cannot be used \(file is not a database\): restore a backup"),
        open_read_only(file),
    ):
        pass
    assert file.exists()
