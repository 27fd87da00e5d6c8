"""A session that runs away stops at its own limit, at any number of calls at once, and nobody else stops with it."""

import asyncio
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from backends.errors import ClawError
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import ZERO, Outcome, Sampling
from tests.core import Stand, ask, policy, prompt, served, stand

LIMIT = Decimal("0.0006")


def limited(settings: Settings) -> Settings:
    budgets = (Budget(scope="session", limit_usd=LIMIT, on_exceeded="refuse", window="total"),)
    return policy(replace(settings, budgets=budgets), "ada", "cloud")


async def end_of(it: Stand, text: str, session: str) -> Outcome | ClawError:
    try:
        return (
            await ask(
                it.core, prompt(text, agent="ada", session=session, deadline_s=4, sampling=Sampling(max_tokens=100))
            )
        )[1]
    except ClawError as error:
        return error


async def test_a_hundred_calls_of_a_runaway_session_stop_at_its_limit_and_another_goes_on(home: Path) -> None:
    async with stand(home, change=limited) as it:
        runaway = [end_of(it, f"again, number {number}", "loop") for number in range(100)]
        ends = await asyncio.gather(*runaway, end_of(it, "hello", "other"))
        assert isinstance(ends[-1], Outcome)
        while isinstance(await end_of(it, "and again, at length", "loop"), Outcome):
            pass
        spent = sum((Decimal(row["cost_usd"]) for row in it.rows("session = 'loop'")), ZERO)
        assert ZERO < spent <= LIMIT
        state = await it.budget()
        assert (state.spent_usd, state.reserved_usd, state.members) == (spent, ZERO, 2)
        last = await end_of(it, "once more", "loop")
        assert isinstance(last, ClawError)
        assert (last.kind, last.http_status, last.should_retry) == ("session_budget", 429, False)
        assert isinstance(await end_of(it, "hello again", "other"), Outcome)
    async with stand(home, change=limited) as it:
        again = await end_of(it, "after a restart", "loop")
        assert isinstance(again, ClawError)
        assert again.kind == "session_budget"


@pytest.mark.parametrize(("scope", "header"), [("session", "X-Claw-Session"), ("run", "X-Claw-Run")])
async def test_over_http_it_is_429_that_no_client_takes_for_an_empty_account(
    home: Path, scope: str, header: str
) -> None:
    def change(settings: Settings) -> Settings:
        budgets = (Budget(scope=scope, limit_usd=Decimal("0.0000001"), on_exceeded="refuse", window="day"),)
        return policy(replace(settings, budgets=budgets), "ada", "cloud")

    body = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}
    async with stand(home, change=change) as it, served(it, change) as url, aiohttp.ClientSession() as client:
        headers = {"X-Claw-Agent": "ada", header: "nightly"}
        async with client.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            error, status, told = (await answer.json())["error"], answer.status, answer.headers.copy()
        called = it.gemini.usage.requests.total()
    assert (status, called) == (429, 0), error
    assert 0 < int(told["retry-after"]) <= 86_400
    assert told["x-should-retry"] == "false"
    assert (error["type"], error["code"]) == ("rate_limit_error", "session_budget")
    assert error["message"].startswith(f"this {scope} has reached its limit: begin a new {scope}")
