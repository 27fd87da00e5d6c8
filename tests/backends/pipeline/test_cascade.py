"""Local answers that fail their check: the cloud's is given once, or the local one with a mark."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.rehearsal.behaviour import Counted
from backends.rehearsal.faults import Fault
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Action, Delta, Done, Routed, Sampling, Tool
from tests.backends.ledger.samples import admission
from tests.backends.pipeline.saying import BAD, GOOD, JSON, Says, calls, checked
from tests.core import ask, chunks, policy, prompt

ROUND_AND_ROUND = "It is so. " + "and then the same again\n" * 30
REFUSED = "I'm sorry, but I can't help with that."


async def test_an_answer_that_fails_is_never_heard_and_the_clouds_is(home: Path) -> None:
    async with checked(home) as it:
        it.ollama.answerer = Says(BAD)
        heard = await chunks(it.core, prompt("a colour", agent="writer", response_format=JSON))
        first, second, *deltas, done = heard
        assert isinstance(first, Routed)
        assert isinstance(second, Routed)
        assert isinstance(done, Done)
        assert (first.explanation.engine, second.explanation.engine) == ("local", "cloud")
        assert (second.explanation.reasons[0].rule, second.explanation.reasons[0].detail) == (
            "verify",
            "not valid JSON",
        )
        assert all(isinstance(delta, Delta) for delta in deltas)
        assert json.loads("".join(delta.text for delta in deltas if isinstance(delta, Delta)))
        assert calls(it) == (1, 1)
        (row,) = it.rows()
    outcome = done.outcome
    assert (outcome.engine, outcome.finish, outcome.notes) == ("cloud", "stop", ("escalated: not valid JSON",))
    assert [(each.engine, each.error, each.role) for each in outcome.attempts] == [
        ("local", None, "answer"),
        ("cloud", None, "answer"),
    ]
    assert outcome.baseline_usd == outcome.cost_usd == Decimal(row["cost_usd"]) == it.billed() > 0
    assert [each["engine"] for each in json.loads(row["attempts"])] == ["local", "cloud"]


async def test_an_answer_that_passes_is_given_whole_and_costs_nothing(home: Path) -> None:
    async with checked(home) as it:
        it.ollama.answerer = Says(GOOD)
        text, outcome = await ask(it.core, prompt("a colour", agent="writer", response_format=JSON))
        assert calls(it) == (1, 0)
    assert (text, outcome.engine, outcome.notes) == (GOOD, "local", ())
    assert outcome.cost_usd == 0
    assert outcome.ttft_ms is not None


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        (REFUSED, "stop", "it refuses"),
        (ROUND_AND_ROUND, "stop", "it repeats itself to the end"),
        ("The first half of", "length", "cut off at its cap"),
        ("```python\nprint(\n```", "stop", "a Python block does not parse"),
        (" ", "stop", "empty"),
    ],
)
async def test_each_kind_of_failure_goes_to_the_cloud(home: Path, text: str, finish: str, reason: str) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says(text, finish=finish)
        given, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 1)
    assert given.strip() not in ("", text)
    assert outcome.notes == (f"escalated: {reason}",)


async def test_a_cap_of_the_callers_own_is_no_failure(home: Path) -> None:
    async with checked(home, "always") as it:
        request = prompt("tell me of racks", agent="writer", sampling=Sampling(max_tokens=3))
        _, outcome = await ask(it.core, request)
        assert calls(it) == (1, 0)
    assert (outcome.finish, outcome.notes) == ("length", ())


@pytest.mark.parametrize(
    ("mode", "local_agent", "expected"), [("off", None, 0), ("off", "always", 1), ("always", "off", 0)]
)
async def test_an_agents_own_setting_holds(home: Path, mode: str, local_agent: str | None, expected: int) -> None:
    def change(settings: Settings) -> Settings:
        return policy(settings, "writer", "prefer-local", verify=local_agent)

    async with checked(home, mode, change) as it:  # type: ignore[arg-type]  # the parameters are the setting's words
        it.ollama.answerer = Says(REFUSED)
        await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, expected)


@pytest.mark.parametrize(("dial", "expected"), [(0.0, 0), (1.0, 1)])
async def test_doubtful_looks_at_prompts_near_the_dial_and_beyond(home: Path, dial: float, expected: int) -> None:
    def change(settings: Settings) -> Settings:
        return policy(settings, "writer", "prefer-local", dial=dial)

    async with checked(home, "doubtful", change) as it:
        it.ollama.answerer = Says(REFUSED)
        await ask(it.core, prompt("prove that there are infinitely many twin primes", agent="writer"))
        assert calls(it) == (1, expected)


async def test_what_may_not_leave_is_given_with_a_mark_and_not_cached(home: Path) -> None:
    async with checked(home) as it:
        it.ollama.answerer = Says(BAD)
        for agent, more, why in (
            ("scout", {}, "cloud is ruled out: policy"),
            ("writer", {"sensitive": True}, "sensitive, so it stays here"),
            ("writer", {"engine": "local"}, "cloud is ruled out: asked"),
        ):
            for _ in range(2):
                request = prompt(f"a colour, {agent}", agent=agent, response_format=JSON, **more)
                text, outcome = await ask(it.core, request)
                assert text == BAD
                assert (outcome.engine, outcome.cache in ("miss", "bypass")) == ("local", True)
                assert outcome.notes == (f"unverified: not valid JSON ({why})",)
        assert calls(it) == (6, 0)


def broke(settings: Settings) -> Settings:
    return replace(settings, budgets=(Budget(limit_usd=Decimal(0)),))


async def test_without_budget_nothing_escalates(home: Path) -> None:
    async with checked(home, "always", broke) as it:
        it.ollama.answerer = Says(REFUSED)
        text, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 0)
    assert (text, outcome.notes) == (REFUSED, ("unverified: it refuses (cloud is ruled out: budget)",))


async def test_an_escalation_is_reserved_for_before_its_call(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return replace(settings, budgets=(Budget(limit_usd=Decimal("0.03")),))

    async with checked(home, "always", change) as it:
        it.compared = False  # the other call is of this test alone
        taken = admission("another", agent="ada", reserved_usd=Decimal("0.02"))
        it.ollama.answerer = Says(REFUSED, first=lambda: it.resources.ledger.admit(taken))
        text, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 0)
    assert (text, outcome.notes) == (REFUSED, ("unverified: it refuses (cloud: capacity)",))


async def test_a_cloud_that_was_stopped_meanwhile_is_not_asked(home: Path) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says(REFUSED, first=lambda: it.core.act(Action(verb="stop-cloud", actor="test")))
        text, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 0)
    assert (text, outcome.notes) == (REFUSED, ("unverified: it refuses (cloud is stopped)",))


async def test_a_cloud_that_is_known_to_be_down_is_not_asked(home: Path) -> None:
    async with checked(home, "always") as it:
        slot = it.slots["cloud"]

        async def gone() -> None:
            slot.missing = "no Gemini key"

        it.ollama.answerer = Says(REFUSED, first=gone)
        _, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 0)
    assert outcome.notes == ("unverified: it refuses (cloud: no Gemini key)",)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault(kind="status", status=500), "cloud: unavailable"),
        (Fault(kind="close", after=1), "cloud: cut"),
        (Fault(kind="drop", after=1), "cloud: cut"),
        (Fault(kind="blocked", mode="SAFETY"), "cloud: blocked"),
        (Fault(kind="thought-cap"), "cloud: length"),
    ],
)
async def test_where_the_cloud_fails_the_local_answer_is_given(home: Path, fault: Fault, why: str) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says(REFUSED)
        it.gemini.behaviour = replace(it.gemini.behaviour, faults=(fault,), chunk_tokens=1)
        heard = await chunks(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 1)
        budget = await it.budget()
    *_, done = heard
    assert isinstance(done, Done)
    assert "".join(chunk.text for chunk in heard if isinstance(chunk, Delta)) == REFUSED
    assert [chunk.explanation.engine for chunk in heard if isinstance(chunk, Routed)] == ["local", "cloud", "local"]
    assert done.outcome.notes == (f"unverified: it refuses ({why})",)
    assert (done.outcome.engine, done.outcome.finish, done.outcome.error) == ("local", "stop", None)
    assert [attempt.engine for attempt in done.outcome.attempts] == ["local", "cloud"]
    assert budget.reserved_usd == 0
    assert budget.spent_usd >= it.billed()


async def test_a_local_engine_that_breaks_off_while_kept_back_fails_over_as_ever(home: Path) -> None:
    async with checked(home, "always") as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, faults=(Fault(kind="close", after=3),))
        text, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 1)
    assert (outcome.engine, outcome.notes) == ("cloud", ())
    assert text


async def test_what_a_model_calls_is_kept_back_and_checked_too(home: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "not": {"type": "string"}}},
        "required": ["city"],
    }
    tool = Tool(name="get_weather", description="the weather", parameters=schema)
    async with checked(home, "always") as it:
        heard = await chunks(it.core, prompt("what is the weather?", agent="writer", tools=(tool,)))
        assert calls(it) == (2, 1)
    *_, done = heard
    assert isinstance(done, Done)
    assert done.outcome.notes == ("escalated: against a tool's parameters: a form that is not allowed",)


async def test_odd_usage_of_an_escalation_is_told_beside_it(home: Path) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says(REFUSED)
        it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted(output=15_000))
        _, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
    escalated, odd = outcome.notes
    assert escalated == "escalated: it refuses"
    assert "answer tokens where" in odd
    assert outcome.cost_usd == it.billed()


async def test_a_follower_of_a_kept_back_answer_hears_the_same(home: Path) -> None:
    async with checked(home) as it:
        it.ollama.answerer = Says(BAD)
        requests = [prompt("a colour", agent="writer", response_format=JSON) for _ in range(3)]
        answers = await asyncio.gather(*(ask(it.core, request) for request in requests))
        assert calls(it) == (1, 1)
        assert len(it.rows()) == 3
    assert len({text for text, _ in answers}) == 1
    assert sum(outcome.cost_usd for _, outcome in answers) == it.billed()


def test_the_default_is_to_check_forms_for_all() -> None:
    assert Settings().router.verify == "format"
    assert Agent().verify is None
