"""Keys that act on engines, agents and models: each names its object before it acts, and acts on that one."""

import pytest
from msgspec.structs import replace
from textual.events import Key

from backends.types import Action, Choice
from console.overlays.agent_rules import AgentRulesOverlay
from console.overlays.choice import ChoiceOverlay, first_letters
from console.overlays.overlay import ConfirmOverlay
from console.overlays.pin import PinOverlay
from tests.console.scene import six_engines, snapshot
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, words_of
from tests.waiting import until


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot())


def test_letters_are_the_names_first_free_ones() -> None:
    assert first_letters(["local", "cloud"]) == ["l", "c"]
    assert first_letters(["large", "local", "LL", "quick", "9"], taken="q") == ["l", "o", "a", "u", "b"]
    many = first_letters([f"engine {number}" for number in range(40)])
    assert len(set(many) - {" "}) == 35
    assert many[-1] == " "


@pytest.mark.parametrize(
    ("key", "verb", "engine"), [("l", "pin", "local"), ("s", "pin", "small"), ("x", "unpin", None)]
)
async def test_a_letter_pins(key: str, verb: str, engine: str | None) -> None:
    agents = tuple(replace(agent, pinned="cloud") for agent in snapshot().agents)
    core = ScriptedCore(snapshot(engines=six_engines(), agents=agents))
    async with on_stage(core, size=(100, 30)) as (app, pilot):
        await pilot.press("p")
        await until(lambda: isinstance(app.screen, PinOverlay))
        await until(lambda: "x no pin" in words_of(app) and "l ● ▌local" in words_of(app))
        await pilot.press(key)
        await until(lambda: core.acted)
    assert [(each.verb, each.agent, each.engine) for each in core.acted] == [(verb, "scout", engine)]


async def test_an_engine_is_drained_by_its_letter_once_confirmed(core: ScriptedCore) -> None:
    core.current = snapshot(engines=tuple(replace(each, draining=each.zone == "local") for each in snapshot().engines))
    async with on_stage(core) as (app, pilot):
        await pilot.press("1", "d")
        await until(lambda: isinstance(app.screen, ChoiceOverlay))
        await until(lambda: "l Undrain local" in words_of(app) and "c Drain cloud" in words_of(app))
        await pilot.press("c")
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and words_of(app).startswith("Drain cloud?"))
        await pilot.press("y")
        await until(lambda: core.acted)
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, ChoiceOverlay))
        await pilot.press("l")
        await until(lambda: len(core.acted) == 2)
    assert [(each.verb, each.engine) for each in core.acted] == [("drain", "cloud"), ("undrain", "local")]


@pytest.mark.parametrize(("keys", "verb"), [(("enter",), "load"), (("down", "enter"), "warm")])
async def test_a_model_is_loaded_and_warmed_at_once(core: ScriptedCore, keys: tuple[str, ...], verb: str) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("1", "l")
        await until(lambda: isinstance(app.screen, ChoiceOverlay) and "Load qwen2.5:14b on local" in words_of(app))
        await pilot.press(*keys)
        await until(lambda: core.acted)
    assert [(each.verb, each.engine) for each in core.acted] == [(verb, "local")]


async def test_a_model_is_unloaded_once_confirmed(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("1", "l")
        await until(lambda: isinstance(app.screen, ChoiceOverlay) and "Unload qwen2.5:14b from local" in words_of(app))
        await pilot.press("u")
        await until(
            lambda: isinstance(app.screen, ConfirmOverlay) and "Unload qwen2.5:14b from local?" in words_of(app)
        )
        await pilot.press("n")
        await until(lambda: app.screen is app.main)
    assert core.acted == []


@pytest.mark.parametrize(
    ("key", "paused", "asked", "verb"),
    [
        ("P", False, "Pause scout?", "pause"),
        ("P", True, "Let scout go on?", "resume"),
        ("X", False, "Cancel all requests of scout", "cancel-agent"),
    ],
)
async def test_the_agent_of_the_request_under_the_cursor_is_acted_on_once_confirmed(
    core: ScriptedCore, key: str, paused: bool, asked: str, verb: str
) -> None:
    core.current = snapshot(agents=tuple(replace(agent, paused=paused) for agent in snapshot().agents))
    async with on_stage(core) as (app, pilot):
        await pilot.press(key)
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and asked in words_of(app))
        assert core.acted == []
        await pilot.press("y")
        await until(lambda: core.acted)
    assert [(each.verb, each.agent, each.id) for each in core.acted] == [(verb, "scout", None)]


async def test_an_agents_rules_are_changed_for_an_hour_or_for_good(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, AgentRulesOverlay))
        before = next(agent.policy for agent in snapshot().agents if agent.name == "scout")
        await pilot.press("right", "down", "right", "right")
        await until(lambda: f"was {before}" in words_of(app) and "0.25" in words_of(app))
        await pilot.press("enter")
        await until(lambda: core.acted)
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, AgentRulesOverlay))
        await pilot.press("down", "down", "right", "down", "left", "enter")
        await until(lambda: len(core.acted) == 2)
    both, (model,) = core.acted[0].values or {}, (core.acted[1].values or {}).items()
    assert [each.verb for each in core.acted] == ["set", "set"], "one change, which one undo takes back"
    assert list(both) == ["agents.scout.policy", "agents.scout.dial"]
    assert both["agents.scout.policy"] not in (before, None)
    assert both["agents.scout.dial"] == "0.25"
    assert [each.minutes for each in core.acted] == [60.0, None]
    assert model[0] == "agents.scout.model"
    assert model[1] in {engine.model for engine in snapshot().engines}


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        (Action(verb="set", actor="core", key="agents.ada.sensitive", value="false"), True),
        (Action(verb="set", actor="core", values={"router.dial": "1", "privacy.action": "redact"}), True),
        (Action(verb="unset", actor="core", key="agents.ada.secrets"), True),
        (Action(verb="set", actor="core", key="agents.ada.sensitive", value="true"), False),
        (Action(verb="set", actor="core", key="privacy.images", value="local"), False),
        (Action(verb="unset", actor="core", key="agents.ada.policy"), False),
    ],
)
async def test_what_may_let_private_data_out_is_asked_once_and_sent_as_confirmed(action: Action, asked: bool) -> None:
    alert = replace(snapshot().alerts[0], choices=(Choice(label="change it", action=action),))
    core = ScriptedCore(snapshot(alerts=(alert,)))
    async with on_stage(core) as (app, pilot):
        await pilot.press("5", "a")
        if asked:
            await until(lambda: isinstance(app.screen, ConfirmOverlay) and "leave this machine" in words_of(app))
            assert core.acted == []
            await pilot.press("y")
        await until(lambda: core.acted)
    assert [each.confirmed for each in core.acted] == [True if asked else None]


async def test_rules_that_stay_as_they_are_are_no_action(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, AgentRulesOverlay))
        await pilot.press("right", "left", "enter")
        await until(lambda: app.screen is app.main)
        await pilot.press("x")
        await until(lambda: core.acted)
    assert [each.verb for each in core.acted] == ["cancel"]


@pytest.mark.parametrize("opens", ["p", "e", "B", "g", "S", "question_mark"])
async def test_keys_as_fast_as_a_paste_close_an_overlay_once(core: ScriptedCore, opens: str) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press(opens)
        await until(lambda: app.screen is not app.main)
        for key in ("escape", "enter", "y", "l", "escape", "escape"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(lambda: app.screen is app.main)
        await pilot.press("question_mark")
        await until(lambda: app.screen is not app.main)
        assert app.return_code is None
