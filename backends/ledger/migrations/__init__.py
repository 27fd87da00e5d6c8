"""The ledger's schema: numbered SQL scripts, each run once, in order, and counted in `user_version`."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent


def scripts() -> list[str]:
    """The SQL of every migration; the list only grows."""
    return [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))]


def version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, steps: Sequence[str] | None = None) -> None:
    """Run the steps, by default all scripts, that the file has not had yet; each is committed whole or not at all."""
    for number, step in enumerate(scripts() if steps is None else steps, start=1):
        if number > version(db):
            try:
                db.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
            except sqlite3.Error:
                if db.in_transaction:
                    db.rollback()
                raise
