import asyncio

import pytest

from backends.gateway.drain import Drain
from backends.gateway.refusal import Draining


async def test_a_block_that_is_cut_is_left_without_an_error() -> None:
    drain = Drain()
    leash = drain.leash()
    ended = False
    async with leash:
        asyncio.get_running_loop().call_soon(leash.cut, "left")
        await asyncio.Event().wait()
        ended = True
    assert (leash.cause, ended) == ("left", False)


async def test_the_first_cause_holds_and_a_cut_too_late_does_nothing() -> None:
    drain = Drain()
    leash = drain.leash()
    leash.cut("left")
    async with leash:
        leash.cut("drained")
        leash.cut("left")
        await asyncio.sleep(1)
    leash.cut("left")
    assert leash.cause == "drained"
    await asyncio.sleep(0)


async def test_a_block_s_own_timeout_and_errors_pass() -> None:
    drain = Drain()
    with pytest.raises(TimeoutError):
        async with drain.leash(), asyncio.timeout(0):
            await asyncio.sleep(1)
    with pytest.raises(KeyError):
        async with drain.leash():
            raise KeyError
    assert drain.leashes == set()


async def test_cancelling_the_task_is_not_mistaken_for_a_cut() -> None:
    drain = Drain()

    async def wait() -> None:
        async with drain.leash():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_drain_waits_for_asking_and_not_for_watching() -> None:
    drain = Drain()
    watching = drain.leash(waits=False)
    async with watching:
        await drain.close(10)
        with pytest.raises(Draining):
            drain.leash()
        drain.leash(waits=False)
        drain.cut()
        await asyncio.Event().wait()
    assert watching.cause == "drained"


async def test_what_outlasts_the_drain_is_cut() -> None:
    drain = Drain()
    leash = drain.leash()

    async def run() -> None:
        async with leash:
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        await asyncio.sleep(0)
        await drain.close(0.01)
    assert leash.cause == "drained"
