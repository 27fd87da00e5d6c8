import asyncio
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import psutil
import pytest

from backends import logs
from backends.bootstrap.connect import embedded, play_agents
from backends.core.api import Core
from backends.core.local import LocalCore
from backends.core.remote import RemoteCore
from backends.paths import Paths
from backends.rehearsal import process
from backends.settings.cache import Cache
from backends.settings.model import Settings, Telemetry
from backends.types import Chunk, Done, Request
from tests.core import policy, prompt

QUIET = Settings(cache=Cache(semantic=False), telemetry=Telemetry(gpu=False))


class Endless:
    """A core whose calls last until their caller leaves."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        self.asked.set()
        try:
            await asyncio.Event().wait()
            yield cast(Chunk, request)
        finally:
            self.left.set()


async def test_the_agents_play_until_they_are_told_to_stop_and_leave_their_calls() -> None:
    core, until = Endless(), asyncio.Event()
    playing = asyncio.create_task(play_agents(cast(Core, core), until))
    async with asyncio.timeout(30):
        await core.asked.wait()
        assert not core.left.is_set()
        until.set()
        await playing
    assert core.left.is_set()


async def test_a_rehearsal_whose_twins_are_gone_says_so_on_every_screen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "logging_to", lambda _: nullcontext())  # pytest keeps the log itself
    paths, once = Paths.find(rehearsal=True), process.Child(restarts=0)
    async with embedded(QUIET, paths, rehearse=True, listen=False, traffic=False, child=once) as opened:
        core = opened.core
        assert isinstance(core, LocalCore)
        events = core.events()
        for child in await asyncio.to_thread(psutil.Process().children):
            child.kill()
        async with asyncio.timeout(30):
            async for _ in events:
                if [alert.text for alert in (await core.snapshot()).alerts if alert.key == "rehearsal"] == [
                    process.LOST
                ]:
                    break
        await events.aclose()
        core.report_rehearsal("")
        assert "rehearsal" not in [alert.key for alert in (await core.snapshot()).alerts]


async def test_what_others_ask_of_a_core_that_closes_ends_before_its_socket_does(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "logging_to", lambda _: nullcontext())  # pytest keeps the log itself
    paths, heard = Paths.find(rehearsal=True), asyncio.Event()

    async def ask() -> Chunk:
        last: Chunk | None = None
        async for chunk in RemoteCore(str(paths.socket)).ask(prompt("Is the rack well?", agent="writer")):
            heard.set()
            last = chunk
        assert last is not None
        return last

    async with asyncio.timeout(60):
        async with embedded(policy(QUIET, "writer", "cloud"), paths, rehearse=True, listen=True, traffic=False):
            asked = asyncio.create_task(ask())
            await heard.wait()
            assert not asked.done()
        last = await asked
    assert isinstance(last, Done)
    assert last.outcome.finish == "stop"
