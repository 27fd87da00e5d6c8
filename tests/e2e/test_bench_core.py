"""The bench on a real core between the twins: each candidate is a request like any other."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace
from textual.events import Key, Paste

from backends.core.api import Core
from backends.settings.model import Settings
from console.app import ClawApp
from console.panes.chat_pane import ChatPane
from tests.console.scripted_core import Opened
from tests.console.stage import text_of
from tests.core import Stand, policy, stand
from tests.waiting import until


class CoreOpener:
    def __init__(self, core: Core) -> None:
        self._core = core

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[Opened]:
        yield Opened(core=self._core)


def narrow(settings: Settings) -> Settings:
    local = replace(settings.engines["local"], parallel=1)
    return policy(replace(settings, engines=settings.engines | {"local": local}), "scout", "local")


@asynccontextmanager
async def chatting(it: Stand, *lines: str) -> AsyncGenerator[tuple[ClawApp, ChatPane]]:
    """The console on this core, with the chat open and these lines entered."""
    app = ClawApp(CoreOpener(it.core))
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: app.state.live and app.main.chat)
            await pilot.press("6")
            chat = app.main.chat
            assert isinstance(chat, ChatPane)
            for line in lines:
                chat.post_message(Paste(line))
                await until(lambda: chat.prompt)
                await pilot.press("wait:400", "enter")
                await until(lambda: not chat.prompt)
            yield app, chat
    finally:
        await app.bridge.close()


async def test_each_candidate_is_a_request_with_a_row_and_answers_afresh(home: Path) -> None:
    async with stand(home) as it:
        async with chatting(it) as (app, chat):
            for _ in range(2):
                chat.post_message(Paste("Name three uses of a queue"))
                await until(lambda: chat.prompt)
                chat.run_command("compare")
                await until(lambda: "[x] ▐cloud" in text_of(app))
                await _enter(app)
                await until(lambda: not chat.prompt and not chat.answering)
            turns = chat.bench.transcript.turns
        rows = it.rows("agent = 'default'")
    assert sorted((row["engine"], row["cache"], row["finish"]) for row in rows) == [
        *[("cloud", "bypass", "stop")] * 2,
        *[("local", "bypass", "stop")] * 2,
    ]
    assert {row["id"] for row in rows} == {turn.name for turn in turns}


async def test_a_policy_holds_for_a_candidate_and_its_column_says_so(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        async with chatting(it, "/agent scout", "/temp .2") as (app, chat):
            chat.post_message(Paste("Name three uses of a queue"))
            await until(lambda: chat.prompt)
            chat.run_command("compare")
            await until(lambda: "[x] ▐cloud" in text_of(app))
            await _enter(app)
            await until(lambda: chat.bench.transcript.entries and not chat.answering)
            await until(lambda: "▲ scout has the" in text_of(app))
            local, cloud = chat.bench.transcript.turns
        rows = it.rows("agent = 'scout'")
    assert local.outcome is not None
    assert (local.outcome.engine, cloud.outcome) == ("local", None)
    assert cloud.failure is not None
    assert "scout" in cloud.failure
    assert [row["engine"] for row in rows] == ["local"]


async def test_a_prompt_in_the_queue_says_its_place(home: Path) -> None:
    async with stand(home, change=narrow) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=0.5)
        async with chatting(it, "/engine local", "count to a hundred") as (_, chat):
            slot = it.slots["local"]
            await until(lambda: it.ollama.usage.open == 1)
            (first,) = chat.bench.transcript.turns
            async with chatting(it, "/engine local", "count to ten") as (other, second):
                await until(lambda: slot.limiter.waiting == 1)
                await until(lambda: "1st in the queue of local" in text_of(other))
                second.run_command("cancel")
                await until(lambda: slot.limiter.waiting == 0)
            assert first.running
            chat.run_command("cancel")
            await until(lambda: it.ollama.usage.open == 0)


async def _enter(app: ClawApp) -> None:
    """Press enter in the overlay once no key counts as pasted any more."""
    await until(app.guard.allows)
    app.screen.post_message(Key("enter", "\r"))
