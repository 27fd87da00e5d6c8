"""What came of semantic hits that were looked at again: asked anew in the background, or complained of.

They are kept by key, so that an entry that was killed comes back with its record; the oldest go beyond a bound.
"""

import sqlite3
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

KEPT = 10_000
EACH = 256  # of one entry, newest first

By = Literal["recheck", "complaint"]


class Verdict(Struct, frozen=True, kw_only=True):
    """One hit's: the `score` it was served at, None for an exact one, and whether it was `right`; `at` Unix seconds."""

    key: bytes
    at: float
    score: float | None
    right: bool
    by: By
    request: str = ""


class Verdicts:
    """Called on the database's thread; `counts` may be read from any."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.counts = self._counted()

    def add(self, verdict: Verdict) -> None:
        with self._db:
            self._db.execute(
                "INSERT INTO verdicts (key, at, score, right, by, request) VALUES (?,?,?,?,?,?)",
                (verdict.key, verdict.at, verdict.score, verdict.right, verdict.by, verdict.request),
            )
            self._db.execute(
                "DELETE FROM verdicts WHERE id <= (SELECT id FROM verdicts ORDER BY id DESC LIMIT 1 OFFSET ?)", (KEPT,)
            )
        self.counts = self._counted()

    def of(self, keys: Sequence[bytes]) -> dict[bytes, list[tuple[float, bool]]]:
        """(score, right) of each key's newest semantic hits that were looked at."""
        found: dict[bytes, list[tuple[float, bool]]] = {}
        for key in keys if sum(self.counts) else ():
            rows = self._db.execute(
                "SELECT score, right FROM verdicts WHERE key = ? AND score IS NOT NULL ORDER BY id DESC LIMIT ?",
                (key, EACH),
            ).fetchall()
            if rows:
                found[key] = [(score, bool(right)) for score, right in rows]
        return found

    def forget(self) -> None:
        """Inside the caller's transaction."""
        self._db.execute("DELETE FROM verdicts")
        self.counts = (0, 0, 0)

    def _counted(self) -> tuple[int, int, int]:
        """Asked anew, wrong among them, complaints."""
        rechecked, wrong, complaints = self._db.execute(
            "SELECT count(*) FILTER (WHERE by = 'recheck'), count(*) FILTER (WHERE by = 'recheck' AND NOT right), "
            "count(*) FILTER (WHERE by = 'complaint') FROM verdicts"
        ).fetchone()
        return rechecked, wrong, complaints
