"""Several addresses of one engine: who takes a call, and what one that is down changes."""

import asyncio
from datetime import UTC, datetime

import pytest

from backends.clock import ManualClock
from backends.engines.ollama import OllamaClient
from backends.errors import EngineError, QueueFull
from backends.settings.engines import OllamaSettings
from backends.types import RuntimeReading
from backends.upstream.circuit_breaker import FAILURES
from backends.upstream.engine_slot import EngineSlot, Label
from backends.upstream.replicas import Replica
from tests.waiting import until


def slot(count: int = 3, *, queue_limit: int = 64) -> EngineSlot:
    settings = OllamaSettings(parallel=2, queue_limit=queue_limit)
    clients = [OllamaClient("gpu", settings) for _ in range(count)]
    return EngineSlot("gpu", clients, settings, zone="local", label=Label(text="qwen"), clock=ManualClock())


def reading(*, reachable: bool = True, waiting: int | None = None) -> RuntimeReading:
    detail = "" if reachable else "nobody listens"
    return RuntimeReading(at=datetime(2026, 1, 1, tzinfo=UTC), reachable=reachable, detail=detail, waiting=waiting)


def broken(replica: Replica) -> None:
    for _ in range(FAILURES):
        replica.breaker.failed(EngineError("nobody listens: start it", kind="unavailable"))


async def held(it: EngineSlot, count: int, prefer: int | None = None) -> list[int]:
    """Which replicas so many calls at once are given."""
    found: list[int] = []
    done = asyncio.Event()

    async def call() -> None:
        async with it.place("writer", prefer=prefer) as replica:
            found.append(replica.index)
            if len(found) == count:
                done.set()
            await done.wait()

    async with asyncio.timeout(5):
        await asyncio.gather(*(call() for _ in range(count)))
    return found


async def test_calls_are_shared_evenly() -> None:
    assert sorted(await held(slot(), 6)) == [0, 0, 1, 1, 2, 2]


async def test_one_that_is_down_takes_its_share_of_nothing() -> None:
    it = slot()
    first, *_ = it.replicas
    broken(first)
    assert it.why_not() is None
    assert sorted(await held(it, 4)) == [1, 1, 2, 2]
    assert it.limiter.parallel == 4
    assert (it.state().health, it.state().parallel) == ("degraded", 4)
    assert "1 of 3 replicas down" in it.state().detail


async def test_one_that_is_back_takes_its_share_again() -> None:
    it = slot()
    first, *_ = it.replicas
    broken(first)
    first.breaker.answered()
    assert it.limiter.parallel == 6
    assert sorted(await held(it, 6)) == [0, 0, 1, 1, 2, 2]


def test_the_engine_is_down_with_the_last_of_them() -> None:
    it = slot(2)
    for replica in it.replicas:
        assert it.usable
        broken(replica)
    assert not it.usable
    assert it.why_not() == "nobody listens"
    assert it.state().health == "down"


async def test_a_session_goes_where_its_prefix_is_while_there_is_a_place() -> None:
    it = slot()
    assert await held(it, 3, prefer=2) == [2, 2, 0]


async def test_one_that_failed_a_request_does_not_get_it_again_while_another_can() -> None:
    it = slot(2)
    async with it.place("writer", avoid=frozenset({0})) as replica:
        assert replica.index == 1
    broken(next(each for each in it.replicas if each.index == 1))
    async with it.place("writer", avoid=frozenset({0})) as replica:
        assert replica.index == 0


async def test_what_a_server_has_waiting_counts_as_load() -> None:
    it = slot(2)
    it.observe([reading(waiting=5), reading(waiting=0)])
    assert await held(it, 2) == [1, 1]
    assert it.state().reported_waiting == 5


async def test_they_share_one_queue() -> None:
    it = slot(2, queue_limit=1)
    async with asyncio.TaskGroup() as group:
        places = [it.place("writer") for _ in range(4)]
        for place in places:
            await place.__aenter__()
        waiting = group.create_task(held(it, 1))
        await until(lambda: it.limiter.waiting)
        with pytest.raises(QueueFull):
            async with it.place("writer"):
                pass
        for place in places:
            await place.__aexit__(None, None, None)
    assert len(waiting.result()) == 1


def test_what_one_says_of_itself_shows_as_degraded() -> None:
    it = slot(2)
    it.observe([reading(), reading(reachable=False)])
    assert (it.state().health, it.state().detail) == ("degraded", "1 of 2 replicas down: nobody listens")
    it.observe([reading(reachable=False), reading(reachable=False)])
    assert it.state().health == "down"


async def test_a_prompt_that_must_stay_at_home_goes_to_a_proved_one_alone() -> None:
    it = slot(3)
    first, second, _ = it.replicas
    assert it.proved == frozenset()
    with pytest.raises(EngineError, match="no longer proved"):
        async with it.place("writer", proved="qwen2.5:14b"):
            pass
    second.proved = frozenset({"qwen2.5:14b"})
    assert it.proved == {"qwen2.5:14b"}
    for prefer in (None, first.index):
        async with it.place("writer", prefer=prefer, proved="qwen2.5:14b") as replica:
            assert replica is second
