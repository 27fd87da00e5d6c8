"""Refused requests are counted by agent and reason; an agent that is refused again and again is one alert."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, closing
from datetime import UTC
from pathlib import Path

import httpx
import pytest

from backends import events
from backends.bus import Bus
from backends.clock import ManualClock
from backends.errors import ClawError, ContextTooLong, NoEngine, Refused, SessionPaused, WrongUse
from backends.ledger.sqlite_connection import connect_read_only
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.refusals import AGAIN, OTHER, QUIET_S, STRANGERS, Refusals
from tests.backends.ledger.samples import opened, paths
from tests.core import ask, policy, prompt, served, stand
from tests.waiting import until

FORBIDDEN = Refused("cloud is stopped by the operator")
TOO_LONG = ContextTooLong("too long")


@asynccontextmanager
async def counting(home: Path, clock: ManualClock) -> AsyncGenerator[tuple[Refusals, Alerts, Ledger, Bus]]:
    bus = Bus()
    async with opened(home, clock=clock) as ledger:
        alerts = Alerts(bus, clock)
        yield (
            Refusals(bus, ledger=ledger, alerts=alerts, clock=clock, agents=("scout", "infra"), timezone=UTC),
            alerts,
            ledger,
            bus,
        )


def counted(home: Path) -> list[tuple[str, str, str, int]]:
    with closing(connect_read_only(paths(home).ledger)) as db:
        return [tuple(row) for row in db.execute("SELECT hour, agent, reason, count FROM refusals_v1")]


async def test_counts_are_by_hour_agent_and_reason_and_go_on_after_a_restart(home: Path) -> None:
    clock = ManualClock()
    async with counting(home, clock) as (refusals, _, _, bus), aclosing(bus.events()) as stream:
        heard = asyncio.ensure_future(anext(stream))
        await until(lambda: bus.watchers)
        for error in (FORBIDDEN, FORBIDDEN, TOO_LONG):
            refusals.record("infra", error)
        refusals.check()
        assert await heard == events.RefusalsSampled(refusals=refusals.today())
        await refusals.flush()
        clock.advance(3600)
        refusals.record("infra", FORBIDDEN)
        await refusals.flush()
        await refusals.flush()
    assert [(hour[-2:], *rest) for hour, *rest in counted(home)] == [
        ("12", "infra", "context_length_exceeded", 1),
        ("12", "infra", "refused", 2),
        ("13", "infra", "refused", 1),
    ]
    async with counting(home, clock) as (refusals, _, _, _):
        refusals.record("infra", FORBIDDEN)
        running = asyncio.create_task(refusals.run())
        await until(lambda: len(refusals.today()) == 2)
        running.cancel()
        assert [(one.reason, one.count) for one in refusals.today()] == [("refused", 4), ("context_length_exceeded", 1)]
        assert refusals.today()[0].message == str(FORBIDDEN)
        clock.advance(86_400)
        assert refusals.today() == ()


async def test_a_ledger_that_takes_no_rows_loses_no_count(home: Path) -> None:
    async with counting(home, ManualClock()) as (refusals, _, _, _):
        refusals.record("infra", FORBIDDEN)
        lock = sqlite3.connect(paths(home).ledger, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        flushing = asyncio.create_task(refusals.flush())
        await until(flushing.done)
        refusals.record("infra", FORBIDDEN)
        lock.close()
        await refusals.flush()
    assert [row[-1] for row in counted(home)] == [2]


@pytest.mark.parametrize("error", [SessionPaused("it got nowhere"), NoEngine("no engine can answer")])
async def test_what_has_an_alert_of_its_own_has_no_second_one(home: Path, error: ClawError) -> None:
    async with counting(home, ManualClock()) as (refusals, alerts, _, _):
        for _ in range(2 * AGAIN):
            refusals.record("infra", error)
        refusals.check()
        assert alerts.current() == ()
        assert [(each.reason, each.count) for each in refusals.today()] == [(error.kind, 2 * AGAIN)]


async def test_an_agent_refused_again_and_again_is_one_alert_until_something_passes(home: Path) -> None:
    clock = ManualClock()
    async with counting(home, clock) as (refusals, alerts, _, _):
        for _ in range(AGAIN - 1):
            refusals.record("infra", FORBIDDEN)
        refusals.check()
        assert alerts.current() == ()
        for agent in ("infra", "scout", "infra"):
            refusals.record(agent, FORBIDDEN)
        refusals.check()
        (alert,) = alerts.current()
        assert alert.key == "refused:infra"
        assert alert.text == f"infra: {AGAIN + 1} requests refused (refused): {FORBIDDEN}"
        refusals.passed("infra")
        assert alerts.current() == ()
        for _ in range(AGAIN):
            refusals.record("infra", TOO_LONG)
        refusals.check()
        assert len(alerts.current()) == 1
        clock.advance(QUIET_S + 1)
        refusals.check()
        assert alerts.current() == ()


async def test_names_that_strangers_make_up_fill_neither_memory_nor_table(home: Path) -> None:
    async with counting(home, ManualClock()) as (refusals, alerts, _, _):
        for number in range(10 * STRANGERS):
            for _ in range(AGAIN):
                refusals.record(f"stranger {number}", FORBIDDEN)
        refusals.record("scout", FORBIDDEN)
        refusals.check()
        await refusals.flush()
        assert len(refusals.today()) == STRANGERS + 2
        assert len(alerts.current()) == STRANGERS + 1
        assert refusals.today()[0].agent == OTHER
    rows = counted(home)
    assert len(rows) == STRANGERS + 2
    assert sum(row[-1] for row in rows) == 10 * STRANGERS * AGAIN + 1


async def test_a_cores_refusals_are_in_its_snapshot_and_all_in_the_ledger_once_it_has_closed(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "ada", "local")) as it:
        for _ in range(AGAIN):
            with pytest.raises(Refused):
                await ask(it.core, prompt("hello", agent="ada", engine="cloud"))
        with pytest.raises(WrongUse):
            await ask(it.core, prompt("  ", agent="ada"))
        found = (await it.core.snapshot()).refusals
        assert [(one.agent, one.reason, one.count) for one in found] == [
            ("ada", "refused", AGAIN),
            ("ada", "invalid_request", 1),
        ]
        assert await it.alert("refused:ada")
        await ask(it.core, prompt("hello", agent="ada"))
        await it.cleared("refused:ada")
        with pytest.raises(WrongUse):
            await ask(it.core, prompt("  ", agent="ada"))
    with closing(connect_read_only(it.paths.ledger)) as db:
        rows = db.execute("SELECT agent, reason, sum(count) FROM refusals_v1 GROUP BY 1, 2 ORDER BY 3").fetchall()
    assert [tuple(row) for row in rows] == [("ada", "invalid_request", 2), ("ada", "refused", AGAIN)]


async def test_what_the_gateway_itself_refuses_is_counted_with_its_agent(home: Path) -> None:
    json_type = {"content-type": "application/json"}
    async with (
        stand(home) as it,
        served(it, lambda settings: settings) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        path, scout = "/v1/chat/completions", json_type | {"x-claw-agent": "scout"}
        replies = [
            await client.post(path, content=b"{", headers=scout),
            await client.post(
                path, content=b'{"model":"nobody-has-this","messages":[{"role":"user","content":"hi"}]}', headers=scout
            ),
            await client.post(path, content=b"{}", headers={"x-claw-agent": "scout", "content-type": "text/plain"}),
            await client.post(path, content=b"{", headers=json_type | {"x-claw-agent": "no name!"}),
            await client.get("/v1/models/nobody-has-this"),
            await client.post("/v1/nowhere", content=b"{}", headers=json_type),
        ]
        counts = [(each.agent, each.count) for each in (await it.core.snapshot()).refusals]
    assert [reply.status_code for reply in replies] == [400, 404, 415, 400, 404, 404]
    assert sum(count for agent, count in counts if agent == "scout") == 3
    assert sum(count for agent, count in counts if agent == "default") == 1
    assert {agent for agent, _ in counts} == {"scout", "default"}
