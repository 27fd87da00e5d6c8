import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import QueueFull
from backends.upstream.concurrency_limiter import REGROW_AFTER, ConcurrencyLimiter
from tests.waiting import until


def limiter(parallel: int = 2, queue_limit: int = 3) -> ConcurrencyLimiter:
    return ConcurrencyLimiter("local", parallel=parallel, queue_limit=queue_limit, changed=lambda: None)


async def test_no_more_than_parallel_run_at_once_and_all_run() -> None:
    gate = limiter(parallel=2, queue_limit=100)
    most = done = 0

    async def call() -> None:
        nonlocal most, done
        async with gate.place("scout"):
            most = max(most, gate.in_flight)
            await asyncio.sleep(0)
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(call())
    assert (most, done, gate.in_flight, gate.waiting) == (2, 20, 0, 0)


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    gate = limiter(parallel=1, queue_limit=1)
    async with gate.place("scout"):
        waiting = asyncio.create_task(_hold(gate))
        await until(lambda: gate.waiting == 1)
        with pytest.raises(QueueFull) as refusal:
            async with gate.place("infra", retry_after_s=4.0):
                pytest.fail("there was no place")
        assert refusal.value.retry_after_s == 4.0
    await waiting
    assert gate.in_flight == 0


async def test_depth_is_known_by_agent() -> None:
    gate = limiter(parallel=1, queue_limit=9)
    async with gate.place("scout"):
        tasks = [asyncio.create_task(_hold(gate, agent)) for agent in ("infra", "infra", "ada")]
        await until(lambda: gate.waiting == 3)
        assert gate.waiting_by_agent() == {"infra": 2, "ada": 1}
    await asyncio.gather(*tasks)


@given(st.lists(st.integers(0, 9), max_size=8))
async def test_whoever_leaves_the_queue_takes_no_place_with_them(leavers: list[int]) -> None:
    gate = limiter(parallel=1, queue_limit=20)
    async with gate.place("scout"):
        tasks = [asyncio.create_task(_hold(gate)) for _ in range(10)]
        await until(lambda: gate.waiting == 10)
        for index in leavers:
            tasks[index].cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(end, asyncio.CancelledError) for end in ends) == len(set(leavers))
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_a_place_handed_over_in_the_moment_of_leaving_is_handed_on() -> None:
    gate = limiter(parallel=1, queue_limit=9)
    first = asyncio.Event()

    async def holder() -> None:
        async with gate.place("scout"):
            await first.wait()

    held = asyncio.create_task(holder())
    await until(lambda: gate.in_flight == 1)
    leaver, stayer = asyncio.create_task(_hold(gate)), asyncio.create_task(_hold(gate))
    await until(lambda: gate.waiting == 2)
    first.set()
    await held
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    await stayer
    assert (gate.in_flight, gate.waiting) == (0, 0)


async def test_a_waiting_call_is_told_its_place_at_once_and_when_it_moves() -> None:
    gate = ConcurrencyLimiter("local", parallel=1, queue_limit=9, changed=lambda: None, told_after_s=0.0)
    told: list[int] = []

    async def watched() -> None:
        async with gate.place("scout", moved=told.append):
            await asyncio.sleep(0)

    async with gate.place("scout", moved=told.append):
        assert told == [], "it did not wait"
        before = [asyncio.create_task(_watch(gate)) for _ in range(2)]
        await until(lambda: gate.waiting == 2)
        task = asyncio.create_task(watched())
        await until(lambda: told == [3])
        before[0].cancel()
        await until(lambda: told == [3, 2])
    await asyncio.gather(*before, task, return_exceptions=True)
    assert told[:2] == [3, 2]
    assert gate.in_flight == 0


async def test_words_about_its_place_are_rare() -> None:
    gate = ConcurrencyLimiter("local", parallel=1, queue_limit=99, changed=lambda: None, told_after_s=60.0)
    told: list[int] = []

    async def watched() -> None:
        async with gate.place("scout", moved=told.append):
            await asyncio.sleep(0)

    async with gate.place("scout"):
        before = [asyncio.create_task(_watch(gate)) for _ in range(50)]
        await until(lambda: gate.waiting == 50)
        task = asyncio.create_task(watched())
        await until(lambda: told)
    await asyncio.gather(*before, task)
    assert told == [51]


@pytest.mark.proves("L1")
async def test_a_busy_engine_is_asked_less_and_a_run_of_answers_brings_the_place_back() -> None:
    gate = limiter(parallel=4)
    async with gate.place("scout"), gate.place("scout"), gate.place("scout"):
        gate.busy()
    assert gate.parallel == 2
    for _ in range(REGROW_AFTER - 1):
        gate.answered()
    assert gate.parallel == 2
    gate.answered()
    assert gate.parallel == 3


async def test_parallelism_never_falls_below_one() -> None:
    gate = limiter(parallel=1)
    gate.busy()
    gate.busy()
    assert gate.parallel == 1


async def _hold(gate: ConcurrencyLimiter, agent: str = "scout") -> None:
    async with gate.place(agent):
        await asyncio.sleep(0)


async def test_what_somebody_watches_comes_before_the_others_and_in_its_own_order() -> None:
    gate, order = limiter(parallel=1, queue_limit=9), list[str]()

    async def call(agent: str, *, watched: bool) -> None:
        async with gate.place(agent, moved=(lambda _: None) if watched else None):
            order.append(agent)

    async with asyncio.TaskGroup() as group, gate.place("scout"):
        for agent, watched in (("infra", False), ("ada", False), ("first", True), ("second", True)):
            group.create_task(call(agent, watched=watched))
            await until(lambda: agent in gate.waiting_by_agent())  # noqa: B023 — asked within the same turn
        assert (gate.before(watched=True), gate.before(watched=False)) == (2, 4)
    assert order == ["first", "second", "infra", "ada"]


async def test_a_queue_that_others_filled_still_takes_what_somebody_watches_and_is_bounded_for_it_too() -> None:
    gate = limiter(parallel=1, queue_limit=1)
    async with asyncio.TaskGroup() as group, gate.place("scout"):
        group.create_task(_hold(gate))
        await until(lambda: gate.full())
        assert not gate.full(watched=True)
        group.create_task(_watch(gate))
        await until(lambda: gate.waiting == 2)
        assert gate.full(watched=True)
        with pytest.raises(QueueFull):
            await _watch(gate)


async def _watch(gate: ConcurrencyLimiter) -> None:
    async with gate.place("default", moved=lambda _: None):
        pass


async def test_the_room_of_a_queue_is_shared_among_the_agents_that_ask() -> None:
    gate = limiter(parallel=1, queue_limit=4)
    assert gate.room("ada", 2) == 5
    async with gate.place("ada"):
        tasks = [asyncio.create_task(_hold(gate, agent)) for agent in ("ada", "ada")]
        await until(lambda: gate.waiting == 2)
        assert (gate.room("ada", 1), gate.room("ada", 2), gate.room("writer", 2)) == (2, 0, 2)
        tasks += [asyncio.create_task(_hold(gate, "writer")) for _ in range(2)]
        await until(lambda: gate.waiting == 4)
        assert gate.room("writer", 2) == gate.room("scout", 9) == 0
    await asyncio.gather(*tasks)
