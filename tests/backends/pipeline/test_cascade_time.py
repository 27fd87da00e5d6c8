"""Checking takes time and calls of its own: deadlines, callers who leave, and the second sample."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.engines.base import Call, EngineChunk, Finished, Text
from backends.rehearsal.faults import Fault
from backends.types import Delta, EngineName, Routed
from backends.verification import CheckedAnswer, CheckResult
from backends.verification.short_answers.score import Score
from tests.backends.pipeline.saying import BAD, JSON, Says, calls, checked
from tests.core import Stand, ask, prompt
from tests.waiting import until

REFUSED = "I'm sorry, but I can't help with that."
COUNT = "How many racks are there?"


class Unsure(Score):
    """A score that never decides, so that the second sample does."""

    def check(self, answer: CheckedAnswer) -> CheckResult:
        return CheckResult(check="score", status="unknown")


def unsure(it: Stand) -> None:
    score = it.resources.score
    assert score is not None
    score.__class__ = Unsure


async def test_where_the_cloud_is_too_slow_the_local_answer_comes_in_time(home: Path) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says(REFUSED)
        it.gemini.behaviour = replace(it.gemini.behaviour, faults=(Fault(kind="silence"),))
        text, outcome = await ask(it.core, prompt("tell me of racks", agent="writer", deadline_s=1.0))
        assert calls(it)[0] == 1
        await until(lambda: not it.gemini.usage.open)
        budget = await it.budget()
    assert (text, outcome.finish) == (REFUSED, "stop")
    assert outcome.notes == ("unverified: it refuses (cloud: no time left)",)
    assert [(each.engine, each.error, each.estimated) for each in outcome.attempts] == [
        ("local", None, False),
        ("cloud", "deadline", True),
    ]
    assert budget.spent_usd >= outcome.cost_usd > 0 == budget.reserved_usd


async def test_a_cloud_that_is_known_to_be_too_slow_is_not_asked(home: Path) -> None:
    async with checked(home, "always") as it:
        throughput = it.slots["cloud"].throughput

        async def slow() -> None:
            throughput.first_token_s, throughput.tokens_per_s = 50.0, 1.0

        it.ollama.answerer = Says(REFUSED, first=slow)
        text, outcome = await ask(it.core, prompt("tell me of racks", agent="writer", deadline_s=20.0))
        assert calls(it) == (1, 0)
    assert (text, outcome.notes) == (REFUSED, ("unverified: it refuses (no time left)",))


async def test_nothing_is_heard_while_an_answer_is_kept_back(home: Path) -> None:
    async with checked(home) as it:
        it.ollama.answerer = Says(BAD)
        it.gemini.behaviour = replace(it.gemini.behaviour, faults=(Fault(kind="silence", after=1),), chunk_tokens=1)
        async with aclosing(it.core.ask(prompt("a colour", agent="writer", response_format=JSON))) as answer:
            assert isinstance(await anext(answer), Routed)
            assert isinstance(await anext(answer), Routed)
            pending = asyncio.ensure_future(anext(answer))
            await until(lambda: it.gemini.usage.open)
            done, _ = await asyncio.wait({pending}, timeout=0.05)
            assert not done
            pending.cancel()
            await asyncio.wait({pending})


async def test_who_leaves_while_the_cloud_is_asked_closes_it_and_pays_for_both(home: Path) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says(REFUSED)
        it.gemini.behaviour = replace(it.gemini.behaviour, faults=(Fault(kind="silence"),))
        asked = asyncio.ensure_future(ask(it.core, prompt("tell me of racks", agent="writer")))
        await until(lambda: it.gemini.usage.open)
        asked.cancel()
        await asyncio.wait({asked})
        await until(lambda: not it.gemini.usage.open and it.rows("finish = 'cancelled'"))
        (row,) = it.rows()
        assert not it.ollama.usage.open
    assert (row["finish"], row["engine"]) == ("cancelled", "cloud")
    assert '"cancelled"' in row["attempts"]
    assert row["attempts"].count('"engine"') == 2


async def test_who_leaves_during_the_second_sample_closes_it(home: Path) -> None:
    async with checked(home, "always") as it:
        unsure(it)
        it.ollama.behaviour = replace(it.ollama.behaviour, faults=(Fault(kind="usage"), Fault(kind="silence")))
        it.ollama.answerer = Says("42")
        asked = asyncio.ensure_future(ask(it.core, prompt(COUNT, agent="writer")))
        await until(lambda: it.ollama.usage.open and it.ollama.usage.ends["finished"] == 1)
        asked.cancel()
        await asyncio.wait({asked})
        await until(lambda: not it.ollama.usage.open and it.rows("finish = 'cancelled'"))
        assert calls(it)[1] == 0
        (row,) = it.rows()
    assert '"role":"verification"' in row["attempts"]


@pytest.mark.parametrize(
    ("second", "engine", "notes", "sent"),
    [
        ("42.0", "local", (), (2, 0)),
        ("there may be several", "local", (), (2, 0)),
        ("43", "cloud", ("escalated: a second sample disagrees",), (2, 1)),
    ],
)
async def test_a_second_sample_of_a_short_answer(
    home: Path, second: str, engine: EngineName, notes: tuple[str, ...], sent: tuple[int, int]
) -> None:
    async with checked(home, "always") as it:
        unsure(it)
        it.ollama.answerer = Says("42", second)
        text, outcome = await ask(it.core, prompt(COUNT, agent="writer"))
        assert calls(it) == sent
        (row,) = it.rows()
    assert (outcome.engine, outcome.notes) == (engine, notes)
    assert (text == "42") == (engine == "local")
    assert [each.role for each in outcome.attempts][:2] == ["answer", "verification"]
    assert '"role":"verification"' in row["attempts"]
    if engine == "local":
        # All-cloud only the answer would have been paid for, not what checked it.
        assert outcome.tokens.output > outcome.attempts[0].tokens.output
        cloud = it.resources.settings.engines["cloud"].model
        answer = outcome.attempts[0].tokens
        assert outcome.baseline_usd == it.resources.prices.cost("cloud", cloud, answer, outcome.started_at).usd


async def test_a_second_sample_that_fails_says_nothing(home: Path) -> None:
    async with checked(home, "always") as it:
        unsure(it)
        it.ollama.behaviour = replace(
            it.ollama.behaviour, faults=(Fault(kind="usage"), Fault(kind="status", status=500))
        )
        it.ollama.answerer = Says("42")
        text, outcome = await ask(it.core, prompt(COUNT, agent="writer"))
        assert calls(it) == (2, 0)
    assert (text, outcome.notes, outcome.finish) == ("42", (), "stop")


async def test_a_longer_answer_has_no_second_sample(home: Path) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says("Racks hold shelves, and shelves hold servers.")
        await ask(it.core, prompt("tell me of racks", agent="writer"))
        assert calls(it) == (1, 0)


async def test_what_the_score_says_goes_by_the_dial(home: Path) -> None:
    async with checked(home, "always") as it:
        score = it.resources.score
        assert score is not None
        asked = "A train covers 60 km in 2 h. What is its speed?\nA. 15 km/h\nB. 30 km/h\nC. 45 km/h\nD. 60 km/h"
        sound = "60 / 2 = 30 km/h. The answer is (B)."
        lost = "It is not among the options. 60 / 2 = 80. The closest is 60 km/h. The answer is (D)."
        good, bad = (score.chances(asked, each).right for each in (sound, lost))
        assert good > bad
        it.ollama.answerer = Says(lost)
        text, outcome = await ask(it.core, prompt(asked, agent="writer"))
    assert outcome.engine == "cloud"
    assert text != lost
    assert outcome.notes[0].startswith("escalated: right with")


class Guessing:
    """A local engine that tells how unsure it was."""

    name: EngineName = "local"
    asked: Call | None = None

    def ignores(self, call: Call) -> tuple[str, ...]:
        return ()

    async def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        self.asked = call
        yield Text("Racks hold shelves, and shelves hold servers.")
        yield Finished(finish="stop", confidence=0.2)

    async def prepare(self) -> None: ...

    async def close(self) -> None: ...


@pytest.mark.parametrize(("mode", "engine"), [("always", "cloud"), ("format", "local")])
async def test_how_sure_the_engine_was_is_asked_and_heard_where_answers_are_looked_at(
    home: Path, mode: str, engine: EngineName
) -> None:
    async with checked(home, mode) as it:  # type: ignore[arg-type]  # the parameters are the setting's words
        it.compared = False  # nothing reaches the twin
        guessing = Guessing()
        server = it.slots["local"].replicas.foremost
        real, server.client = server.client, guessing
        _, outcome = await ask(it.core, prompt("tell me of racks", agent="writer"))
        server.client = real
    assert outcome.engine == engine
    assert guessing.asked is not None
    assert guessing.asked.logprobs is (mode == "always")


async def test_a_long_answer_is_checked_off_the_loop(home: Path) -> None:
    async with checked(home, "always") as it:
        it.ollama.answerer = Says(" ".join(f"Shelf {word} holds a server of its own." for word in range(200)))
        heard = [chunk async for chunk in it.core.ask(prompt("tell me of racks", agent="writer"))]
    assert any(isinstance(chunk, Delta) for chunk in heard)
