import logging
import sqlite3
from pathlib import Path

import pytest

from backends.cache.database import Database
from backends.cache.disk_tier import RETRY_S, DiskTier
from backends.clock import ManualClock
from tests.backends.cache.samples import entry


def _disk(path: Path, clock: ManualClock) -> DiskTier:
    return DiskTier(path, max_bytes=1_000_000, clock=clock)


async def test_a_file_that_cannot_be_opened_is_left_alone_for_a_while(tmp_path: Path) -> None:
    clock, blocked = ManualClock(), tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    disk = _disk(blocked / "cache.db", clock)
    assert await disk.call(lambda database: database.get(())) is None
    assert "cannot be used" in disk.problem
    assert (disk.entries, disk.bytes) == (0, 0)
    blocked.unlink()
    blocked.mkdir()
    assert await disk.call(lambda database: database.put(entry("a"), {})) is None  # not tried again yet
    clock.advance(RETRY_S)
    assert await disk.call(lambda database: database.put(entry("a"), {})) is not None
    assert disk.problem == ""
    assert disk.entries == 1
    await disk.close()


async def test_a_full_disk_costs_no_request_and_heals(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    disk = _disk(tmp_path / "cache.db", clock)

    def full(database: Database) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    await disk.call(lambda database: database.put(entry("before"), {}))

    with caplog.at_level(logging.WARNING):
        assert await disk.call(full) is None
    assert len(caplog.records) == 1
    assert "full" in disk.problem
    clock.advance(RETRY_S)
    assert await disk.call(lambda database: database.put(entry("a"), {})) is not None
    assert (disk.problem, disk.entries) == ("", 2)
    await disk.close()


async def test_a_file_that_turns_corrupt_is_set_aside_while_running(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "cache.db"
    disk = _disk(path, clock)
    await disk.call(lambda database: database.put(entry("a"), {}))

    def malformed(database: Database) -> int:
        raise sqlite3.DatabaseError("database disk image is malformed")

    assert await disk.call(malformed) is None
    clock.advance(RETRY_S)
    assert await disk.call(lambda database: database.get((entry("a").key,))) == []
    assert path.with_name("cache.db.corrupt").exists()
    await disk.close()


async def test_a_corrupt_file_that_cannot_be_moved_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gone" / "cache.db"
    path.parent.mkdir()
    disk = _disk(path, ManualClock())
    await disk.call(Database.recount)

    def vanished(database: Database) -> int:
        database.close()
        for part in path.parent.iterdir():
            part.unlink()
        path.parent.rmdir()
        raise sqlite3.DatabaseError("malformed")

    assert await disk.call(vanished) is None
    assert "cannot be moved" in caplog.text
    await disk.close()
