"""What happens between the decision and the engine's word: places that come late, and engines that break our seam."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.engines.base import Call, EngineChunk, Text
from backends.errors import EngineError
from backends.rehearsal.faults import Fault
from backends.settings.engines import OpenAISettings
from backends.settings.model import Settings
from backends.settings.money import Budget, Price
from backends.types import Action, Delta, EngineName, Sampling
from tests.core import ask, policy, prompt, stand
from tests.waiting import until


def one_at_a_time(settings: Settings) -> Settings:
    cloud = replace(settings.engines["cloud"], parallel=1)
    return policy(replace(settings, engines=settings.engines | {"cloud": cloud}), "writer", "cloud")


def two_clouds_and_money_for_one_call(settings: Settings) -> Settings:
    """`first` is the cheaper cloud, and nobody listens there; the budget of `cloud` has room for one call."""
    first = OpenAISettings(zone="cloud", model="our-own-model", base_url="http://127.0.0.1:9/v1", ability=90.0)
    cloud = settings.engines["cloud"]
    dear = Price(input_usd=Decimal(0), output_usd=Decimal(1000))
    changed = replace(
        settings,
        engines=settings.engines | {"first": first},
        prices={"our-own-model": Price(input_usd=Decimal(0), output_usd=Decimal(1)), cloud.model: dear},
        budgets=(Budget(scope="engine:cloud", limit_usd=Decimal("0.62")),),
    )
    return policy(changed, "writer", "prefer-cloud")


class Odd:
    """An engine with a mistake in it: after a word it raises what none may, or ends without an end."""

    name: EngineName = "cloud"

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def ignores(self, call: Call) -> tuple[str, ...]:
        return ()

    async def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        yield Text("a word")
        if self._error is not None:
            raise self._error

    async def prepare(self) -> None: ...

    async def close(self) -> None: ...


class SlowToPrepare(Odd):
    """Its SDK takes long to load: until `ready` is set, nothing can be sent."""

    def __init__(self) -> None:
        super().__init__(None)
        self.asked, self.ready = asyncio.Event(), asyncio.Event()

    async def prepare(self) -> None:
        self.asked.set()
        await self.ready.wait()

    async def stream(self, call: Call) -> AsyncGenerator[EngineChunk]:
        await self.prepare()
        async with aclosing(super().stream(call)) as chunks:
            async for chunk in chunks:
                yield chunk


async def test_a_call_that_waits_for_the_cloud_is_not_sent_once_the_cloud_is_stopped(home: Path) -> None:
    async with stand(home, change=one_at_a_time) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=40.0, chunk_tokens=1)
        first = asyncio.ensure_future(ask(it.core, prompt("describe a rack", agent="writer")))
        await until(lambda: it.gemini.usage.open)
        second = asyncio.ensure_future(ask(it.core, prompt("describe a shelf", agent="writer")))
        await until(lambda: it.slots["cloud"].limiter.waiting)
        await it.core.act(Action(verb="stop-cloud", actor="test"))
        (_, answered), (_, turned_away) = await asyncio.gather(first, second)
        assert it.gemini.usage.counts()["calls"] == {"finished": 1}
    assert (answered.finish, turned_away.finish, turned_away.attempts) == ("stop", "error", ())
    assert "resume-cloud" in str(turned_away.error)


async def test_a_call_that_waits_for_its_client_is_not_sent_once_the_cloud_is_stopped(home: Path) -> None:
    async with stand(home, change=one_at_a_time) as it:
        server, slow = it.slots["cloud"].replicas.foremost, SlowToPrepare()
        server.client = slow
        asked = asyncio.ensure_future(ask(it.core, prompt("describe a rack", agent="writer")))
        await slow.asked.wait()
        await it.core.act(Action(verb="stop-cloud", actor="test"))
        slow.ready.set()
        _, outcome = await asked
    assert (outcome.finish, outcome.attempts) == ("error", ())
    assert "resume-cloud" in str(outcome.error)


async def test_where_other_calls_took_the_money_for_one_cloud_the_next_engine_answers(home: Path) -> None:
    async with stand(home, change=two_clouds_and_money_for_one_call) as it:
        it.compared = False  # the prices are not the twin's
        requests = [
            prompt(f"describe {thing}", agent="writer", sampling=Sampling(max_tokens=100))
            for thing in ("a rack", "a shelf")
        ]
        outcomes = [outcome for _, outcome in await asyncio.gather(*(ask(it.core, each) for each in requests))]
        budget = await it.budget()
    assert sorted(outcome.engine for outcome in outcomes) == ["cloud", "local"]
    assert {outcome.finish for outcome in outcomes} <= {"stop", "length"}
    assert budget.reserved_usd == 0 < budget.spent_usd <= budget.limit_usd


@pytest.mark.parametrize("error", [ValueError("a mistake of ours"), None])
async def test_an_engine_that_breaks_our_seam_is_charged_and_may_be_asked_again(
    home: Path, error: Exception | None
) -> None:
    async with stand(home, change=one_at_a_time) as it:
        slot = it.slots["cloud"]
        server = slot.replicas.foremost
        real, server.client = server.client, Odd(error)
        for _ in range(3):
            slot.breaker.failed(EngineError("down", kind="unavailable"))
        slot.breaker.shorten()
        _, outcome = await ask(it.core, prompt("describe a rack", agent="writer"))
        assert (outcome.finish, outcome.error_kind) == ("error", "internal")
        assert [(attempt.error, attempt.estimated) for attempt in outcome.attempts] == [("internal", True)]
        budget = await it.budget()
        assert budget.spent_usd >= outcome.cost_usd > 0 == budget.reserved_usd
        assert slot.breaker.usable()
        server.client = real
        _, outcome = await ask(it.core, prompt("describe a shelf", agent="writer"))
    assert outcome.finish == "stop"
    assert outcome.cost_usd > Decimal(0)


async def test_an_answer_that_is_cut_keeps_the_time_of_its_first_word(home: Path) -> None:
    async with stand(home, change=one_at_a_time) as it:
        slot = it.slots["cloud"]
        server = slot.replicas.foremost
        real, server.client = server.client, Odd(EngineError("it broke off: ask again", kind="unavailable"))
        _, broken = await ask(it.core, prompt("describe a rack", agent="writer"))
        server.client = real
        it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=40.0, chunk_tokens=1)
        left = prompt("describe a shelf", agent="writer")
        async with aclosing(it.core.ask(left)) as stream:
            await anext(chunk async for chunk in stream if isinstance(chunk, Delta))
        await until(lambda: it.rows(f"id = '{left.id}'"))
        (cut,) = it.rows(f"id = '{left.id}'")
    assert (broken.finish, cut["finish"]) == ("error", "cancelled")
    assert broken.ttft_ms is not None
    assert 0 <= broken.ttft_ms <= broken.latency_ms
    assert 0 <= cut["ttft_ms"] <= cut["latency_ms"]


async def test_a_free_call_that_took_over_is_known_to_the_ledger_before_it_is_sent(home: Path) -> None:
    """Or a core that dies now would say that this request was never sent there."""
    async with stand(home, change=lambda settings: policy(settings, "writer", "prefer-cloud")) as it:
        it.gemini.inject(Fault(kind="status", status=403))
        it.ollama.inject(Fault(kind="silence"))
        asking = asyncio.create_task(ask(it.core, prompt("hi", agent="writer")))

        async def took_over() -> bool:
            return it.ollama.usage.open == 1

        await until(took_over)
        with closing(sqlite3.connect(it.paths.ledger)) as db:
            held = db.execute("SELECT engine, usd = '0' FROM reservations ORDER BY rowid").fetchall()
        asking.cancel()
        await asyncio.wait({asking})
    assert held == [("cloud", 0), ("local", 1)]
