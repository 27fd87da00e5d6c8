"""The cache's rows. Every method blocks and is one whole transaction; all are called on one and the same thread.

`synchronous=NORMAL`: a crash may cost the last entries, never the soundness of one.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from backends.cache import codec, file
from backends.cache.entry import Entry

log = logging.getLogger(__name__)

ROW_OVERHEAD = 1280  # bytes beside a body: keys, indexes, and a vector of 384 half floats
EVICT_TO = 0.9  # of the limit, so that a full cache does not evict on every store

Uses = Mapping[bytes, tuple[float, int]]
"""Hits since the last transaction: when last (Unix seconds) and how many, by key."""

_ENTRY = "key, partition, agent, stored_at, expires_at, hits, size, checksum, body"


class Written(Struct, frozen=True, kw_only=True):
    """What a write did: `size` of the new row in bytes, 0 where it was too large to keep; the keys that had to go."""

    size: int
    evicted: tuple[bytes, ...] = ()


class Database:
    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._db = file.open_file(path)
        self.entries = self.bytes = 0
        self.recount()

    def get(self, keys: Sequence[bytes]) -> list[Entry]:
        """Those of `keys` that are there and sound, in the order asked; broken rows are deleted."""
        marks = ",".join("?" * len(keys))
        rows: list[codec.Row] = self._db.execute(
            f"SELECT {_ENTRY} FROM entries WHERE key IN ({marks})",  # noqa: S608 — column names and question marks only
            tuple(keys),
        ).fetchall()
        found = {row[0]: codec.to_entry(row) for row in rows}
        if broken := [key for key, entry in found.items() if entry is None]:
            log.warning("%d broken cache entries were deleted", len(broken))
            self.delete(broken)
        return [entry for key in keys if (entry := found.get(key)) is not None]

    def put(self, entry: Entry, uses: Uses) -> Written:
        """Write one entry over any older one of its key, note `uses`, and make room by the least recent use."""
        body = codec.to_body(entry)
        size = len(body) + ROW_OVERHEAD
        if size > self._max_bytes // 4:
            return Written(size=0)
        sealed = (entry.key, entry.partition, entry.agent, entry.stored_at, entry.expires_at)
        with self._db:
            self._note_uses(uses)
            self._delete((entry.key,))
            self._db.execute(
                f"INSERT INTO entries ({_ENTRY}, used_at) VALUES (?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 — column names
                (*sealed, entry.hits, size, codec.checksum(sealed, body), body, entry.stored_at),
            )
            self.entries += 1
            self.bytes += size
            return Written(size=size, evicted=self._evict(now=entry.stored_at))

    def note_uses(self, uses: Uses) -> None:
        """Write hits, so that eviction knows what is used."""
        with self._db:
            self._note_uses(uses)

    def delete(self, keys: Iterable[bytes]) -> None:
        with self._db:
            self._delete(keys)

    def flush(self, agent: str | None) -> list[bytes]:
        """Delete one agent's entries, or all for None; returns their keys."""
        with self._db:
            if agent is None:
                rows = self._db.execute("DELETE FROM entries RETURNING key").fetchall()
            else:
                rows = self._db.execute("DELETE FROM entries WHERE agent = ? RETURNING key", (agent,)).fetchall()
        self._db.execute("PRAGMA incremental_vacuum").fetchall()
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.recount()
        return [key for (key,) in rows]

    def embedded_by(self, model: str) -> None:
        """Vectors in the file are `model`'s from now on; another model's are thrown away."""
        with self._db:
            row = self._db.execute("SELECT value FROM meta WHERE name = 'embedder'").fetchone()
            if row is None or row[0] != model:
                self._db.execute("DELETE FROM vectors")
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('embedder', ?)", (model,))

    def vectors(self, after: int, *, limit: int) -> list[tuple[int, bytes, bytes, bytes, int]]:
        """The next (id, key, partition, vector, read) past `after`, by id."""
        return self._db.execute(
            "SELECT id, key, partition, vector, read FROM vectors WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        ).fetchall()

    def unembedded(self, after: int, *, limit: int) -> list[tuple[int, Entry]]:
        """The next (id, entry) past `after` that have no vector, by id; broken rows are passed over."""
        rows = self._db.execute(
            f"SELECT id, {_ENTRY} FROM entries WHERE id > ? AND id NOT IN (SELECT id FROM vectors) "  # noqa: S608
            "ORDER BY id LIMIT ?",
            (after, limit),
        ).fetchall()
        return [(row[0], entry) for row in rows if (entry := codec.to_entry(row[1:])) is not None]

    def set_vectors(self, vectors: Iterable[tuple[bytes, bytes, int]]) -> set[bytes]:
        """Write (key, vector, characters read by the model); returns the keys whose entries are still there."""
        with self._db:
            return {
                key
                for key, vector, read in vectors
                if self._db.execute(
                    "INSERT OR REPLACE INTO vectors SELECT id, key, partition, ?, ? FROM entries WHERE key = ?",
                    (vector, read, key),
                ).rowcount
            }

    def recount(self) -> None:
        """Take `entries` and `bytes` from the file, as after a transaction that failed."""
        self.entries, self.bytes = self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM entries").fetchone()

    def close(self) -> None:
        self._db.close()

    def _delete(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._count_out(
                self._db.execute("DELETE FROM entries WHERE key = ? RETURNING key, size", (key,)).fetchall()
            )

    def _evict(self, *, now: float) -> tuple[bytes, ...]:
        """Within the limit again: what has expired goes first, then the least recently used."""
        if self.bytes <= self._max_bytes:
            return ()
        gone = self._db.execute("DELETE FROM entries WHERE expires_at <= ? RETURNING key, size", (now,)).fetchall()
        self._count_out(gone)
        while self.bytes > self._max_bytes * EVICT_TO and self.entries > 1:
            oldest = self._db.execute(
                "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY used_at, id LIMIT ?) "
                "RETURNING key, size",
                (max(1, self.entries // 32),),
            ).fetchall()
            self._count_out(oldest)
            gone += oldest
        return tuple(key for key, _ in gone)

    def _count_out(self, rows: list[tuple[bytes, int]]) -> None:
        self.entries -= len(rows)
        self.bytes -= sum(size for _, size in rows)

    def _note_uses(self, uses: Uses) -> None:
        self._db.executemany(
            "UPDATE entries SET used_at = max(used_at, ?), hits = hits + ? WHERE key = ?",
            [(at, hits, key) for key, (at, hits) in uses.items()],
        )
