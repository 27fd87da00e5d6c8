"""`verify` finds what no schema can forbid."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.ledger.integrity_check import find_faults
from backends.ledger.sqlite_connection import writable
from tests.backends.ledger.samples import admission, attempt, opened, outcome, paths


@pytest.fixture
async def sound(home: Path) -> None:
    async with opened(home) as ledger:
        await ledger.admit(admission("a"))
        await ledger.settle(outcome("a", attempt("0.25"), attempt("0.5"), session="s"))
        await ledger.settle(outcome("hit"))
        await ledger.admit(admission("open"))


@pytest.fixture
def db(home: Path, sound: None) -> Iterator[sqlite3.Connection]:
    db = writable(paths(home).ledger)
    yield db
    db.close()


def test_a_sound_ledger_has_no_faults(db: sqlite3.Connection) -> None:
    assert list(find_faults(db, core_runs=True)) == []


def test_an_open_call_needs_a_core(db: sqlite3.Connection) -> None:
    assert list(find_faults(db, core_runs=False)) == [
        "request open: open although no core runs; the next start settles it"
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE requests SET cost_usd = '0.74' WHERE id = 'a'", "its attempts cost 0.75, its row says 0.74"),
        ("UPDATE requests SET input_tokens = 1 WHERE id = 'a'", "not the sums over its attempts"),
        ("UPDATE requests SET attempts = '{' WHERE id = 'a'", "unreadable"),
        ("UPDATE requests SET cost_usd = 'dear' WHERE id = 'hit'", "unreadable"),
        ("UPDATE requests SET baseline_usd = '-1' WHERE id = 'hit'", "below zero"),
        ("UPDATE charges SET usd = '0.7' WHERE id = 'a'", "charged 0.7, its row costs 0.75"),
        ("DELETE FROM charges", "charged 0, its row costs 0.75"),
        ("UPDATE admissions SET id = 'hit'", "final, yet still open"),
        ("DELETE FROM admissions", "reservation without an open call"),
        ("UPDATE sessions SET cost_usd = '9'", "session s of scout: 9 in all, its requests cost 0.75"),
    ],
)
def test_what_is_wrong_is_found(db: sqlite3.Connection, change: str, fault: str) -> None:
    db.execute(change)
    assert any(fault in found for found in find_faults(db, core_runs=True))


def test_damage_under_the_rows_is_found(db: sqlite3.Connection) -> None:
    """An index that claims to be over another column no longer matches its table."""
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_schema SET sql = replace(sql, 'started_at', 'agent') WHERE name = 'requests_by_start'")
    db.execute("PRAGMA writable_schema = RESET")
    assert any("requests_by_start" in found for found in find_faults(db, core_runs=True))
