"""Callers that leave at any moment, and answers whose row cannot be written: rows, reservations, what is told."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends import events
from backends.errors import DeadlinePassed
from backends.ledger.prices import SOURCE
from backends.settings.model import Settings
from backends.types import ZERO, Delta, Done, Outcome, Request, Routed
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until

TURNS = (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500)


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


def strict(settings: Settings) -> Settings:
    return replace(cloudy(settings), ledger=replace(settings.ledger, on_unwritable="refuse"))


async def settled(it: Stand) -> None:
    """Nothing runs, in the core or at the twins, and nothing is reserved."""
    await until(it.idle)

    async def free() -> bool:
        return (await it.budget()).reserved_usd == 0

    await until(free)


@pytest.mark.parametrize("turns", TURNS)
async def test_whoever_leaves_at_any_turn_of_the_loop_leaves_no_reservation(home: Path, turns: int) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, prompt("the first call opens what is opened once", agent="writer"))
        caller = asyncio.ensure_future(ask(it.core, prompt("describe a rack", agent="writer", cache=False)))
        for _ in range(turns):
            await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait({caller})
        await settled(it)
        rows = it.rows()
        assert len(rows) <= 2
        assert len(it.gemini.usage.counts()["calls"]) <= 2


async def test_who_leaves_while_the_admission_is_written_has_a_cancelled_row(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        asked = prompt("describe a rack", agent="writer")
        await it.resources.classifier.get()
        with closing(sqlite3.connect(it.paths.ledger, isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            caller = asyncio.ensure_future(ask(it.core, asked))
            await until(lambda: it.resources.cache.counts.lookups)
            for _ in range(20):  # turns of the loop in which the writer takes the admission and waits for the file
                await asyncio.sleep(0)
            caller.cancel()
            await asyncio.wait({caller})
            foreign.execute("ROLLBACK")
        await until(it.rows)
        await settled(it)
        (row,) = it.rows()
        assert it.gemini.usage.counts()["calls"] == {}
    assert (row["id"], row["finish"], row["cost_usd"]) == (asked.id, "cancelled", "0")


async def test_a_deadline_holds_while_the_ledger_is_locked(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        with closing(sqlite3.connect(it.paths.ledger, isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            with pytest.raises(DeadlinePassed):
                await ask(it.core, prompt("describe a rack", agent="writer", cache=False, deadline_s=0.2))
            foreign.execute("ROLLBACK")
        await until(it.rows)
        await settled(it)
        (late,) = await it.resources.ledger.recent(2)
        assert it.gemini.usage.counts()["calls"] == {}
    assert (late.finish, late.error_kind, late.cost_usd) == ("error", "deadline", ZERO)


def _streaming(heard: list[events.Event]) -> bool:
    return any(isinstance(event, events.Progressed) and event.in_flight.stage == "streaming" for event in heard)


async def test_a_row_says_where_its_price_comes_from(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, prompt("describe a rack", agent="writer"))
        await ask(it.core, prompt("describe a rack", agent="scout"))
        with closing(sqlite3.connect(f"file:{it.paths.ledger}?mode=ro", uri=True)) as db:
            sources = dict(db.execute("SELECT engine, price_source FROM requests").fetchall())
    assert sources == {"cloud": SOURCE, "local": None}


async def test_a_hit_that_is_left_in_the_middle_is_a_cancelled_row(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await ask(it.core, prompt("name three uses of a cache", agent="writer"))
        again = prompt("name three uses of a cache", agent="writer")
        async with aclosing(it.core.ask(again)) as stream:
            assert isinstance(await anext(stream), Routed)
            assert isinstance(await anext(stream), Delta)
        (row,) = it.rows("cache = 'exact'")
        snapshot = await it.core.snapshot()
    assert (row["id"], row["finish"], row["baseline_usd"]) == (again.id, "cancelled", "0")
    assert snapshot.cache.saved_usd == 0
    assert [exchange.outcome is None for exchange in snapshot.recent] == [False, False]


async def test_a_hit_without_a_row_is_no_answer_where_settings_refuse(home: Path) -> None:
    async with stand(home, change=strict) as it:
        await ask(it.core, prompt("name three uses of a cache", agent="writer"))
        await it.resources.ledger.close()
        _, outcome = await ask(it.core, prompt("name three uses of a cache", agent="writer"))
    assert (outcome.cache, outcome.finish, outcome.error_kind) == ("exact", "error", "ledger")


async def test_a_fault_of_the_cache_costs_nobody_an_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise AttributeError("as a mistake in our own code would")

    async with stand(home, change=cloudy) as it:
        monkeypatch.setattr(it.resources.cache, "store", broken)
        text, outcome = await ask(it.core, prompt("name three uses of a cache", agent="writer"))
        (row,) = it.rows()
    assert text
    assert (outcome.finish, row["finish"]) == ("stop", "stop")


async def test_who_shares_a_call_is_told_of_and_has_times_and_ignored_fields_of_its_own(home: Path) -> None:
    async with stand(home, change=cloudy) as it, aclosing(it.core.events()) as stream:
        heard: list[events.Event] = []
        watcher = asyncio.ensure_future(_hear(stream, heard))
        await until(lambda: it.resources.bus.watchers)
        it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=40.0, chunk_tokens=1)
        leading = prompt("describe a rack", agent="writer", ignored=("store",))
        first = asyncio.ensure_future(ask(it.core, leading))
        await until(lambda: _streaming(heard))
        joined = prompt("describe a rack", agent="writer", ignored=("verbosity",))
        second = await _joined(it, joined)
        _, leader = await first
        await until(lambda: sum(isinstance(event, events.Settled) for event in heard) == 2)
        watcher.cancel()
        await asyncio.wait({watcher})
    assert second.started_at > leader.started_at
    assert second.ttft_ms is not None
    assert 0 <= second.ttft_ms <= second.latency_ms < leader.latency_ms
    decided = {event.exchange.id: event.exchange.explanation for event in heard if isinstance(event, events.Decided)}
    assert decided[leading.id].ignored == leader.ignored == ("store",)
    assert decided[joined.id].ignored == second.ignored == ("verbosity",)


async def _joined(it: Stand, request: Request) -> Outcome:
    async with aclosing(it.core.ask(request)) as stream:
        *_, last = [chunk async for chunk in stream]
    assert isinstance(last, Done)
    return last.outcome


async def _hear(stream: AsyncGenerator[events.Event], heard: list[events.Event]) -> None:
    async for event in stream:
        heard.append(event)
