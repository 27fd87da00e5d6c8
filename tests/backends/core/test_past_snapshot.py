"""A snapshot of the past against the live one that was taken at that time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.errors import Refused, WrongUse
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Action, Exchange, Snapshot
from tests.backends.ledger.samples import COST, admission, attempt, outcome
from tests.core import Stand, ask, policy, prompt, stand

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DOWN = Fault(kind="status", status=503, body={"error": "server busy, please try again."}, times=None)


def budgeted(settings: Settings) -> Settings:
    both = policy(policy(settings, "writer", "cloud"), "scout", "local")
    return replace(both, budgets=(Budget(limit_usd=Decimal(5)), Budget(limit_usd=Decimal(1), scope="agent:writer")))


def story(exchange: Exchange) -> tuple[object, ...]:
    """What a row keeps of an exchange."""
    outcome = exchange.outcome
    assert outcome is not None
    return exchange.id, outcome.agent, outcome.engine, outcome.finish, outcome.cost_usd, outcome.tokens, outcome.cache


def agree(past: Snapshot, live: Snapshot) -> None:
    """The past is what was on screen at that time, wherever that is on record."""
    assert past.past
    assert (past.at, past.rehearsal, past.cloud_stopped) == (live.at, live.rehearsal, live.cloud_stopped)
    assert list(map(story, past.recent)) == list(map(story, live.recent))
    assert past.spend is not None
    assert live.spend is not None
    assert past.spend.today_usd == live.spend.today_usd
    assert past.spend.month_usd == live.spend.month_usd
    assert past.spend.by_agent == live.spend.by_agent
    assert past.spend.by_engine == live.spend.by_engine
    assert [each.spent_usd for each in past.spend.budgets] == [each.spent_usd for each in live.spend.budgets]
    stood = {(each.id, each.since) for each in past.alerts}
    assert stood >= {(each.id, each.since) for each in live.alerts}, "one may have been found later than it began"
    assert all(each.since <= past.at and each.ended_at is None for each in past.alerts)
    assert {each.id for each in past.past_alerts} >= {each.id for each in live.past_alerts}
    for then, was in zip(past.engines, live.engines, strict=True):
        assert (then.name, then.model, then.health) == (was.name, was.model, was.health)
        assert (then.waiting, then.in_flight) == (was.waiting, was.in_flight)
    assert past.cache.lookups == live.cache.lookups
    assert past.cache.exact_hits == live.cache.exact_hits


async def minute_passes(it: Stand, clock: ManualClock) -> Snapshot:
    """What the screen shows at the end of the minute, which the recorder then writes; the next one has begun."""
    clock.advance(59)
    live = await it.core.snapshot()
    await it.minutes.record()
    clock.advance(1)
    return live


async def test_a_request_that_had_not_ended_is_listed_without_an_outcome(tmp_path: Path) -> None:
    clock = ManualClock(NOON + timedelta(seconds=1))
    async with stand(tmp_path, clock=clock) as it:
        it.compared = False  # the rows are of this test alone
        began, ledger = clock.now(), it.resources.ledger
        await ledger.admit(admission("waits", started_at=began))
        await ledger.admit(admission("speaks", started_at=began))
        moment = (await minute_passes(it, clock)).at
        waiting = await it.core.snapshot(moment)
        await ledger.settle(outcome("speaks", attempt(), at=began, latency_ms=90_000.0, ttft_ms=20_000.0))
        clock.advance(59)
        speaking, later = await it.core.snapshot(moment), await it.core.snapshot(clock.now())
    assert [(each.id, each.outcome) for each in waiting.recent] == [("waits", None), ("speaks", None)]
    assert {each.id: each.outcome for each in speaking.recent} == {"waits": None, "speaks": None}
    assert [(each.id, each.stage) for each in speaking.in_flight] == [("speaks", "streaming")]
    assert {each.id for each in later.recent if each.outcome is not None} == {"speaks"}
    assert [each.spend and each.spend.today_usd for each in (waiting, speaking, later)] == [0, 0, COST]


async def test_each_minute_of_a_run_is_shown_as_it_was(tmp_path: Path) -> None:
    clock = ManualClock(NOON + timedelta(seconds=1))
    async with stand(tmp_path, change=budgeted, clock=clock) as it:
        before = await it.core.snapshot()
        for text in ("one", "two"):
            await ask(it.core, prompt(f"Write {text} line.", agent="writer"))
            await ask(it.core, prompt("What is the capital of France?", agent="scout"))
        quiet = await minute_passes(it, clock)
        await it.core.act(Action(verb="stop-cloud", actor="me"))
        it.ollama.inject(DOWN)
        for _ in range(3):
            with pytest.raises(Refused):
                await ask(it.core, prompt("Summarise this.", agent="writer"))
        await ask(it.core, prompt("And this.", agent="scout"))
        stopped = await minute_passes(it, clock)
        await it.core.act(Action(verb="resume-cloud", actor="me"))
        await ask(it.core, prompt("Write three lines.", agent="writer"))
        after = await minute_passes(it, clock)
        for live in (quiet, stopped, after):
            agree(await it.core.snapshot(live.at), live)
        traffics = [(await it.core.snapshot(live.at)).traffic for live in (quiet, stopped, after)]
        beginning = await it.core.snapshot(before.at - timedelta(minutes=1))
        with pytest.raises(WrongUse):
            await it.core.snapshot(after.at + timedelta(minutes=1))
    assert beginning.recent == ()
    assert {engine.health for engine in beginning.engines} == {"unknown"}, "nothing is on record of it"
    assert stopped.cloud_stopped
    assert [(each.requests, each.failed, each.refused) for each in traffics] == [(4, 0, 0), (4, 1, 3), (1, 0, 0)]


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime(1, 1, 2, tzinfo=UTC)])
async def test_a_moment_before_all_records_is_refused(home: Path, at: datetime) -> None:
    async with stand(home) as it:
        with pytest.raises(WrongUse):
            await it.core.snapshot(at)
        with pytest.raises(WrongUse):
            await it.core.timeline(at, at + timedelta(hours=1))


async def test_the_last_day_of_the_calendar_is_refused(home: Path) -> None:
    end = datetime.max.replace(tzinfo=UTC)
    async with stand(home) as it:
        with pytest.raises(WrongUse):
            await it.core.timeline(end - timedelta(hours=1), end)
