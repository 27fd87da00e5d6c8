"""C2 in a whole core: a quota of the provider's day is counted, said, waited for, and remembered."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from backends.clock import ManualClock
from backends.commands.doctor_models import lifecycle, quota
from backends.errors import ClawError
from backends.settings.model import Settings
from backends.types import EngineState
from tests.core import Stand, ask, policy, prompt, stand

NOON = datetime(2026, 11, 30, 20, tzinfo=UTC)  # in California
RESETS = datetime(2026, 12, 1, 8, tzinfo=UTC)


def change(settings: Settings) -> Settings:
    return policy(settings, "ada", "cloud")


async def cloud(it: Stand) -> EngineState:
    return next(engine for engine in (await it.core.snapshot()).engines if engine.name == "cloud")


async def kind(it: Stand, text: str) -> str | None:
    """How asking fails, refused or answered with an error; None where it does not."""
    try:
        return (await ask(it.core, prompt(text, agent="ada")))[1].error_kind
    except ClawError as error:
        return error.kind


async def test_c2_a_day_quota_is_asked_for_once_an_hour_and_survives_a_restart(home: Path) -> None:
    clock = ManualClock(NOON)
    async with stand(home, change=change, clock=clock) as it:
        await ask(it.core, prompt("hello", agent="ada"))
        it.gemini.incident("C2")
        assert await kind(it, "hello 0") == "daily-quota"
        for number in range(1, 5):
            assert await kind(it, f"hello {number}") == "daily-quota"
        assert it.gemini.usage.requests.total() == 2
        state = await cloud(it)
        assert (state.health, state.reopens_at) == ("down", RESETS)
        assert (state.quota[0].day_requests, state.quota[0].resets_at) == (2, RESETS)
    clock.advance(60)
    async with stand(home, change=change, clock=clock) as it:
        state = await cloud(it)
        assert (state.health, state.reopens_at, state.quota[0].day_requests) == ("down", RESETS, 2)
        (alert,) = (await it.core.snapshot()).alerts
        assert (alert.key, alert.retry_at) == ("engine:cloud:day", RESETS)
        assert "quota of the day" in alert.text
        assert await kind(it, "hello again") == "daily-quota"
        assert it.gemini.usage.requests.total() == 0
        clock.advance(3600)
        assert await kind(it, "hello after an hour") is None
        assert (await cloud(it)).reopens_at is None


async def test_c2_the_doctor_says_what_was_sent_and_when_the_quota_is_there_again(home: Path) -> None:
    clock = ManualClock(NOON)
    async with stand(home, change=change, clock=clock) as it:
        await ask(it.core, prompt("hello", agent="ada"))
        well = await asyncio.to_thread(quota, Settings(), "cloud", it.paths, NOON)
        it.gemini.incident("C2")
        await ask(it.core, prompt("hello you", agent="ada"))
        used_up = await asyncio.to_thread(quota, Settings(), "cloud", it.paths, NOON)
        tomorrow = await asyncio.to_thread(quota, Settings(), "cloud", it.paths, RESETS)
    assert well.ok is True
    assert well.detail.startswith("1 calls and ")
    assert used_up.ok is None
    assert "the day's quota was used up at" in used_up.detail
    assert (tomorrow.ok, tomorrow.detail.partition(" since")[0]) == (True, "0 calls and 0 input tokens")


def test_retirement_is_said_by_the_doctor() -> None:

    plain = Settings()
    old = replace(plain, engines=plain.engines | {"cloud": replace(plain.engines["cloud"], model="gemini-2.5-flash")})
    ahead, over = lifecycle(old, "cloud", NOON.date()), lifecycle(old, "cloud", RESETS.date())
    assert (ahead.ok, over.ok) == (None, None)
    assert "in 1 day" in ahead.detail
    assert "was shut down" in over.detail
    assert ahead.remedy == over.remedy == "run `claw config set engines.cloud.model gemini-3.5-flash-lite`"
    assert lifecycle(plain, "cloud", NOON.date()).ok is True
