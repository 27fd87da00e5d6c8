"""`u` takes back the last action: at once where the operator has it in mind, else once it is confirmed."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from backends import events
from backends.types import Acted, Action, Undoable
from console.overlays.overlay import ConfirmOverlay
from tests.console.scene import snapshot
from tests.console.scene_exchanges import NOW
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until

UNPIN = Action(verb="unpin", actor="console", agent="writer")
PINNED = Undoable(
    number=7, at=NOW - timedelta(seconds=20), actor="cli:ada", detail="writer pinned to local", undo=UNPIN
)


class UndoingCore(ScriptedCore):
    """Says that a rating can be undone, and tells of it as a core does."""

    async def act(self, action: Action) -> Acted:
        acted = await super().act(action)
        last = None
        if action.verb != "undo":
            acted = replace(acted, undo=UNPIN)
            last = Undoable(number=8, at=acted.at, actor=action.actor, detail=acted.detail, undo=UNPIN)
        self.emit(events.ActionDone(acted=acted, cloud_stopped=False, agents=self.current.agents, undoable=last))
        return acted


async def test_the_operators_own_last_action_is_undone_at_once() -> None:
    core = UndoingCore(snapshot(undoable=PINNED))
    async with on_stage(core) as (app, pilot):
        await pilot.press("down", "plus")
        await until(lambda: "rate done" in text_of(app) and "u undoes" in text_of(app))
        await until(lambda: app.state.undoable is not None and app.state.undoable.number == 8)
        await pilot.press("u")
        await until(lambda: "undo done" in text_of(app))
        assert "u undoes" not in text_of(app)
        await until(lambda: app.state.undoable is None)
        await pilot.press("u")
        await until(lambda: "Nothing to undo" in text_of(app))
    assert [(each.verb, each.undoes) for each in core.acted] == [("rate", None), ("undo", 8)]


@pytest.mark.parametrize("answer", ["y", "n"])
async def test_anothers_action_is_named_and_asked_first(answer: str) -> None:
    core = UndoingCore(snapshot(undoable=PINNED))
    async with on_stage(core, size=(110, 30)) as (app, pilot):
        await pilot.press("u")
        await until(lambda: isinstance(app.screen, ConfirmOverlay))
        await until(lambda: "Undo: writer pinned to local? It was done by cli:ada, " in text_of(app))
        await pilot.press(answer)
        await until(lambda: app.screen is app.main)
        await pilot.press("down", "plus")
        await until(lambda: core.acted and core.acted[-1].verb == "rate")
    assert [each.undoes for each in core.acted if each.verb == "undo"] == ([7] if answer == "y" else [])


async def test_undo_in_the_palette_asks_likewise() -> None:
    core = UndoingCore(snapshot(undoable=PINNED))
    async with on_stage(core) as (app, pilot):
        await pilot.press("ctrl+p", *"undo the last")
        await until(lambda: "Undo the last action" in text_of(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ConfirmOverlay))


@pytest.mark.proves("S33")
async def test_pasted_keys_undo_nothing() -> None:
    core = UndoingCore(snapshot(undoable=PINNED))
    async with on_stage(core) as (app, pilot):
        await pilot.press("u")
        await until(lambda: isinstance(app.screen, ConfirmOverlay))
        app.guard.pasted()
        await pilot.press("y")
        await until(lambda: "it came with pasted text" in text_of(app))
    assert core.acted == []
