"""How hits were reviewed, and what an entry may still serve after its reviews.

A semantic hit is reviewed when it is asked again in the background, or when someone reports it as wrong. Reviews are
stored by key, so an entry that was deleted and comes back keeps its record. The oldest reviews are deleted beyond a
bound.
"""

import sqlite3
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

KEPT = 10_000  # reviews in the file
EACH = 256  # reviews of one entry that are read, newest first
PRIOR = 50.0  # hits that an entry is credited with before it has any

UNREACHABLE = 2.0  # a threshold that no score reaches

ReviewSource = Literal["recheck", "complaint"]


class HitReview(Struct, frozen=True, kw_only=True):
    """One review of a hit. `score` is the score that it was served at, None for an exact hit; `at` is Unix seconds."""

    key: bytes
    at: float
    score: float | None
    right: bool
    by: ReviewSource
    request: str = ""


class HitReviews:
    """The table of reviews. Call it on the database's thread; `counts` may be read from any thread.

    `counts` is (rechecked, wrong among these, complaints).
    """

    def __init__(self, db: sqlite3.Connection, *, kept: int = KEPT) -> None:
        self._db = db
        self._kept = kept
        self.counts = self._counted()

    def add(self, review: HitReview) -> None:
        with self._db:
            self._db.execute(
                "INSERT INTO verdicts (key, at, score, right, by, request) VALUES (?,?,?,?,?,?)",
                (review.key, review.at, review.score, review.right, review.by, review.request),
            )
            self._db.execute(
                "DELETE FROM verdicts WHERE id <= (SELECT id FROM verdicts ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (self._kept,),
            )
        self.counts = self._counted()

    def records(self, keys: Sequence[bytes]) -> dict[bytes, list[tuple[float, bool]]]:
        """For each key that has some: (score, right) of its newest reviewed semantic hits."""
        found: dict[bytes, list[tuple[float, bool]]] = {}
        for key in keys if sum(self.counts) else ():
            rows = self._db.execute(
                "SELECT score, right FROM verdicts WHERE key = ? AND score IS NOT NULL ORDER BY id DESC LIMIT ?",
                (key, EACH),
            ).fetchall()
            if rows:
                found[key] = [(score, bool(right)) for score, right in rows]
        return found

    def delete_all(self) -> None:
        """Runs inside the caller's transaction."""
        self._db.execute("DELETE FROM verdicts")
        self.counts = (0, 0, 0)

    def _counted(self) -> tuple[int, int, int]:
        rechecked, wrong, complaints = self._db.execute(
            "SELECT count(*) FILTER (WHERE by = 'recheck'), count(*) FILTER (WHERE by = 'recheck' AND NOT right), "
            "count(*) FILTER (WHERE by = 'complaint') FROM verdicts"
        ).fetchone()
        return rechecked, wrong, complaints


def may_serve(score: float, record: Sequence[tuple[float, bool]], *, risk: float) -> bool:
    """Whether an entry with this record of (score, right) may serve a hit of `score`.

    As in vCache (Schroeder et al., 2025), each entry has its own threshold, learned from its reviewed hits. It serves a
    score only while the estimated share of wrong hits at that score or above is at most `risk`. The estimate is the
    mean of a Beta distribution that starts with PRIOR hits at half the allowed share and counts every review.

    One wrong hit at .93 therefore closes the entry up to .93. At a risk of .01 it opens again after 74 right hits at
    .93 or above; at .05 it stays open. Scores above every wrong hit are still served.
    """
    at_or_above = [right for scored, right in record if scored >= score]
    wrong = sum(not right for right in at_or_above)
    return not wrong or (PRIOR * risk / 2 + wrong) / (PRIOR + len(at_or_above)) <= risk
