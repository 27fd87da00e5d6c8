"""The whole console and each pane's faces as pictures, with fixed data and times."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from backends.types import CacheStats, GpuReading, RuntimeReading, Traffic
from console import theming
from console.app import ClawApp
from console.messages import ReviewLoaded
from console.state import CoreConnection, ViewState, adopt, connect, mark_stale
from tests.console.scene import gpus, incident_alerts, past_alerts, review, snapshot
from tests.console.scene_exchanges import NOW
from tests.console.scripted_core import Opener, ScriptedCore
from tests.waiting import until

THEMES = [theming.theme(name) for name in theming.names()]  # read before any event loop runs
LIVE = CoreConnection(phase="live", mode="attached", label="claw.sock")
Compare = Callable[..., bool]


class Still(ClawApp):
    """The console showing one state for ever."""

    def __init__(self, shown: ViewState, theme: str = theming.DEFAULT) -> None:
        super().__init__(Opener(ScriptedCore(snapshot())), theme=theme)
        self._shown = shown

    async def _begin(self) -> None:
        await self.main.complete()
        self.main.show(self._shown)
        self.state = self._shown


def scene(**changes: Any) -> ViewState:
    return adopt(ViewState(connection=LIVE), snapshot(**changes))


def pressing(*keys: str) -> Callable[[Pilot[None]], Any]:
    async def press(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, ClawApp)
        main = app.main
        await until(
            lambda: main.chat and main.chat.is_mounted and getattr(main.watchers[0], "state", None) is app.state
        )
        await pilot.press(*keys)
        await pilot.pause()

    return press


@pytest.mark.parametrize("theme", theming.names())
def test_wide(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(Still(scene(), theme), terminal_size=(200, 60), run_before=pressing())


@pytest.mark.parametrize("pane", range(1, 7))
def test_narrow(snap_compare: Compare, pane: int) -> None:
    assert snap_compare(Still(scene(rehearsal=True)), terminal_size=(80, 24), run_before=pressing(f"{pane}"))


def test_tiny(snap_compare: Compare) -> None:
    assert snap_compare(Still(scene()), terminal_size=(20, 5), run_before=pressing())


def test_no_color(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Still(scene()), terminal_size=(80, 24), run_before=pressing("down"))


@pytest.mark.parametrize(
    "keys",
    [("down", "down", "enter"), ("question_mark",), ("3", "f"), ("4", "b", "7", ".", "5")],
    ids=["why", "help", "sure", "budget"],
)
def test_overlays(snap_compare: Compare, keys: tuple[str, ...]) -> None:
    assert snap_compare(Still(scene()), terminal_size=(100, 40), run_before=pressing(*keys))


@pytest.mark.parametrize(
    "message", [ReviewLoaded(review=review()), ReviewLoaded(line="the core is gone: try again")], ids=["full", "failed"]
)
def test_savings(snap_compare: Compare, message: ReviewLoaded) -> None:
    async def open_it(pilot: Pilot[None]) -> None:
        await pressing("4", "v")(pilot)
        pilot.app.screen.post_message(message)
        await pilot.pause()

    assert snap_compare(Still(scene()), terminal_size=(100, 40), run_before=open_it)


def faces() -> dict[str, ViewState]:
    """The wide screen shows the faces of all panes at once."""
    empty: dict[str, Any] = {
        "recent": (),
        "in_flight": (),
        "spend": None,
        "cache": CacheStats(semantic="off", semantic_detail="`make run` in claw's folder adds it"),
        "alerts": (),
        "history": {},
        "runtimes": {"local": RuntimeReading(at=NOW, reachable=True)},
        "gpu": GpuReading(at=NOW, state="no-driver", detail="install NVIDIA's driver if there is a GPU here"),
    }
    failing: dict[str, Any] = {
        "engines": tuple(
            msgspec.structs.replace(engine, health="down", detail="refused the connection: start it, then try again")
            for engine in snapshot().engines
        ),
        "runtimes": {
            "local": RuntimeReading(
                at=NOW, reachable=False, detail="Ollama does not answer: start it with `ollama serve`"
            )
        },
        "gpu": GpuReading(at=NOW, state="lost", detail="reboot, or reseat it"),
        "cloud_stopped": True,
    }
    lost = CoreConnection(phase="lost", mode="attached", since=NOW)
    failed = CoreConnection(
        phase="failed", mode="attached", since=NOW, line="the core there speaks another version: update claw"
    )
    return {
        "loading": ViewState(),
        "empty": scene(**empty),
        "stale": mark_stale(scene(gpu=gpus(count=2)), NOW + timedelta(minutes=3), 15.0),
        "failing": scene(**failing),
        "lost": connect(scene(), lost),
        "failed": connect(scene(), failed),
    }


@pytest.mark.parametrize("name", list(faces()))
def test_faces(snap_compare: Compare, name: str) -> None:
    assert snap_compare(Still(faces()[name]), terminal_size=(200, 60), run_before=pressing())


def test_paused(snap_compare: Compare) -> None:
    assert snap_compare(Still(scene()), terminal_size=(80, 24), run_before=pressing("space"))


INCIDENT: dict[str, Any] = {
    "alerts": incident_alerts(),
    "past_alerts": past_alerts(),
    "traffic": Traffic(requests=86, local=3, cloud=1, cache=2, failed=80),
    "gateway": "127.0.0.1:8787",
}


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["narrow", "split", "wide"])
@pytest.mark.parametrize("keys", [("2",), ("5", "down"), ("5", "down", "enter")], ids=["routing", "alerts", "alert"])
def test_an_incident(snap_compare: Compare, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    assert snap_compare(Still(scene(**INCIDENT)), terminal_size=size, run_before=pressing(*keys))


@pytest.mark.parametrize("pane", range(1, 7))
def test_split(snap_compare: Compare, pane: int) -> None:
    assert snap_compare(Still(scene()), terminal_size=(120, 40), run_before=pressing(f"{pane}"))


def test_the_past(snap_compare: Compare) -> None:
    past = msgspec.structs.replace(scene(**INCIDENT), past=True)
    assert snap_compare(Still(past), terminal_size=(120, 40), run_before=pressing())


def in_trouble() -> ViewState:
    local, cloud = snapshot().engines
    full = msgspec.structs.replace(local, waiting=28, will_miss=28, predicted_wait_s=780.0)
    down = msgspec.structs.replace(
        cloud,
        health="down",
        detail="429 RESOURCE_EXHAUSTED",
        since=NOW - timedelta(seconds=47),
        answered_at=NOW - timedelta(minutes=5),
    )
    return scene(**INCIDENT, engines=(full, down))


NARROW, SPLIT = (80, 24), (120, 40)  # the split screen has alerts, timeline and chat beside each of the others


@pytest.mark.parametrize(
    ("size", "pane"),
    [*((NARROW, pane) for pane in range(1, 8)), *((SPLIT, pane) for pane in range(1, 5))],
    ids=[*(f"narrow-{pane}" for pane in range(1, 8)), *(f"split-{pane}" for pane in range(1, 5))],
)
@pytest.mark.parametrize("name", ["loading", "empty", "stale", "lost", "failed", "past", "trouble"])
def test_every_pane_in_every_face(snap_compare: Compare, name: str, size: tuple[int, int], pane: int) -> None:
    shown = {
        **faces(),
        "past": msgspec.structs.replace(scene(**INCIDENT), past=True),
        "trouble": in_trouble(),
    }[name]
    assert snap_compare(Still(shown), terminal_size=size, run_before=pressing(f"{pane}"))
