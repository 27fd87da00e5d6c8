"""Who is prepared at once, who waits, and who is refused while that is cheap."""

import asyncio
from collections.abc import Sequence

import pytest

from backends.errors import QueueFull
from backends.gateway.load_shedder import EACH_S, LATE_S, PREPARED, WAITING, LoadShedder, Preparation
from backends.settings.model import Settings
from tests.backends.gateway.running_gateway import running_gateway
from tests.backends.gateway.scripted_core import ScriptedCore
from tests.waiting import until

MOST = min(WAITING, int(LATE_S / EACH_S))
"""Requests of one agent that wait while nobody knows how long each takes."""


async def begun(shedder: LoadShedder, agents: Sequence[str], order: list[str]) -> list[asyncio.Task[Preparation]]:
    """Requests that wait behind others, in this order; `order` is told whose turn came."""

    async def one(agent: str) -> Preparation:
        place = await shedder.take(agent)
        order.append(agent)
        return place

    tasks = [asyncio.create_task(one(agent)) for agent in agents]
    await asyncio.sleep(0)
    return tasks


async def test_so_many_are_prepared_at_once_and_each_of_the_others_has_its_turn() -> None:
    shedder, order = LoadShedder(), list[str]()
    tasks = await begun(shedder, ["ada"] * (3 * PREPARED), order)
    assert (len(order), shedder.preparing, shedder.unrouted) == (PREPARED, PREPARED, 3 * PREPARED)
    for task in tasks:
        (await task).routed()
        assert shedder.preparing <= PREPARED
    assert (shedder.preparing, shedder.unrouted) == (0, 0)


async def test_agents_take_turns_however_many_requests_one_of_them_has_waiting() -> None:
    shedder, order = LoadShedder(), list[str]()
    held = [await shedder.take("ada") for _ in range(PREPARED)]
    tasks = await begun(shedder, ["ada"] * 20 + ["writer"] * 2, order)
    for place in held:
        place.routed()
    for task in tasks:
        (await task).routed()
    assert order[:4].count("writer") == 2


async def test_beyond_what_can_be_prepared_in_time_an_agent_is_refused_and_another_one_is_not() -> None:
    shedder = LoadShedder()
    held = [await shedder.take("ada") for _ in range(PREPARED)]
    tasks = await begun(shedder, ["ada"] * (MOST + 1), [])
    with pytest.raises(QueueFull) as refusal:
        await shedder.take("ada")
    assert refusal.value.retry_after_s
    shedder.check("writer")
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    shedder.check("ada")
    assert shedder.unrouted == len(held)


async def test_no_more_are_taken_than_the_engines_have_room_for() -> None:
    room = 3
    shedder = LoadShedder(lambda agent, among: room)
    places = [await shedder.take("ada") for _ in range(room)]
    with pytest.raises(QueueFull):
        await shedder.take("writer")
    places.pop().routed()
    places.append(await shedder.take("writer"))


async def test_the_engines_queues_are_shared_among_the_agents_that_asked_lately() -> None:
    seen: list[tuple[str, int]] = []

    def room(agent: str, among: int) -> int:
        seen.append((agent, among))
        return 100

    shedder = LoadShedder(room)
    for agent in ("ada", "writer", "ada"):
        shedder.check(agent)
    assert seen == [("ada", 1), ("writer", 2), ("ada", 2)]


async def test_what_waits_for_something_else_than_the_processor_lets_others_begin() -> None:
    shedder, order = LoadShedder(), list[str]()
    held = [await shedder.take("ada") for _ in range(PREPARED)]
    (waiting,) = await begun(shedder, ["writer"], order)
    await until(lambda: order == ["writer"])
    assert shedder.unrouted == PREPARED + 1
    for place in (*held, await waiting):
        place.routed()
    assert (shedder.preparing, shedder.unrouted) == (0, 0)


async def test_where_no_queue_has_room_a_body_is_not_even_parsed(core: ScriptedCore, settings: Settings) -> None:
    rooms = [0, 0, 1]
    async with running_gateway(core, settings, room=lambda agent, among: rooms.pop(0)) as gateway:
        raw = await gateway.dial()
        for _ in range(2):
            raw.send(gateway.post(b"this is no JSON"))
            status, headers, body = await raw.answer()
            assert (status, headers["retry-after"]) == (503, "1")
            assert b'"queue_full"' in body
        raw.send(gateway.post(b"this is no JSON"))
        assert (await raw.answer())[0] == 400


async def test_where_no_queue_has_room_a_large_body_is_not_even_read(core: ScriptedCore, settings: Settings) -> None:
    async with running_gateway(core, settings, room=lambda agent, among: 0) as gateway:
        raw = await gateway.dial(gateway.post(b"", Content_Length="1000000"))
        status, headers, _ = await raw.answer()
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
