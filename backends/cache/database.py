"""The rows of the cache's file. Every method blocks and is one transaction; call all of them on the same thread.

With `synchronous=NORMAL` a crash may lose the last entries but never damages one.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from backends.cache import cache_file, codec
from backends.cache.encryption import BodyCipher
from backends.cache.hit_policy import HitReviews
from backends.cache.semantic.vectors import VectorTable
from backends.cache.stored_answer import StoredEntry

log = logging.getLogger(__name__)

ROW_OVERHEAD = 1280  # bytes of a row besides its body: keys, indexes, and a vector of 384 half floats
EVICT_TO = 0.98  # of the limit, so that a full cache evicts seldom, and never long enough to delay a look-up
ONCE = 0.1  # share of the bytes for entries that were never used again, as in S3-FIFO's small queue

Uses = Mapping[bytes, tuple[float, int]]
"""By key: the time of the last hit (Unix seconds) and the number of hits since the last transaction."""


class WriteResult(Struct, frozen=True, kw_only=True):
    """What a write did: the `size` of the new row in bytes, 0 if it was too large to store; the keys it evicted."""

    size: int
    evicted: tuple[bytes, ...] = ()


class Database:
    """One connection and its tables. Entries take at most `max_bytes`: their bodies, and ROW_OVERHEAD for each.

    Raises sqlite3.Error or OSError if the file cannot be opened.
    """

    def __init__(self, path: Path, *, max_bytes: int, cipher: BodyCipher | None = None) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._cipher = cipher
        self._db = cache_file.open_file(path)
        self.vectors = VectorTable(self._db, cipher)
        self.reviews = HitReviews(self._db)
        self._known: set[int] = set()
        self.entries = self.bytes = 0
        self.recount()

    def may_have(self, key: bytes) -> bool:
        """False is certain; True is wrong once in 2**64 / entries. May be called from any thread."""
        return _short(key) in self._known

    def get_one(self, key: bytes) -> StoredEntry | None:
        """The entry of `key` if it is sound. This is the hot path of a hit that is not in memory."""
        row = self._db.execute(f"SELECT {codec.COLUMNS} FROM entries WHERE key = ?", (key,)).fetchone()  # noqa: S608 — column names only
        if row is None:
            return None
        entry = codec.to_entry(row, self._cipher)
        if entry is None:
            self._delete_broken([key])
        return entry

    def get(self, keys: Sequence[bytes]) -> list[StoredEntry]:
        """The sound entries of `keys`, in this order; broken rows are deleted."""
        marks = ",".join("?" * len(keys))
        rows: list[codec.EntryRow] = self._db.execute(
            f"SELECT {codec.COLUMNS} FROM entries WHERE key IN ({marks})",  # noqa: S608 — column names and question marks only
            tuple(keys),
        ).fetchall()
        found = {row[0]: codec.to_entry(row, self._cipher) for row in rows}
        if broken := [key for key, entry in found.items() if entry is None]:
            self._delete_broken(broken)
        return [entry for key in keys if (entry := found.get(key)) is not None]

    def put(self, entry: StoredEntry, uses: Uses) -> WriteResult:
        """Write one entry over any older one of its key, write `uses`, and evict what is beyond the limit."""
        body = codec.to_body(entry, self._cipher)
        size = len(body) + ROW_OVERHEAD
        if size > self._max_bytes // 4:
            return WriteResult(size=0)
        columns = (entry.key, entry.partition, entry.agent, entry.stored_at, entry.expires_at)
        with self._db:
            self._write_uses(uses)
            self._delete((entry.key,))
            self._db.execute(
                f"INSERT INTO entries ({codec.COLUMNS}, used_at) VALUES (?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 — column names
                (*columns, entry.hits, size, codec.checksum(columns, body), body, entry.stored_at),
            )
            self._known.add(_short(entry.key))
            self.entries += 1
            self.bytes += size
            return WriteResult(size=size, evicted=self._evict(now=entry.stored_at))

    def write_uses(self, uses: Uses) -> None:
        """Write hits, by which eviction decides."""
        with self._db:
            self._write_uses(uses)

    def delete(self, keys: Iterable[bytes]) -> None:
        with self._db:
            self._delete(keys)

    def flush(self, agent: str | None) -> list[bytes]:
        """Delete one agent's entries, or for None all entries and their reviews; returns their keys."""
        with self._db:
            if agent is None:
                rows = self._db.execute("DELETE FROM entries RETURNING key").fetchall()
                self.reviews.delete_all()
                cache_file.delete_set_aside(self._path)
            else:
                rows = self._db.execute("DELETE FROM entries WHERE agent = ? RETURNING key", (agent,)).fetchall()
        self._db.execute("PRAGMA incremental_vacuum").fetchall()
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.recount()
        return [key for (key,) in rows]

    def keys_with_id(self, id: str) -> list[bytes]:
        """The keys of the entries whose id begins with `id`; none if it is empty or not hexadecimal."""
        odd = len(id) % 2
        try:
            low, high = bytes.fromhex(id + "0" * odd), bytes.fromhex(id + "f" * odd) + b"\xff" * 32
        except ValueError:
            return []
        rows = self._db.execute("SELECT key FROM entries WHERE key >= ? AND key <= ?", (low, high)).fetchall()
        return [key for (key,) in rows] if id else []

    def recount(self) -> None:
        """Read keys, `entries` and `bytes` from the file again, as after a failed transaction; 0.4 µs an entry."""
        self._known = {_short(key) for (key,) in self._db.execute("SELECT key FROM entries")}
        self.entries, self.bytes = self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM entries").fetchone()

    def close(self) -> None:
        self._db.close()

    def _delete(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._subtract(self._db.execute("DELETE FROM entries WHERE key = ? RETURNING key, size", (key,)).fetchall())

    def _delete_broken(self, keys: list[bytes]) -> None:
        log.warning("%d broken cache entries were deleted", len(keys))
        self.delete(keys)

    def _evict(self, *, now: float) -> tuple[bytes, ...]:
        """Delete rows beyond the limit: first those that have expired, then those never used again where they take more
        than their share, then the least recently used.
        """
        if self.bytes <= self._max_bytes:
            return ()
        gone = self._db.execute("DELETE FROM entries WHERE expires_at <= ? RETURNING key, size", (now,)).fetchall()
        self._subtract(gone)
        while self.bytes > self._max_bytes * EVICT_TO and self.entries > 1:
            once = self._db.execute("SELECT coalesce(sum(size), 0) FROM entries WHERE (hits > 0) = 0").fetchone()[0]
            oldest = self._db.execute(
                "DELETE FROM entries WHERE id IN "
                "(SELECT id FROM entries WHERE (hits > 0) = ? ORDER BY used_at, id LIMIT ?) RETURNING key, size",
                (int(once <= self._max_bytes * ONCE), max(1, self.entries // 64)),
            ).fetchall()
            self._subtract(oldest)
            gone += oldest
        return tuple(key for key, _ in gone)

    def _subtract(self, rows: list[tuple[bytes, int]]) -> None:
        self.entries -= len(rows)
        self.bytes -= sum(size for _, size in rows)
        self._known.difference_update(_short(key) for key, _ in rows)

    def _write_uses(self, uses: Uses) -> None:
        self._db.executemany(
            "UPDATE entries SET used_at = max(used_at, ?), hits = hits + ? WHERE key = ?",
            [(at, hits, key) for key, (at, hits) in uses.items()],
        )


def _short(key: bytes) -> int:
    return int.from_bytes(key[:8])
