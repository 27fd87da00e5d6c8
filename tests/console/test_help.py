"""The help, the palette's actions and the card of the first run."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from backends import events
from backends.types import Action, AgentState, Traffic
from console.overlays.help import HelpOverlay
from console.overlays.overlay import ConfirmOverlay
from console.overlays.welcome import WelcomeOverlay, may_welcome
from console.palette_actions import named_actions
from console.panes.alerts_pane import AlertsPane
from console.panes.cache_pane import CachePane
from console.panes.routing_pane import RoutingPane
from console.panes.runtime_pane import RuntimePane
from console.panes.spend_pane import SpendPane
from console.panes.timeline_pane import TimelinePane
from console.present.help_texts import FIGURES, SENTENCES, matching, sections
from console.remembered_view import RememberedView
from tests.console.scene import incident_alerts, snapshot
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.console.test_panes import replace, scene
from tests.waiting import until

PANES = [
    ("Runtime", RuntimePane.KEYS),
    ("Routing", RoutingPane.KEYS),
    ("Routing, sessions", RoutingPane.SESSION_KEYS),
    ("Cache", CachePane.KEYS),
    ("Spend", SpendPane.KEYS),
    ("Alerts", AlertsPane.KEYS),
    ("Timeline", TimelinePane.KEYS),
]


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot())


def test_every_key_of_a_pane_has_a_sentence() -> None:
    missing = [(heading, key) for heading, keys in PANES for key, _ in keys if (heading, key) not in SENTENCES]
    assert missing == []
    known = {(heading, key) for heading, keys in PANES for key, _ in keys}
    assert set(SENTENCES) == known, "and no sentence is about a key that is gone"
    assert all(text.endswith((".", "?")) for text in SENTENCES.values())


def test_the_help_begins_with_the_focused_pane() -> None:
    for focused in FIGURES:
        headings = [heading for heading, _ in sections(focused, PANES)]
        assert len(headings) == len(set(headings))
        assert focused in headings[0]
        assert {f"What {name} shows" for name in FIGURES} <= set(headings)


def test_the_filter_looks_at_keys_sentences_and_headings() -> None:
    everything = sections("Alerts", PANES)
    assert matching(everything, "") == everything
    assert [key for _, keys in matching(everything, "provider's own words") for key, _ in keys] == ["enter"]
    assert ("Everywhere", "ctrl+q") in [
        (heading, key) for heading, keys in matching(everything, "QUIT") for key, _ in keys
    ]
    assert matching(everything, "no such thing") == []


async def test_typing_in_the_help_finds_and_escape_takes_it_back(core: ScriptedCore) -> None:
    async with on_stage(core, size=(100, 40)) as (app, pilot):
        await pilot.press("5", "question_mark")
        await until(lambda: isinstance(app.screen, HelpOverlay) and "Acknowledge: somebody" in text_of(app))
        await pilot.press(*"kj cplx")
        await until(lambda: "Nothing here has that" in text_of(app))
        for _ in range(3):
            await pilot.press("home")
        await pilot.press("escape", *"cplx")
        await until(lambda: "How complex the ask is" in text_of(app) and "Acknowledge:" not in text_of(app))
        await pilot.press("backspace", "escape")
        await until(lambda: "Acknowledge: somebody" in text_of(app))
        await pilot.press("escape")
        await until(lambda: app.screen is app.main)
    assert not core.acted


def test_actions_are_named_with_their_object_and_make_sense_now() -> None:
    one, two, *_ = snapshot().agents
    agents = (msgspec.structs.replace(one, paused=True), two)
    local, cloud = snapshot().engines
    drained = (msgspec.structs.replace(local, draining=True), cloud)
    state = replace(scene(alerts=incident_alerts()), agents=agents, engines=drained)
    by_name = {named.name: named.action for named in named_actions(state)}
    assert by_name["Stop the cloud"] == Action(verb="stop-cloud", actor="console")
    assert by_name["Undrain local"].engine == "local"
    assert by_name["Drain cloud"].verb == "drain"
    assert "Drain local" not in by_name
    assert by_name["Resume agent scout"].agent == "scout"
    assert by_name["Pause agent infra"].verb == "pause"
    assert by_name["Cancel all requests of scout"].verb == "cancel-agent"
    assert by_name["Policy of infra: cloud"].value == "cloud"
    assert "Policy of infra: local" not in by_name
    assert by_name["Unload qwen2.5:14b from local"].model == "qwen2.5:14b"
    assert by_name["Acknowledge alert: cloud 429, minute quota 10/min"].id == "c4290002"
    assert not any("Acknowledge alert: budget" in name for name in by_name)
    assert all(action.actor == "console" for action in by_name.values())


async def test_the_palette_asks_before_what_stops_traffic(core: ScriptedCore) -> None:
    async with on_stage(core, size=(100, 30)) as (app, pilot):
        await pilot.press("ctrl+p", *"drain cloud")
        await until(lambda: "Drain cloud" in text_of(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and "New requests go elsewhere" in text_of(app))
        assert not core.acted
        await pilot.pause(0.05)
        await pilot.press("y")
        await until(lambda: core.acted)
    assert (core.acted[0].verb, core.acted[0].engine) == ("drain", "cloud")


async def test_the_card_of_the_first_run_comes_once(core: ScriptedCore, tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    core.current = snapshot(rehearsal=True, gateway="127.0.0.1:8787")
    async with on_stage(core, size=(100, 30), remembered=RememberedView(path)) as (app, pilot):
        await until(lambda: isinstance(app.screen, WelcomeOverlay) and "This is a rehearsal" in text_of(app))
        assert "127.0.0.1:8787" in text_of(app)
        await pilot.press("4")
        await until(lambda: app.screen is app.main and app.main.view.pane == 4)
    await asyncio.to_thread(app.save_view)
    again = RememberedView(path)
    await asyncio.to_thread(again.load)
    async with on_stage(core, size=(100, 30), remembered=again) as (app, _):
        assert app.screen is app.main


async def test_a_key_that_stops_the_cloud_asks_from_the_card_too(core: ScriptedCore, tmp_path: Path) -> None:
    async with on_stage(core, size=(100, 30), remembered=RememberedView(tmp_path / "v.json")) as (app, pilot):
        await until(lambda: isinstance(app.screen, WelcomeOverlay))
        await pilot.press("S")
        await until(lambda: "Stop cloud spend?" in text_of(app))
        assert not core.acted


async def test_the_card_makes_way_for_an_incident(core: ScriptedCore, tmp_path: Path) -> None:
    async with on_stage(core, size=(100, 30), remembered=RememberedView(tmp_path / "v.json")) as (app, _):
        await until(lambda: isinstance(app.screen, WelcomeOverlay))
        core.emit(events.AlertRaised(alert=incident_alerts()[0]))
        await until(lambda: app.screen is app.main)


def test_there_is_no_card_while_something_is_wrong() -> None:
    assert may_welcome(scene())
    assert not may_welcome(scene(alerts=incident_alerts()))
    assert not may_welcome(scene(traffic=Traffic(requests=1, failed=1)))
    assert not may_welcome(replace(scene(), past=True))


@pytest.mark.proves("S31")
def test_an_agent_with_hostile_name_is_shown_safely() -> None:
    agents = (AgentState(name="\x1b[31mred", policy="auto"),)
    assert not any("\x1b" in named.name for named in named_actions(replace(scene(), agents=agents)))
