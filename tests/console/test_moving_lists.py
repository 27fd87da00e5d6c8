"""Keys on lists that move between the look and the key: an action is about what was under the cursor, or is none."""

import os
import random
from datetime import timedelta

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from backends import events
from backends.types import Alert, SessionState
from console.app import ClawApp
from console.overlays.overlay import ConfirmOverlay
from console.panes.alerts_pane import AlertsPane
from tests.console.scene import incident_alerts, sessions, snapshot
from tests.console.scene_exchanges import NOW, exchange
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until

PRESSES = int(os.environ.get("MOVING_LIST_PRESSES", "10"))
"""For each of three lists and two seeds; with 170 they are more than a thousand."""
LEFT = "has left the list"


class MovingCore(ScriptedCore):
    """Before each key, rows arrive, move or leave."""

    def __init__(self, seed: int) -> None:
        super().__init__(snapshot(alerts=incident_alerts(), sessions=sessions()))
        self.chance = random.Random(seed)
        self.number = 0

    def move(self) -> None:
        for _ in range(self.chance.randrange(1, 4)):
            self.number += 1
            self.chance.choice((self._decision, self._session, self._alert, self._leave))()

    def _decision(self) -> None:
        new = replace(exchange(self.number % 60, "ada", "local", "x", 0.1), id=f"new-{self.number}")
        self.current = replace(self.current, recent=(*self.current.recent, new))
        self.emit(events.Decided(exchange=new))

    def _session(self) -> None:
        new = SessionState(id=f"s-{self.number}", agent="scout", client="pi", started_at=NOW, last_at=NOW, paused="x")
        self.current = replace(self.current, sessions=(new, *self.current.sessions))
        self.emit(events.SessionSampled(session=new))

    def _alert(self) -> None:
        key, at = f"new-{self.number}", NOW - timedelta(days=self.chance.randrange(9))
        new = Alert(key=key, id=key, since=at, severity="critical", text=f"it broke {self.number}")
        self.current = replace(self.current, alerts=(*self.current.alerts, new))
        self.emit(events.AlertRaised(alert=new))

    def _leave(self) -> None:
        """A third of all rows go, as after a core's restart."""
        kept = {}
        for name in ("recent", "sessions", "alerts"):
            rows = getattr(self.current, name)
            some = tuple(row for row in rows if self.chance.random() > 1 / 3)
            kept[name] = some if len(some) > 2 else rows
        self.current = replace(self.current, **kept)
        self.emit(events.Resync())


async def press_and_see(core: MovingCore, app: ClawApp, pilot: Pilot[None], key: str, meant: str | None) -> bool:
    """Move the list, press a key at once, confirm where it asks. Whether it acted; if so, on what was meant."""
    before = len(core.acted)
    app.main.show_message("")
    await until(app.guard.allows)  # the keys that moved the cursor came faster than hands type
    shown = app.state
    core.move()
    if core.chance.random() < SEEN_FIRST:
        await until(lambda: app.state is not shown)
    await pilot.press(key)
    await until(lambda: len(core.acted) > before or isinstance(app.screen, ConfirmOverlay) or LEFT in text_of(app))
    if isinstance(app.screen, ConfirmOverlay):
        await until(app.guard.allows)
        core.move()
        await pilot.press("y")
        await until(lambda: len(core.acted) > before)
    if len(core.acted) == before:
        return False
    assert core.acted[-1].id == meant
    return True


SEEN_FIRST = 0.3
"""How often the screen shows that the list moved before the key comes."""


@pytest.mark.parametrize("seed", range(2))
async def test_decisions(seed: int) -> None:
    core, acted = MovingCore(seed), 0
    async with on_stage(core) as (app, pilot):
        for _ in range(PRESSES):
            await pilot.press("home", *["down"] * core.chance.randrange(1, 6))
            await until(lambda: app.main.routing.cursor is not None)
            request = app.main.routing.chosen
            assert request is not None
            key = "x" if getattr(request, "outcome", None) is None else core.chance.choice(("plus", "minus"))
            acted += await press_and_see(core, app, pilot, key, request.id)
    assert PRESSES / 2 < acted < PRESSES, "some rows left, most did not"


@pytest.mark.parametrize("seed", range(2))
async def test_sessions(seed: int) -> None:
    core, acted = MovingCore(seed), 0
    async with on_stage(core) as (app, pilot):
        await pilot.press("s")
        for _ in range(PRESSES):
            await pilot.press("home", *["down"] * core.chance.randrange(1, 4))
            await until(lambda: app.main.routing.chosen_session is not None)
            session = app.main.routing.chosen_session
            assert session is not None
            acted += await press_and_see(core, app, pilot, "r" if session.paused else "P", session.id)
    assert PRESSES / 2 < acted <= PRESSES


@pytest.mark.parametrize("seed", range(2))
async def test_alerts(seed: int) -> None:
    core, acted = MovingCore(seed), 0
    async with on_stage(core) as (app, pilot):
        await pilot.press("5")
        pane = app.main.query_one(AlertsPane)
        for _ in range(PRESSES):
            await pilot.press("home", *["down"] * core.chance.randrange(1, 4))
            await until(lambda: pane.chosen is not None)
            alert = pane.chosen
            assert alert is not None
            acted += await press_and_see(core, app, pilot, core.chance.choice("ym"), alert.id)
    assert PRESSES / 2 < acted <= PRESSES
