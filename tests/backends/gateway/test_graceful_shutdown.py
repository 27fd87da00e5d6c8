import asyncio

import pytest

from backends.gateway.graceful_shutdown import GracefulShutdown
from backends.gateway.http_errors import ShuttingDown


async def test_a_block_that_is_cut_is_left_without_an_error() -> None:
    shutdown = GracefulShutdown()
    scope = shutdown.scope()
    ended = False
    async with scope:
        asyncio.get_running_loop().call_soon(scope.cancel, "disconnected")
        await asyncio.Event().wait()
        ended = True
    assert (scope.cause, ended) == ("disconnected", False)


async def test_the_first_cause_holds_and_a_cut_too_late_does_nothing() -> None:
    shutdown = GracefulShutdown()
    scope = shutdown.scope()
    scope.cancel("disconnected")
    async with scope:
        scope.cancel("shutdown")
        scope.cancel("disconnected")
        await asyncio.sleep(1)
    scope.cancel("disconnected")
    assert scope.cause == "shutdown"
    await asyncio.sleep(0)


async def test_a_block_s_own_timeout_and_errors_pass() -> None:
    shutdown = GracefulShutdown()
    with pytest.raises(TimeoutError):
        async with shutdown.scope(), asyncio.timeout(0):
            await asyncio.sleep(1)
    with pytest.raises(KeyError):
        async with shutdown.scope():
            raise KeyError
    assert shutdown.scopes == set()


async def test_cancelling_the_task_is_not_mistaken_for_a_cut() -> None:
    shutdown = GracefulShutdown()

    async def wait() -> None:
        async with shutdown.scope():
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_drain_waits_for_asking_and_not_for_watching() -> None:
    shutdown = GracefulShutdown()
    watching = shutdown.scope(waits=False, watches=True)
    assert shutdown.watchers() == 0
    async with watching, shutdown.scope(waits=False):
        assert shutdown.watchers() == 1
        await shutdown.drain(10)
        with pytest.raises(ShuttingDown):
            shutdown.scope()
        shutdown.scope(waits=False)
        shutdown.cancel_all()
        await asyncio.Event().wait()
    assert watching.cause == "shutdown"


async def test_what_outlasts_the_drain_is_cut() -> None:
    shutdown = GracefulShutdown()
    scope = shutdown.scope()

    async def run() -> None:
        async with scope:
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        await asyncio.sleep(0)
        await shutdown.drain(0.01)
    assert scope.cause == "shutdown"
