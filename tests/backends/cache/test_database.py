import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.cache import browser, cache_file, codec
from backends.cache.database import Database
from tests.backends.cache.samples import entry, stored
from tests.damaged import database_whose_schema_is_no_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    opened = Database(path, max_bytes=10_000_000)
    yield opened
    opened.close()


def test_an_entry_comes_back_as_it_went_in(db: Database) -> None:
    for kept in (entry("short"), entry("long", text="wörd " * 1000)):
        db.put(kept, {})
        (found,) = db.get((kept.key,))
        assert found.stored == kept.stored
        assert found.question == kept.question
        assert (found.stored_at, found.expires_at, found.agent) == (kept.stored_at, kept.expires_at, kept.agent)


def test_long_bodies_are_compressed(db: Database) -> None:
    assert db.put(entry("long", text="word " * 10_000), {}).size < 5000


def test_a_second_answer_takes_the_firsts_place(db: Database) -> None:
    db.put(entry("a"), {})
    db.put(replace(entry("a"), stored=stored("Another.")), {})
    assert db.entries == 1
    assert db.get((entry("a").key,))[0].stored.text == "Another."


def test_entries_come_in_the_order_asked(db: Database) -> None:
    for name in "abc":
        db.put(entry(name), {})
    keys = [entry(name).key for name in ("c", "x", "a")]
    assert [found.question for found in db.get(keys)] == ["What is c?", "What is a?"]


def test_what_was_used_least_recently_is_evicted(path: Path) -> None:
    db = Database(path, max_bytes=7000)
    for number, name in enumerate("abcd"):
        db.put(entry(name, at=1000.0 + number), {})
    evicted = db.put(entry("e", at=2000.0), {entry("a").key: (1500.0, 3)}).evicted
    assert entry("b").key in evicted
    assert [found.hits for found in db.get((entry("a").key,))] == [3]
    db.close()


def test_what_expired_is_evicted_before_what_was_used_long_ago(path: Path) -> None:
    db = Database(path, max_bytes=7000)
    db.put(entry("old", at=1000.0), {})
    db.put(entry("older", at=900.0), {})
    db.put(entry("dead", at=1900.0, lives=10.0), {})
    db.put(entry("c", at=1901.0), {})
    assert db.put(entry("d", at=2000.0), {}).evicted == (entry("dead").key,)
    db.close()


def test_what_is_larger_than_a_quarter_of_the_cache_is_not_kept(path: Path) -> None:
    db = Database(path, max_bytes=4000)
    written = db.put(entry("a", text="".join(chr(33 + n * 7919 % 90) for n in range(9000))), {})
    assert written.size == 0
    assert db.entries == 0
    db.close()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 900)), max_size=40))
def test_size_stays_within_the_limit_and_is_what_the_file_says(puts: list[tuple[int, int]]) -> None:
    folder = tempfile.TemporaryDirectory()
    db = Database(Path(folder.name) / "cache.db", max_bytes=15_000)
    for tick, (name, length) in enumerate(puts):
        db.put(entry(str(name), at=1000.0 + tick, text="é" + "x" * length), {})
        assert db.bytes <= 15_000
    counted = (db.entries, db.bytes)
    db.recount()
    assert (db.entries, db.bytes) == counted
    db.close()
    folder.cleanup()


def test_a_broken_row_is_deleted_and_never_served(db: Database, path: Path) -> None:
    kept, broken = entry("kept"), entry("broken")
    db.put(kept, {})
    db.put(broken, {})
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE entries SET body = 'p' || x'00' WHERE key = ?", (broken.key,))
    other.close()
    assert [found.key for found in db.get((kept.key, broken.key))] == [kept.key]
    assert db.entries == 1


def test_a_row_moved_to_another_partition_is_broken() -> None:
    kept = entry("a")
    body = codec.to_body(kept)
    sealed = (kept.key, kept.partition, kept.agent, kept.stored_at, kept.expires_at)
    row = (*sealed, 0, 9, codec.checksum(sealed, body), body)
    assert codec.to_entry(row) is not None
    assert codec.to_entry((kept.key, b"q" * 32, *row[2:])) is None


@pytest.mark.parametrize("body", [b"z123", b"p\x91", b"", b"p" + b"\xc1"])
def test_a_body_that_is_no_body_is_broken(body: bytes) -> None:
    sealed = (b"k", b"p", "ada", 1.0, 2.0)
    assert codec.to_entry((*sealed, 0, 9, codec.checksum(sealed, body), body)) is None


