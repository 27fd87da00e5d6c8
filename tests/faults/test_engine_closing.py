"""A call's connection ends with the call: at once, however it ends, and without the garbage collector."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

import genai_prices  # noqa: F401 — read here, for the twin's first bill would read it on the guarded loop
import pytest
from msgspec import Struct
from msgspec.structs import replace

from backends.engines.base import Call, Engine
from backends.engines.call_scope import current_scope
from backends.engines.gemini import GeminiClient
from backends.engines.ollama import OllamaClient
from backends.engines.openai import OpenAIClient
from backends.rehearsal.behaviour import Behaviour
from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.settings.engines import GeminiSettings
from tests.backends.engines.rig import (
    CALL,
    CLOUD_CALL,
    KEY,
    answer,
    delta,
    failure,
    local_settings,
    response,
    sse,
    wire,
)
from tests.waiting import until

STREAMS = 20
CLOSED_S = 10.0  # an end that never comes is the failure; how soon is measured, not asserted
At = Callable[[], AbstractAsyncContextManager["Bench"]]


class Bench(Struct, frozen=True):
    """An engine whose server sends one chunk and then nothing; `open` counts what the server still has open."""

    engine: Engine
    call: Call
    open: Callable[[], int]


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@asynccontextmanager
async def at_ollama() -> AsyncIterator[Bench]:
    twin = OllamaTwin()
    twin.behaviour = _silent_after_one(twin)
    engine = OllamaClient("local", local_settings(await twin.start()))
    yield Bench(engine, CALL, lambda: twin.usage.open)
    await engine.close()
    await twin.close()


@asynccontextmanager
async def at_gemini() -> AsyncIterator[Bench]:
    twin = GeminiTwin()
    twin.behaviour = _silent_after_one(twin)
    engine = GeminiClient("cloud", GeminiSettings(base_url=await twin.start()), KEY)
    yield Bench(engine, CLOUD_CALL, lambda: twin.usage.open)
    await engine.close()
    await twin.close()


@asynccontextmanager
async def at_openai() -> AsyncIterator[Bench]:
    async with wire(response(sse(delta("one")), end=False)) as server:
        engine = OpenAIClient("local", local_settings(server.url, kind="openai"))
        yield Bench(engine, CALL, lambda: server.open)
        await engine.close()


def _silent_after_one(twin: OllamaTwin | GeminiTwin) -> Behaviour:
    return replace(twin.behaviour, parallel=64, faults=(Fault(kind="silence", after=1, times=None),))


EVERYWHERE = pytest.mark.parametrize("at", [at_ollama, at_gemini, at_openai])


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))


@EVERYWHERE
@pytest.mark.usefixtures("_no_collector")
@pytest.mark.proves("I9")
async def test_cancelled_while_the_reader_holds_a_chunk(at: At) -> None:
    async with at() as bench:
        holding = asyncio.Semaphore(0)

        async def hold() -> None:
            async with aclosing(bench.engine.stream(bench.call)) as chunks:
                async for _ in chunks:
                    holding.release()
                    await asyncio.Event().wait()

        tasks = [asyncio.create_task(hold()) for _ in range(STREAMS)]
        for _ in tasks:
            await asyncio.wait_for(holding.acquire(), 10)
        assert bench.open() == STREAMS
        await _cancel(tasks)
        await until(lambda: bench.open() == 0, seconds=CLOSED_S)


@EVERYWHERE
@pytest.mark.usefixtures("_no_collector")
@pytest.mark.proves("I9")
async def test_cancelled_while_the_next_chunk_is_awaited(at: At) -> None:
    async with at() as bench:
        heard: set[int] = set()

        async def read(number: int) -> None:
            async with aclosing(bench.engine.stream(bench.call)) as chunks:
                async for _ in chunks:
                    heard.add(number)

        tasks = [asyncio.create_task(read(number)) for number in range(STREAMS)]
        await until(lambda: len(heard) == STREAMS)
        assert bench.open() == STREAMS
        await _cancel(tasks)
        await until(lambda: bench.open() == 0, seconds=CLOSED_S)


@EVERYWHERE
@pytest.mark.usefixtures("_no_collector")
@pytest.mark.proves("I9")
async def test_cancelled_before_the_first_byte(at: At) -> None:
    async with at() as bench:
        await bench.engine.prepare()

        async def read() -> None:
            await answer(bench.engine, bench.call)

        tasks = [asyncio.create_task(read()) for _ in range(STREAMS)]
        await until(lambda: bench.open() > 0, seconds=10)
        await _cancel(tasks)
        await until(lambda: bench.open() == 0, seconds=CLOSED_S)


@EVERYWHERE
@pytest.mark.usefixtures("_no_collector")
async def test_closed_by_another_task_than_the_one_that_read(at: At) -> None:
    async with at() as bench:
        streams = [bench.engine.stream(bench.call) for _ in range(STREAMS)]
        for stream in streams:
            await asyncio.create_task(anext(stream))
        assert bench.open() == STREAMS
        for stream in streams:
            await asyncio.create_task(stream.aclose())
        await until(lambda: bench.open() == 0, seconds=CLOSED_S)


@EVERYWHERE
@pytest.mark.usefixtures("_no_collector")
@pytest.mark.proves("I9")
async def test_an_error_in_the_reader_closes_too(at: At) -> None:
    async with at() as bench:
        with pytest.raises(ZeroDivisionError):
            async with aclosing(bench.engine.stream(bench.call)) as chunks:
                async for _ in chunks:
                    raise ZeroDivisionError
        await until(lambda: bench.open() == 0, seconds=CLOSED_S)


@EVERYWHERE
@pytest.mark.usefixtures("_no_collector")
async def test_closing_the_engine_breaks_what_still_runs(at: At) -> None:
    async with at() as bench, aclosing(bench.engine.stream(bench.call)) as chunks:
        await anext(chunks)
        await bench.engine.close()
        await until(lambda: bench.open() == 0, seconds=CLOSED_S)


@EVERYWHERE
async def test_a_call_after_closing_is_refused(at: At) -> None:
    async with at() as bench:
        await bench.engine.close()
        assert (await failure(bench.engine, bench.call)).kind == "unavailable"
        assert bench.open() == 0


@EVERYWHERE
async def test_nothing_of_ours_stays_in_the_readers_context(at: At) -> None:
    async with at() as bench, aclosing(bench.engine.stream(bench.call)) as chunks:
        await anext(chunks)
        assert current_scope.get(None) is None
        tasks = asyncio.all_tasks()
    await until(lambda: {task for task in asyncio.all_tasks() if task not in tasks} == set(), seconds=CLOSED_S)
