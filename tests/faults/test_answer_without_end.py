"""An engine that goes on past its cap, in text or in a tool's arguments: cut, closed, charged, and small in memory."""

import asyncio
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from backends.engines.base import answer_byte_limit
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Called, Delta, Done, Request, Sampling, Tool
from tests.backends.engines.rig import CALL, WireServer, candidate, delta, local_settings, sse, wire
from tests.core import ask, chunks, policy, prompt, stand
from tests.waiting import until

CAP = 200
MOST = 16 * CAP
PIECES, PIECE = 10_000, "word " * 2_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"


class Endless:
    """A server's answer of ten thousand pieces of ten kB; `sent` counts those that were taken from it."""

    def __init__(self, kind: bytes, piece: bytes) -> None:
        self.sent = 0
        self._head = HEAD % kind
        self._chunk = b"%x\r\n%s\r\n" % (len(piece), piece)

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        writer.write(self._head)
        for _ in range(PIECES):
            writer.write(self._chunk)
            await writer.drain()
            self.sent += 1


def said_by_ollama() -> Endless:
    line = msgspec.json.encode({"message": {"role": "assistant", "content": PIECE}, "done": False})
    return Endless(b"application/x-ndjson", line + b"\n")


def said_by_openai() -> Endless:
    return Endless(b"text/event-stream", sse(delta(PIECE)))


def called_by_openai() -> Endless:
    piece = {"index": 0, "id": "c1", "function": {"name": "write", "arguments": PIECE}}
    return Endless(b"text/event-stream", sse(delta(tool_calls=[piece])))


def before(server: WireServer, kind: str) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        local = local_settings(server.url, kind=kind, parallel=2)
        settings = replace(settings, engines=settings.engines | {"local": local})
        return policy(settings, "default", "local", verify="off")

    return change


def wish(**more: Any) -> Request:
    return prompt("Say a few words.", sampling=Sampling(max_tokens=CAP), timeout_s=20.0, **more)


@pytest.mark.parametrize(("kind", "says"), [("ollama", said_by_ollama), ("openai", said_by_openai)])
async def test_text_without_end_is_cut_at_twice_its_cap(home: Path, kind: str, says: Callable[[], Endless]) -> None:
    endless = says()
    async with wire(endless) as server, stand(home, change=before(server, kind)) as it:
        with growth() as grown:
            text, outcome = await ask(it.core, wish())
        assert len(text) == MOST
        assert outcome.finish == "length"
        assert f"cut: the answer went on past 2 times its cap of {CAP} tokens" in outcome.notes
        assert outcome.usage_estimated
        assert grown() < 30_000_000  # of the hundred million bytes that were on offer
        await until(lambda: not server.open)
        assert endless.sent < PIECES
        (row,) = it.rows()
        assert row["finish"] == "length"


async def test_arguments_without_end_are_cut_and_half_a_call_is_none(home: Path) -> None:
    endless = called_by_openai()
    async with wire(endless) as server, stand(home, change=before(server, "openai")) as it:
        heard = await chunks(it.core, wish(tools=(Tool(name="write"),)))
        assert not any(isinstance(chunk, Called | Delta) for chunk in heard)
        done = heard[-1]
        assert isinstance(done, Done)
        assert done.outcome.finish == "length"
        assert [note.partition(":")[0] for note in done.outcome.notes] == ["cut"]
        assert endless.sent < PIECES


async def test_an_answer_of_the_cloud_that_is_cut_is_charged_what_was_reserved(home: Path) -> None:
    endless = Endless(b"text/event-stream", sse(candidate(PIECE)))
    async with wire(endless) as server:

        def change(settings: Settings) -> Settings:
            cloud = replace(settings.engines["cloud"], base_url=server.url)
            budgets = (Budget(limit_usd=Decimal(1)),)
            settings = replace(settings, engines=settings.engines | {"cloud": cloud}, budgets=budgets)
            return policy(settings, "default", "cloud")

        async with stand(home, change=change) as it:
            text, outcome = await ask(it.core, wish())
            assert len(text) <= 16 * (CAP + 2_048)
            assert (outcome.finish, outcome.usage_estimated) == ("length", True)
            (budget,) = await it.budgets()
            assert budget.reserved_usd == 0
            assert budget.spent_usd >= outcome.cost_usd > 0
            assert endless.sent < PIECES


def test_the_bound_counts_thinking_s_room_too() -> None:
    assert answer_byte_limit(replace(CALL, max_output=100, thinking_budget=None)) == 1_600
    assert answer_byte_limit(replace(CALL, max_output=100, thinking_budget=50)) == 2_400


@contextmanager
def growth() -> Iterator[Callable[[], int]]:
    """The most bytes that Python held at once in the block, above what it held before."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    peak = 0

    def grown() -> int:
        return peak - before

    try:
        yield grown
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
