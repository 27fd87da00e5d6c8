import asyncio

import pytest

from backends.rehearsal.admission_queue import AdmissionQueue, QueueIsFull


async def test_calls_enter_in_their_order() -> None:
    room = AdmissionQueue(1, None)
    order: list[int] = []

    async def call(number: int) -> None:
        async with room:
            order.append(number)

    async with room, asyncio.TaskGroup() as calls:
        for number in range(5):
            calls.create_task(call(number))
            await asyncio.sleep(0)
        assert room.waiting == 5
        room.resize(2, None)
    assert order == [0, 1, 2, 3, 4]
    assert (room.running, room.waiting) == (0, 0)


async def test_beyond_the_queue_it_is_full() -> None:
    room = AdmissionQueue(1, 0)
    async with room:
        with pytest.raises(QueueIsFull):
            await room.__aenter__()
    async with room:
        assert room.running == 1


@pytest.mark.parametrize("admitted_first", [True, False])
async def test_a_waiter_that_leaves_takes_no_place(admitted_first: bool) -> None:
    room = AdmissionQueue(1, None)
    await room.__aenter__()

    async def call() -> None:
        async with room:
            raise AssertionError("it has left")

    waiter = asyncio.create_task(call())
    await asyncio.sleep(0)
    assert room.waiting == 1
    if admitted_first:
        await room.__aexit__(None, None, None)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert room.waiting == 0
    assert room.running == (0 if admitted_first else 1)
