"""The chat before there is a core, when it cannot be opened, and when it has gone away."""

import msgspec

from backends.types import EngineState
from console.messages import StateChanged
from console.state import CoreConnection, ViewState
from tests.console.chat_host import AT, STATE, ChatHost, press, send, shows, until, write

SIZE = (80, 24)


async def test_nothing_is_sent_or_previewed_before_there_is_a_core() -> None:
    app = ChatHost(state=ViewState())
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "Loading…")
        await write(pilot, "early")
        await press(pilot, "enter")
        await shows(pilot, "No core is connected: the prompt stays here")
        assert (app.asked, app.previewed) == ([], [])
        app.chat.post_message(StateChanged(STATE))
        await shows(pilot, "No prompts yet")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(app.asked))


async def test_a_core_that_failed_says_what_to_do() -> None:
    failed = ViewState(connection=CoreConnection(phase="failed", line="the ledger is corrupt: see claw doctor"))
    app = ChatHost(state=failed)
    async with app.run_test(size=SIZE) as pilot:
        await shows(pilot, "the ledger is corrupt: see claw doctor")


async def test_a_core_that_went_away_leaves_what_was_said() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await send(pilot, "go")
        await shows(pilot, "Fine.")
        gone = CoreConnection(phase="lost", mode="attached", since=AT)
        app.chat.post_message(StateChanged(msgspec.structs.replace(STATE, connection=gone)))
        await shows(pilot, "stale since 12:00:00")
        assert "Fine." in app.screen_text()
        await write(pilot, "more")
        await press(pilot, "enter")
        await shows(pilot, "the prompt stays here")
        assert len(app.asked) == 1


async def test_the_engines_names_are_told_anew_when_they_change() -> None:
    app = ChatHost()
    async with app.run_test(size=SIZE) as pilot:
        await send(pilot, "go")
        await shows(pilot, "▌local qwen2.5:14b · 310 in")
        local = EngineState(
            name="local", zone="local", kind="ollama", model="qwen2.5:14b", label="scripted text", simulated=True
        )
        app.chat.post_message(StateChanged(msgspec.structs.replace(STATE, engines=(local,))))
        await shows(pilot, "▌local scripted text · 310 in")
