"""A read-only view of the cache's file, which may be used while a core runs: entries and the reviews of their hits."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from backends.cache import codec
from backends.cache.encryption import BodyCipher
from backends.cache.stored_answer import StoredEntry, entry_id


class ListedEntry(Struct, frozen=True, kw_only=True):
    """An entry as it is listed. `entry` is None if it is broken, or encrypted and there is no key."""

    id: str
    key: bytes
    agent: str
    stored_at: float
    expires_at: float
    used_at: float
    hits: int
    size: int
    encrypted: bool
    entry: StoredEntry | None


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=2.0)) as db:
        yield db


def totals(path: Path) -> tuple[int, int]:
    """The number of entries at `path` and their bytes; zeros if there is no file. Raises sqlite3.Error."""
    if not path.exists():
        return 0, 0
    with open_read_only(path) as db:
        count, size = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM entries").fetchone()
    return count, size


def entries(
    db: sqlite3.Connection, cipher: BodyCipher | None, *, agent: str | None = None, id: str = "", limit: int = -1
) -> Iterator[ListedEntry]:
    """The entries whose id begins with `id`, the most used first. No `agent` means all, a negative `limit` no limit."""
    rows = db.execute(
        f"SELECT {codec.COLUMNS}, used_at FROM entries WHERE (:agent IS NULL OR agent = :agent) "  # noqa: S608 — column names only
        "AND substr(lower(hex(key)), 1, length(:id)) = :id ORDER BY hits DESC, used_at DESC LIMIT :limit",
        {"agent": agent, "id": id.lower(), "limit": limit},
    )
    for *row, used_at in rows:
        key, _, owner, stored_at, expires_at, hits, size, _, body = row
        yield ListedEntry(
            id=entry_id(key),
            key=key,
            agent=owner,
            stored_at=stored_at,
            expires_at=expires_at,
            used_at=used_at,
            hits=hits,
            size=size,
            encrypted=body[:1] == b"e",
            entry=codec.to_entry(tuple(row), cipher),
        )


def reviews(db: sqlite3.Connection, key: bytes) -> list[tuple[float, float | None, bool, str, str]]:
    """(Unix seconds, score, right, by, request id) of each review of an entry's hits, newest first."""
    return [
        (at, score, bool(right), by, request)
        for at, score, right, by, request in db.execute(
            "SELECT at, score, right, by, request FROM verdicts WHERE key = ? ORDER BY id DESC", (key,)
        )
    ]
