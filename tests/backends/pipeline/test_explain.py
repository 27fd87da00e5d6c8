"""`explain` says what would happen to every request now, also to one that nobody could answer, and leaves no trace."""

from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.errors import ClawError, status_of
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Action, Explanation, Request
from tests.core import Stand, ask, policy, prompt, stand

SENSITIVE = prompt("my mail is jan.nowak@wp.pl, answer it", agent="writer", sensitive=True)
LONG = prompt("word " * 40_000, agent="scout")


def limited(settings: Settings) -> Settings:
    """Policies of all kinds, a spent budget and a rate limit of one request a minute."""
    settings = policy(policy(settings, "scout", "local"), "ada", "cloud")
    shell = replace(settings.agent("shell"), requests_per_minute=1)
    budget = Budget(scope="agent:ada", window="day", limit_usd=Decimal("0.000001"), on_exceeded="refuse")
    return replace(settings, agents={**settings.agents, "shell": shell}, budgets=(budget,))


async def refusal(it: Stand, request: Request) -> ClawError:
    """What `ask` raises."""
    with pytest.raises(ClawError) as raised:
        await ask(it.core, request)
    return raised.value


def ruled_out(told: Explanation) -> dict[str, str | None]:
    return {each.engine: each.ruled_out_by for each in told.alternatives}


CASES = {
    "window": (LONG, 400, {"local": "window", "cloud": "policy"}),
    "budget": (prompt("hello", agent="ada"), 402, {"local": "policy", "cloud": "budget"}),
    "policy": (prompt("hello", agent="scout", engine="cloud"), 403, {"local": "asked", "cloud": "policy"}),
    "model": (replace(prompt("hello", agent="writer"), model="gpt-9"), 404, {"local": "asked", "cloud": "asked"}),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_would_be_refused_is_explained_with_the_status_and_line_that_it_would_get(
    home: Path, name: str
) -> None:
    request, status, against = CASES[name]
    async with stand(home, change=limited) as it:
        told = await it.core.explain(request)
        error = await refusal(it, replace(request, id="again"))
        assert it.rows() == []
    assert (told.engine, told.model, told.status, told.error) == ("", "", status, str(error))
    assert status_of(error) == status
    assert ruled_out(told) == against
    assert told.intent
    assert told.reasons
    assert told.ask == request.ask[:200]


async def test_a_sensitive_prompt_is_explained_while_nothing_local_answers(home: Path) -> None:
    async with stand(home) as it:
        await it.ollama.close()
        told = await it.core.explain(SENSITIVE)
    assert (told.engine, told.status, told.sensitive) == ("", 503, True)
    assert ruled_out(told) == {"local": "privacy", "cloud": "privacy"}
    assert "stays on this machine" in told.error


async def test_a_stopped_cloud_is_explained(home: Path) -> None:
    async with stand(home, change=limited) as it:
        await it.core.act(Action(verb="stop-cloud", actor="me"))
        told = await it.core.explain(prompt("hello", agent="writer", engine="cloud"))
    assert (told.status, ruled_out(told)["cloud"]) == (403, "stopped")


async def test_a_reached_rate_limit_is_explained_and_explaining_counts_for_none(home: Path) -> None:
    async with stand(home, change=limited) as it:
        request = prompt("hello", agent="shell")
        free = [(await it.core.explain(request)).status for _ in range(3)]
        await ask(it.core, replace(request, id="counted"))
        told = await it.core.explain(request)
    assert free == [200, 200, 200]
    assert (told.engine, told.status) == ("", 429)
    assert told.alternatives[0].ruled_out_by == "rate_limit"
    assert "requests a minute" in told.error


async def test_what_would_be_answered_has_status_200_and_no_error(home: Path) -> None:
    async with stand(home) as it:
        told = await it.core.explain(prompt("hello there", agent="writer"))
    assert told.engine
    assert (told.status, told.error, told.ask) == (200, "", "hello there")


async def test_a_pause_is_explained_before_all_else_that_would_refuse(home: Path) -> None:
    free, spent = prompt("hello", agent="writer"), prompt("hello", agent="ada")
    async with stand(home, change=limited) as it:
        for agent in ("writer", "ada"):
            await it.core.act(Action(verb="pause", actor="me", agent=agent))
        told = [await it.core.explain(request) for request in (free, spent)]
        error = await refusal(it, replace(spent, id="again"))
    assert [(each.engine, each.status) for each in told] == [("", 429), ("", 429)]
    assert told[1].error == str(error)
    assert told[0].alternatives[0].ruled_out_by == error.kind
    assert [each.engine for each in told[1].alternatives] == ["local", "cloud"]
