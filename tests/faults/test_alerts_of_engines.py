"""Alerts in an incident: a whole core between the twins, real time, and what stands on the screen and on record."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from msgspec.structs import replace

from backends.errors import ClawError
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.types import Alert
from backends.upstream.first_bytes import GIVEN_UP_S
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until

BROKEN = Fault(kind="status", status=503, body={"error": {"code": 503, "message": "Too many. " * 60}}, times=None)
DEAD = Fault(kind="status", status=500, body={"error": "unexpected EOF: " + "Too many. " * 60}, times=None)
SHOWN_S = 2.0
"""How long after the first failing request an alert may take to stand."""


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "prefer-cloud")


async def asked(it: Stand, count: int, agent: str = "writer") -> None:
    """So many requests one after the other, whatever becomes of them."""
    for number in range(count):
        with suppress(ClawError):
            await ask(it.core, prompt(f"hello {number}", agent=agent, cache=False))


@asynccontextmanager
async def asking(it: Stand, agent: str = "writer") -> AsyncGenerator[None]:
    """A request five times a second, as long as the block runs."""

    async def again() -> None:
        number = 0
        while True:
            number += 1
            await asyncio.gather(asked(it, 1, agent), asyncio.sleep(0.2))

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def raised(it: Stand, key: str) -> Alert:
    await it.alert(key)
    return (await it.alerts())[key]


async def test_both_engines_fail_and_within_two_seconds_it_is_said_that_none_answers(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await asked(it, 3)
        it.gemini.inject(BROKEN)
        it.ollama.inject(BROKEN)
        began, started = datetime.now(UTC), monotonic()
        async with asking(it):
            alert = await raised(it, "no-engine")
            assert monotonic() - started < SHOWN_S
            assert abs((alert.since - began).total_seconds()) < 1
            assert alert.text == f"no engine answers since {alert.since.astimezone():%H:%M:%S}"
            await until(lambda: _traffic_failed(it, 8))
            counted = (await it.alerts())["no-engine"]
            traffic = (await it.core.snapshot()).traffic
            assert traffic.failing_since is not None
            assert (traffic.local, traffic.cloud) != (0, 0)  # those before
            assert counted.agents == ("writer",)
            for twin in (it.gemini, it.ollama):
                twin.behaviour = replace(twin.behaviour, faults=())
            await it.cleared("no-engine")
        (past,) = [each for each in (await it.core.snapshot()).past_alerts if each.key == "no-engine"]
    assert (past.state, past.requests >= 7) == ("cleared", True)
    with closing(sqlite3.connect(it.paths.ledger)) as db:
        (row,) = db.execute("SELECT state, requests, text FROM incidents_v1 WHERE key = 'no-engine'").fetchall()
    assert row == ("cleared", past.requests, past.text)


async def _traffic_failed(it: Stand, count: int) -> bool:
    return (await it.core.snapshot()).traffic.failed >= count


async def test_a_minute_quota_is_said_in_our_words_and_counts_what_went_elsewhere(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.incident("C1")
        await asked(it, 4)
        alert = await raised(it, "engine:cloud:minute")
        assert alert.text == "cloud: 429, minute quota 10/min"
        assert "You exceeded your current quota" in alert.detail
        assert alert.retry_at is not None
        assert 30 < (alert.retry_at - alert.since).total_seconds() <= 37

        async def counted() -> bool:
            return (await it.alerts())["engine:cloud:minute"].effect == "4 went local"

        await until(counted)
        state = next(each for each in (await it.core.snapshot()).engines if each.name == "cloud")
        assert state.detail == "429, minute quota 10/min"


async def test_a_local_engine_that_is_down_says_what_its_detour_costs(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "prefer-local")) as it:
        it.ollama.inject(DEAD)
        await asked(it, 5)

        async def counted() -> bool:
            alert = (await it.alerts()).get("engine:local")
            return alert is not None and alert.requests == 5

        await until(counted)
        alert = (await it.alerts())["engine:local"]
        spent = (await it.core.snapshot()).spend
        assert spent is not None
        assert alert.cost_usd == spent.today_usd > 0
        assert (alert.text, alert.effect) == ("local: 500, unavailable", "5 went to the cloud")
        assert "Too many" not in alert.text


async def test_an_engine_that_accepts_and_is_silent_is_named_while_its_calls_still_wait(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        await asked(it, 6)
        it.gemini.incident("C4")
        started, began = monotonic(), datetime.now(UTC)
        waiting = asyncio.create_task(asked(it, 1))
        alert = await raised(it, "engine:cloud:silent")
        assert 2 <= monotonic() - started < 2 + SHOWN_S
        assert abs((alert.since - began).total_seconds()) < 1
        state = next(each for each in (await it.core.snapshot()).engines if each.name == "cloud")
        assert state.silent_s is not None
        assert state.usual_s is not None
        assert state.silent_s > 4 * state.usual_s
        assert state.answered_at is not None
        assert state.answered_at < began
        assert "1 call has heard nothing, usually within" in alert.text
        waiting.cancel()
        await asyncio.wait([waiting])
        await until(lambda: _says(it, "engine:cloud:silent", "1 caller gave up"))
        assert (await it.alerts())["engine:cloud:silent"].since == alert.since
        it.gemini.behaviour = replace(it.gemini.behaviour, faults=())
        await asked(it, 1)
        await it.cleared("engine:cloud:silent")


async def _says(it: Stand, key: str, words: str) -> bool:
    alert = (await it.alerts()).get(key)
    return alert is not None and words in alert.text


async def test_callers_who_give_up_on_an_engine_of_unknown_speed_show_that_it_fails(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.incident("C4")
        began = datetime.now(UTC)
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVEN_UP_S + 0.2):
                await asked(it, 1)
        left = monotonic()
        alert = await raised(it, "engine:cloud:silent")
        assert monotonic() - left < SHOWN_S
        assert alert.text == "cloud: 1 caller gave up"
        assert abs((alert.since - began).total_seconds()) < 1
        state = next(each for each in (await it.core.snapshot()).engines if each.name == "cloud")
        assert state.health == "degraded"
        assert state.failing_since is not None
        assert abs((state.failing_since - began).total_seconds()) < 1


def narrow(settings: Settings) -> Settings:
    local = replace(settings.engines["local"], parallel=1)
    settings = replace(settings, engines=settings.engines | {"local": local})
    router = replace(settings.router, deadline_s=8.0)
    return policy(replace(settings, router=router), "scout", "local")


async def test_a_queue_that_will_not_be_done_in_time_says_how_many_miss_their_deadline(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=20.0)
        await asked(it, 1, "scout")
        tasks = [asyncio.create_task(asked(it, 1, "scout")) for _ in range(12)]
        alert = await raised(it, "queue:local")
        state = next(each for each in (await it.core.snapshot()).engines if each.name == "local")
        assert 0 < state.will_miss <= state.waiting <= 11
        assert alert.effect.endswith("will miss their deadline")
        assert state.oldest_wait_s is not None
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await it.cleared("queue:local")


async def test_an_engine_that_became_slow_is_named_while_it_still_answers(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.compared = False  # the reset makes the twin forget
        await asked(it, 12)
        it.gemini.behaviour = replace(it.gemini.behaviour, first_token_s=1.2)
        began = datetime.now(UTC)
        await asyncio.gather(*(asked(it, 1) for _ in range(5)))
        alert = await raised(it, "engine:cloud:slow")
        assert (alert.since - began).total_seconds() < 1.2 + SHOWN_S
        assert "first token after 1." in alert.text
        it.gemini.reset()
        await asked(it, 5)
        await it.cleared("engine:cloud:slow")


@pytest.mark.parametrize("vram_share", [0.0, 1.0])
async def test_l7_an_engine_that_lost_its_gpu_is_slow_while_its_first_answer_runs_and_others_go_elsewhere(
    home: Path, vram_share: float
) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "prefer-local")) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=120.0)
        await asked(it, 6)
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=12.0, vram_share=vram_share)
        began = datetime.now(UTC)
        running = [asyncio.create_task(asked(it, 1)) for _ in range(2)]
        alert = await raised(it, "engine:local:speed")
        assert (alert.since - began).total_seconds() < 1.0
        assert re.match(r"local: slow, \d+\.\d tok/s, usually \d{2,3}$", alert.text)
        shown = (await it.core.snapshot()).engines[0]
        assert shown.tokens_per_s is not None
        assert shown.tokens_per_s < 40
        _, outcome = await ask(it.core, prompt("describe the rack by the door", agent="writer", timeout_s=2.0))
        assert outcome.engine == "cloud"
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def test_a_server_that_turns_calls_away_is_full_until_it_answers(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "scout", "local")) as it:
        it.ollama.incident("L1")
        await asked(it, 1, "scout")
        alert = await raised(it, "engine:local:full")
        assert alert.text == "local: full, it turns calls away"
        it.ollama.reset()
        await asked(it, 1, "scout")
        await it.cleared("engine:local:full")
