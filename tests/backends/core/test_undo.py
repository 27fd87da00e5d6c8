"""Undo: the last action that is still in force is taken back, whoever took it, one more with each undo."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.errors import ClawError, WrongUse
from backends.types import Action, Snapshot
from tests.core import Stand, stand

UNDO = Action(verb="undo", actor="cli:op")


def order(verb: str, actor: str = "console", **more: Any) -> Action:
    return Action(verb=verb, actor=actor, **more)  # type: ignore[arg-type]


def audit(it: Stand) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(f"file:{it.paths.ledger}?mode=ro", uri=True)) as db, db:
        found = db.execute("SELECT actor, action, detail, reason FROM audit_v1 ORDER BY at").fetchall()
    db.close()
    return found


async def test_it_names_what_it_took_back_and_goes_further_back_each_time(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        await it.core.act(order("stop-cloud"))
        clock.advance(60)
        await it.core.act(order("pin", agent="writer", engine="local"))
        clock.advance(40)
        first = await it.core.act(UNDO)
        clock.advance(1)
        second = await it.core.act(UNDO)
        snapshot = await it.core.snapshot()
        with pytest.raises(WrongUse, match="nothing to undo"):
            await it.core.act(UNDO)
        rows = audit(it)
    assert first.detail == "undone: writer pinned to local (console, 40 s ago)"
    assert second.detail == "undone: cloud spend stopped (console, 1 min ago)"
    assert not snapshot.cloud_stopped
    assert all(agent.pinned is None for agent in snapshot.agents)
    assert rows[2:] == [
        ("cli:op", "unpin writer", "writer unpinned", "undo"),
        ("cli:op", "resume-cloud", "cloud spend resumed", "undo"),
    ]


async def test_what_would_be_undone_is_told_and_nothing_else_is_undone_in_its_place(home: Path) -> None:
    async with stand(home) as it:
        assert (await it.core.snapshot()).undoable is None
        await it.core.act(order("pin", agent="writer", engine="local"))
        told = (await it.core.snapshot()).undoable
        assert told is not None
        assert (told.detail, told.actor) == ("writer pinned to local", "console")
        await it.core.act(order("stop-cloud"))
        with pytest.raises(WrongUse, match="another action came meanwhile: cloud spend stopped"):
            await it.core.act(msgspec.structs.replace(UNDO, undoes=told.number))
        last = (await it.core.snapshot()).undoable
        assert last is not None
        await it.core.act(msgspec.structs.replace(UNDO, undoes=last.number))
        assert (await it.core.snapshot()).undoable == told


async def test_it_survives_a_restart_and_forgets_after_a_day(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        await it.core.act(order("pause", agent="writer"))
        await it.core.act(order("drain", engine="cloud"))
    clock.advance(3600)
    async with stand(home, clock=clock) as it:
        assert (await it.core.act(UNDO)).detail == "undone: cloud drained (console, 1 h ago)"
        clock.advance(timedelta(days=1).total_seconds())
        with pytest.raises(WrongUse, match="no action of the last day"):
            await it.core.act(UNDO)
        agents = {agent.name: agent.paused for agent in (await it.core.snapshot()).agents}
    assert agents["writer"]


async def test_what_was_said_twice_is_undone_once_to_what_was_before(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(order("pause", agent="writer"))
        again = await it.core.act(order("pause", agent="writer"))
        await it.core.act(order("stop-cloud"))
        await it.core.act(order("stop-cloud"))
        await it.core.act(UNDO)
        await it.core.act(UNDO)
        snapshot = await it.core.snapshot()
    assert (again.detail, again.undo) == ("agent writer is paused already", None)
    assert not snapshot.cloud_stopped
    assert not any(agent.paused for agent in snapshot.agents)


async def test_two_consoles_that_undo_at_once_take_back_two_actions(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(order("pin", agent="writer", engine="local"))
        await it.core.act(order("pin", agent="ada", engine="local"))
        done = await asyncio.gather(it.core.act(UNDO), it.core.act(UNDO), it.core.act(UNDO), return_exceptions=True)
        pins = [agent.pinned for agent in (await it.core.snapshot()).agents if agent.pinned]
    assert [isinstance(each, WrongUse) for each in done] == [False, False, True]
    assert pins == []


def switches(snapshot: Snapshot) -> tuple[object, ...]:
    """Everything that the actions of the property change."""
    return (
        snapshot.cloud_stopped,
        tuple(engine.draining for engine in snapshot.engines),
        tuple((agent.name, agent.pinned, agent.paused, agent.policy, agent.dial) for agent in snapshot.agents),
        tuple((b.scope, b.window, b.limit_usd) for b in snapshot.spend.budgets) if snapshot.spend else (),
    )


ACTIONS = st.sampled_from(
    [
        order("stop-cloud"),
        order("resume-cloud"),
        order("drain", engine="local"),
        order("undrain", engine="local"),
        order("drain", engine="cloud"),
        order("pin", agent="writer", engine="local"),
        order("pin", agent="writer", engine="cloud"),
        order("unpin", agent="writer"),
        order("pause", agent="writer"),
        order("resume", agent="writer"),
    ]
)


@given(actions=st.lists(ACTIONS, max_size=8))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_done_undoing_it_step_by_step_leads_back_through_every_state(
    tmp_path_factory: pytest.TempPathFactory, actions: list[Action]
) -> None:
    async def run() -> None:
        async with stand(tmp_path_factory.mktemp("home") / "claw") as it:
            states = [switches(await it.core.snapshot())]
            for action in actions:
                try:
                    await it.core.act(action)
                except ClawError:
                    continue
                if (now := switches(await it.core.snapshot())) != states[-1]:
                    states.append(now)
            while len(states) > 1:
                states.pop()
                await it.core.act(UNDO)
                assert switches(await it.core.snapshot()) == states[-1]
            with pytest.raises(WrongUse):
                await it.core.act(UNDO)

    asyncio.run(run())