def test_a_column_of_another_type_is_broken() -> None:
    assert codec.to_entry((b"k", b"p", "ada", 1.0, 2.0, 0, 9, 1, None)) is None  # type: ignore[arg-type]


def test_one_agents_answers_can_be_flushed(db: Database) -> None:
    db.put(entry("a", agent="ada"), {})
    db.put(entry("b", agent="scout"), {})
    assert db.flush("ada") == [entry("a").key]
    assert db.entries == 1
    assert len(db.flush(None)) == 1
    assert (db.entries, db.bytes) == (0, 0)


def test_flushed_text_is_gone_from_the_file(db: Database, path: Path) -> None:
    db.put(entry("a", text="CANARY"), {})
    db.flush(None)
    assert all(b"CANARY" not in part.read_bytes() for part in path.parent.iterdir())


def test_vectors_go_with_their_entries(db: Database) -> None:
    db.vectors.use_model("m1")
    for name in "abc":
        db.put(entry(name), {})
    keys = [entry(name).key for name in "abx"]
    assert db.vectors.put([(key, b"v" * 8, 5) for key in keys]) == set(keys[:2])
    assert [row[0] for row in db.vectors.after(0, limit=10)] == keys[:2]
    assert [found.question for _, found in db.vectors.missing(0, limit=10)] == ["What is c?"]
    db.delete(keys[:1])
    assert [row[0] for row in db.vectors.after(0, limit=10)] == [keys[1]]


def test_another_models_vectors_are_thrown_away(db: Database) -> None:
    db.vectors.use_model("m1")
    db.put(entry("a"), {})
    db.vectors.put([(entry("a").key, b"v", 1)])
    db.vectors.use_model("m1")
    assert len(db.vectors.after(0, limit=10)) == 1
    db.vectors.use_model("m2")
    assert db.vectors.after(0, limit=10) == []
    assert len(db.vectors.missing(0, limit=10)) == 1


def test_uses_are_written(db: Database) -> None:
    db.put(entry("a"), {})
    db.write_uses({entry("a").key: (1200.0, 2), b"gone": (1.0, 1)})
    assert db.get((entry("a").key,))[0].hits == 2


def test_the_file_is_its_owners_alone(path: Path) -> None:
    path.touch(mode=0o644)
    Database(path, max_bytes=1000).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"not a database at all " * 100,
        b"SQLite format 3\x00" + b"\xff" * 5000,
        database_whose_schema_is_no_text(),
    ],
)
def test_a_corrupt_file_is_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    db = Database(path, max_bytes=1_000_000)
    db.put(entry("a"), {})
    assert db.entries == 1
    db.close()
    assert path.with_name("cache.db.corrupt").read_bytes() == content


def test_a_newer_programs_file_is_begun_anew(path: Path) -> None:
    Database(path, max_bytes=1000).close()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute(f"PRAGMA user_version = {cache_file.VERSION + 1}")
    other.close()
    Database(path, max_bytes=1000).close()
    assert not path.with_name("cache.db.corrupt").exists()
    with closing(sqlite3.connect(path)) as other, other:
        assert other.execute("PRAGMA user_version").fetchone()[0] == cache_file.VERSION
    other.close()


def test_a_flush_of_everything_takes_what_was_set_aside(path: Path) -> None:
    aside = path.with_name("cache.db.corrupt")
    aside.write_bytes(b"once a prompt")
    database = Database(path, max_bytes=1000)
    database.flush("writer")
    assert aside.exists()
    database.flush(None)
    assert not aside.exists()
    database.close()


def test_a_locked_file_is_no_reason_to_set_it_aside(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other, other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError):
            cache_file.open_file(path, busy_s=0.01)
    other.close()
    assert not path.with_name("cache.db.corrupt").exists()


def test_totals_are_read_without_a_trace(path: Path) -> None:
    assert browser.totals(path) == (0, 0)
    assert not path.exists()
    db = Database(path, max_bytes=1_000_000)
    size = db.put(entry("a"), {}).size
    db.close()
    assert browser.totals(path) == (1, size)


def test_the_file_is_about_as_large_as_its_rows_are_counted(db: Database, path: Path) -> None:
    for number in range(500):
        written = entry(f"{number:04}")
        db.put(written, {})
        db.vectors.put([(written.key, b"v" * 768, 9)])
    db.close()
    assert 0.5 * db.bytes < path.stat().st_size < 1.25 * db.bytes
