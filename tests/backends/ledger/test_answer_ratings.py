"""Verdicts in the ledger: written with their audit row, read with what the weights had said, and in the views."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import WrongUse
from backends.ledger.answer_ratings import answered_requests
from backends.ledger.sqlite_connection import open_read_only
from backends.types import Acted, Action
from tests.backends.ledger.samples import AT, opened, outcome, paths


def rated(id: str, **more: object) -> Acted:
    action = replace(Action(verb="rate", actor="cli:op", id=id, good=False), **more)
    return Acted(at=AT, action=action, detail=f"answer {id} rated")


def write(home: Path, *verdicts: Acted) -> None:
    """Three answers, of the first of which nobody asked the weights; then the verdicts."""

    async def written() -> None:
        async with opened(home) as ledger:
            await ledger.settle(outcome("r0"))
            for id in ("r1", "r2"):
                notes = ("unverified: hedging (cloud is stopped)",) if id == "r2" else ()
                await ledger.settle(outcome(id, p_local=0.6, p_cloud=0.9, weights="v1", notes=notes))
            for verdict in verdicts:
                await ledger.rate(verdict)

    asyncio.run(written())


def test_the_last_word_on_an_answer_holds(home: Path) -> None:
    wrong = rated("r1", engine="cloud", intent="coding", note="it made the flag up")
    write(home, rated("r1", good=True), wrong)
    with open_read_only(paths(home).ledger) as db:
        rows = {row.id: row for row in answered_requests(db, limit=10)}
        newest = [row.id for row in answered_requests(db, limit=2)]
        told = [tuple(row) for row in db.execute("SELECT request_id, actor, verdict, note FROM feedback_v1")]
        audit = [row["action"] for row in db.execute("SELECT action FROM audit_v1")]
        decisions = [tuple(row) for row in db.execute("SELECT id, p_local, p_cloud, weights FROM decisions_v1")]
    assert newest == ["r2", "r1"]
    assert [rows[id].unverified for id in ("r0", "r1", "r2")] == [False, False, True]
    assert (rows["r1"].verdict, rows["r1"].better_engine, rows["r1"].right_intent) == ("bad", "cloud", "coding")
    assert (rows["r1"].p_local, rows["r1"].p_cloud, rows["r1"].weights) == (0.6, 0.9, "v1")
    assert (rows["r2"].verdict, rows["r0"].p_local, rows["r0"].weights) == (None, None, "")
    assert told == [("r1", "cli:op", "good", None), ("r1", "cli:op", "bad", "it made the flag up")]
    assert audit == ["rate r1", "rate cloud r1"]
    assert decisions == [("r0", None, None, None), ("r1", 0.6, 0.9, "v1"), ("r2", 0.6, 0.9, "v1")]


def test_an_answer_that_nobody_gave_cannot_be_judged(home: Path) -> None:
    with pytest.raises(WrongUse, match="no request nine"):
        write(home, rated("nine"))
    with open_read_only(paths(home).ledger) as db:
        assert db.execute("SELECT count(*) FROM feedback").fetchone()[0] == 0
        assert db.execute("SELECT count(*) FROM audit").fetchone()[0] == 0
