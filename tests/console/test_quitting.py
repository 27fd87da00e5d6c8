"""ctrl+q: at once where nobody needs the console's own core, else asked."""

import pytest
from msgspec.structs import replace

from backends import events
from console.overlays.leave import LeaveOverlay
from tests.console.scene import snapshot
from tests.console.scripted_core import Opener, ScriptedCore
from tests.console.stage import on_stage, text_of, words_of
from tests.waiting import until


def core(*, calls: bool, clients: int = 0) -> ScriptedCore:
    quiet = replace(snapshot(), clients=clients)
    return ScriptedCore(quiet if calls else replace(quiet, in_flight=(), recent=()))


async def test_a_core_that_nobody_needs_ends_with_its_console() -> None:
    async with on_stage(core(calls=False)) as (app, pilot):
        await pilot.press("ctrl+q")
        await until(lambda: not app.is_running or app.return_code is not None)
    assert not app.serve_after


async def test_an_attached_console_leaves_at_once() -> None:
    other = core(calls=True, clients=3)
    async with on_stage(other, opener=Opener(other, mode="attached")) as (app, pilot):
        await pilot.press("ctrl+q")
        await until(lambda: not app.is_running or app.return_code is not None)


@pytest.mark.parametrize(("key", "serves"), [("l", True), ("w", False)])
async def test_the_calls_that_run_are_awaited_and_the_core_may_be_left_running(key: str, serves: bool) -> None:
    told = core(calls=True, clients=2)
    async with on_stage(told) as (app, pilot):
        await pilot.press("ctrl+q")
        await until(lambda: isinstance(app.screen, LeaveOverlay) and "2 other consoles are attached" in words_of(app))
        await pilot.press(key)
        await until(lambda: "Waiting for calls to end" in text_of(app))
        assert app.return_code is None
        told.current = replace(told.current, in_flight=(), recent=())
        told.emit(events.Resync())
        await until(lambda: not app.is_running or app.return_code is not None)
    assert app.serve_after is serves


@pytest.mark.parametrize("keys", [("ctrl+q", "ctrl+q"), ("ctrl+q", "w", "ctrl+q")])
async def test_one_more_leaves_at_once(keys: tuple[str, ...]) -> None:
    async with on_stage(core(calls=True)) as (app, pilot):
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await until(lambda: not app.is_running or app.return_code is not None)
    assert not app.serve_after


async def test_one_may_stay() -> None:
    async with on_stage(core(calls=False, clients=1)) as (app, pilot):
        await pilot.press("ctrl+q")
        await until(lambda: isinstance(app.screen, LeaveOverlay) and "1 other console is attached" in words_of(app))
        await pilot.press("n")
        await until(lambda: app.screen is app.main)
