"""The table of the questions' vectors, beside their entries."""

import sqlite3
from collections.abc import Iterable

from backends.cache import codec
from backends.cache.encryption import BodyCipher
from backends.cache.stored_answer import StoredEntry

VectorRow = tuple[bytes, bytes, bytes, int, int]
"""key, partition, vector as half floats, characters of the question that the model read, and the row's id."""


class VectorTable:
    """Call it on the database's thread; each method is a transaction. All vectors are of one model."""

    def __init__(self, db: sqlite3.Connection, cipher: BodyCipher | None = None) -> None:
        self._db = db
        self._cipher = cipher

    def use_model(self, model: str) -> None:
        """Store vectors of `model` from now on; those of another model are deleted."""
        with self._db:
            row = self._db.execute("SELECT value FROM meta WHERE name = 'embedder'").fetchone()
            if row is None or row[0] != model:
                self._db.execute("DELETE FROM vectors")
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('embedder', ?)", (model,))

    def delete_all(self) -> None:
        with self._db:
            self._db.execute("DELETE FROM vectors")

    def after(self, id: int, *, limit: int) -> list[VectorRow]:
        """The next rows after `id`, by id."""
        return self._db.execute(
            "SELECT key, partition, vector, read, id FROM vectors WHERE id > ? ORDER BY id LIMIT ?", (id, limit)
        ).fetchall()

    def missing(self, after: int, *, limit: int) -> list[tuple[int, StoredEntry]]:
        """The next (id, entry) after `after` without a vector, by id; broken and encrypted rows are left out."""
        rows = self._db.execute(
            f"SELECT id, {codec.COLUMNS} FROM entries WHERE id > ? AND id NOT IN (SELECT id FROM vectors) "  # noqa: S608 — column names only
            "AND substr(body, 1, 1) != x'65' ORDER BY id LIMIT ?",
            (after, limit),
        ).fetchall()
        return [(row[0], entry) for row in rows if (entry := codec.to_entry(row[1:], self._cipher)) is not None]

    def put(self, vectors: Iterable[tuple[bytes, bytes, int]]) -> set[bytes]:
        """Write (key, half floats, characters that the model read). Returns the keys whose entries still exist."""
        with self._db:
            return {
                key
                for key, vector, read in vectors
                if self._db.execute(
                    "INSERT OR REPLACE INTO vectors SELECT id, key, partition, ?, ? FROM entries WHERE key = ?",
                    (vector, read, key),
                ).rowcount
            }
