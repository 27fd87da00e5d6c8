"""Acknowledging and silencing an alert through the core, with who did it, an audit row and a way back."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backends.errors import WrongUse
from backends.types import Action, Alert
from tests.core import Stand, stand


async def rehearsal(it: Stand) -> Alert:
    return (await it.alerts())["rehearsal"]


async def test_an_alert_is_acknowledged_silenced_and_taken_back(home: Path) -> None:
    async with stand(home) as it:
        it.core.report_rehearsal("the twins have ended")
        acted = await it.core.act(Action(verb="acknowledge", actor="ann", id="rehearsal"))
        alert = await rehearsal(it)
        assert (alert.state, alert.by) == ("acknowledged", "ann")
        assert acted.undo is not None
        await it.core.act(acted.undo)
        assert (await rehearsal(it)).state == "new"
        acted = await it.core.act(Action(verb="silence", actor="bo", id=alert.id))
        alert = await rehearsal(it)
        assert (alert.state, alert.by) == ("silenced", "bo")
        assert alert.silenced_until is not None
        assert 3590 < (alert.silenced_until - acted.at).total_seconds() <= 3601
        await it.core.act(Action(verb="silence", actor="bo", id=alert.id, minutes=5))
        with pytest.raises(WrongUse, match="no alert 'engine:cloud' stands"):
            await it.core.act(Action(verb="silence", actor="bo", id="engine:cloud"))
        with pytest.raises(WrongUse):
            await it.core.act(Action(verb="acknowledge", actor="bo"))
    with closing(sqlite3.connect(it.paths.ledger)) as db:
        rows = db.execute("SELECT actor, detail FROM audit WHERE detail LIKE 'rehearsal %' ORDER BY rowid").fetchall()
    assert rows == [
        ("ann", "rehearsal acknowledged"),
        ("ann", "rehearsal is new again"),
        ("bo", "rehearsal silenced for 60 minutes"),
        ("bo", "rehearsal silenced for 5 minutes"),
    ]
