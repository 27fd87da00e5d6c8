"""The console by its keys: actions, overlays, cursor, filter, and what pasted keys may not do."""

import re

import msgspec
import pytest
from textual.events import Paste

from backends import events
from backends.errors import WrongUse
from console.overlays.help import HelpOverlay
from console.overlays.overlay import ConfirmOverlay
from console.overlays.pin import PinOverlay
from console.overlays.why import RefusedOverlay, WhyOverlay
from console.panes.runtime_pane import RuntimePane
from tests.console.scene import six_engines, snapshot
from tests.console.scene_exchanges import NOW, exchange
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of, words_of
from tests.waiting import until


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot())


async def test_stop_says_what_follows_and_is_taken_back_by_the_same_key(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("S")
        await until(lambda: isinstance(app.screen, ConfirmOverlay))
        await until(lambda: "Stop cloud spend? 1 agent goes there by policy or pin, 0 calls run on." in words_of(app))
        assert core.acted == []
        await pilot.press("y")
        await until(lambda: core.acted)
        await until(lambda: "stop-cloud done" in text_of(app))
        acted = await core.act(core.acted[0])
        core.emit(events.ActionDone(acted=acted, cloud_stopped=True, agents=()))
        await until(lambda: "CLOUD STOPPED" in text_of(app))
        await pilot.press("S")
        await until(lambda: core.acted[-1].verb == "resume-cloud")


async def test_an_action_that_fails_says_why(core: ScriptedCore) -> None:
    core.refusal = WrongUse("no such call: it ended")
    async with on_stage(core) as (app, pilot):
        await pilot.press("x", "x")
        await until(lambda: "no such call" in text_of(app))


@pytest.mark.parametrize(
    ("pinned", "keys", "verb", "engine"),
    [
        (None, ("down",), "pin", "local"),
        (None, ("down", "down", "down"), "pin", "small"),
        (None, ("up",), "pin", "gpu-cluster-frankfurt-2"),
        ("small", ("up",), "pin", "cloud"),
        ("small", ("up", "up", "up"), "unpin", None),
    ],
)
async def test_an_agent_is_pinned_to_any_engine(
    pinned: str | None, keys: tuple[str, ...], verb: str, engine: str | None
) -> None:
    agents = tuple(msgspec.structs.replace(agent, pinned=pinned) for agent in snapshot().agents)
    core = ScriptedCore(snapshot(engines=six_engines(), agents=agents))
    async with on_stage(core, size=(100, 30)) as (app, pilot):
        await pilot.press("p")
        await until(lambda: isinstance(app.screen, PinOverlay) and "Pin scout" in text_of(app))
        assert "▌gpu-cluster-frankfurt-2" in text_of(app)
        await pilot.press(*keys, "enter")
        await until(lambda: core.acted)
    assert [(acted.verb, acted.agent, acted.engine) for acted in core.acted] == [(verb, "scout", engine)]


async def test_a_pin_that_stays_as_it_is_is_no_action(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("p")
        await until(lambda: isinstance(app.screen, PinOverlay) and "no pin" in text_of(app))
        await pilot.press("enter", "x")
        await until(lambda: core.acted)
    assert [acted.verb for acted in core.acted] == ["cancel"]


async def test_a_pasted_pin_is_ignored(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("p")
        await until(lambda: isinstance(app.screen, PinOverlay))
        await pilot.press("down")
        app.guard.pasted()
        await pilot.press("enter")
        await until(lambda: "pin was ignored" in text_of(app))
    assert core.acted == []


async def test_a_call_in_flight_is_cancelled_and_one_that_ended_is_not(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("x")
        await until(lambda: app.main.routing.cursor == "req-001")
        assert not core.acted, "it only puts the cursor on the newest, so that one sees what the next press is about"
        await pilot.press("x")
        await until(lambda: core.acted)
        assert (core.acted[0].verb, core.acted[0].id) == ("cancel", "req-001")
        core.acted.clear()
        await pilot.press("down", "x", "plus")
        await until(lambda: core.acted)
        assert core.acted[0].verb == "rate", "a call that ended cannot be cancelled"


async def test_plus_and_minus_judge_the_answer_under_the_cursor_and_none_that_has_not_come(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("plus", "down", "plus")
        await until(lambda: core.acted)
        await until(lambda: "rate done" in text_of(app))
        await pilot.press("minus")
        await until(lambda: len(core.acted) == 2)
    assert [(acted.verb, acted.id, acted.good) for acted in core.acted] == [
        ("rate", "req-002", True),
        ("rate", "req-002", False),
    ]


async def test_an_answer_is_judged_where_its_evidence_is_read(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, WhyOverlay) and "no answer yet" in text_of(app))
        await pilot.press("plus", "escape", "down", "enter")
        await until(lambda: isinstance(app.screen, WhyOverlay) and "- bad answer" in text_of(app))
        await pilot.press("minus")
        await until(lambda: core.acted)
    assert [(acted.verb, acted.id, acted.good) for acted in core.acted] == [("rate", "req-002", False)]


async def test_pasted_keys_judge_nothing(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("down")
        app.post_message(Paste("+\n"))
        await pilot.press("plus")
        await until(lambda: "rate was ignored" in text_of(app))
    assert core.acted == []


async def test_the_palette_judges_the_last_answer(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("ctrl+p", *"last answer good")
        await until(lambda: "Rate the last answer good" in text_of(app))
        await pilot.press("enter")
        await until(lambda: core.acted)
    assert (core.acted[0].verb, core.acted[0].id, core.acted[0].good) == ("rate", "req-002", True)


async def test_the_palette_says_which_engine_would_have_been_better(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("ctrl+p", *"answer bad cloud")
        await until(lambda: "Rate the last answer bad, cloud is better" in text_of(app))
        await pilot.press("enter")
        await until(lambda: core.acted)
    assert (core.acted[0].good, core.acted[0].engine) == (False, "cloud")


async def test_why_opens_on_the_selected_decision_and_escape_closes_it(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("down", "down", "enter")
        await until(lambda: isinstance(app.screen, WhyOverlay) and "creative-writing .88" in text_of(app))
        await pilot.press("down", "up", "pagedown", "3")
        assert isinstance(app.screen, WhyOverlay)
        await pilot.press("escape")
        await until(lambda: app.screen is app.main)


async def test_the_cursor_stays_on_its_decision_when_newer_ones_come(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("down", "down")
        core.emit(events.Decided(exchange=exchange(0, "claw", "local", "x", 0.1)))
        await until(lambda: "\n┃ claw       " in text_of(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, WhyOverlay) and "writer ·" in text_of(app))
        await pilot.press("escape", "home", "enter")
        await until(lambda: isinstance(app.screen, WhyOverlay) and "claw ·" in text_of(app))


async def test_a_request_that_no_engine_answered_is_explained(core: ScriptedCore) -> None:
    refused = events.RequestRefused(
        at=NOW, id="gone", agent="ada", rule="no_engine", message="ollama full, cloud 429", status=503
    )
    async with on_stage(core) as (app, pilot):
        core.emit(refused)
        await until(lambda: "no engine: ollama full" in text_of(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, RefusedOverlay) and "✗ no answer" in text_of(app))
        await pilot.press("escape", "x", "plus", "p")
        await until(lambda: isinstance(app.screen, PinOverlay) and "Pin ada" in text_of(app))
    assert not core.acted


async def test_keys_on_a_moving_list_act_on_the_row_that_was_seen(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("x")
        for number in range(20):
            told = exchange(0, "claw", "local", "x", 0.1)
            core.emit(events.Decided(exchange=msgspec.structs.replace(told, id=f"later-{number}")))
        await until(lambda: app.state.exchanges[-1].id == "later-19")
        await pilot.press("x")
        await until(lambda: core.acted)
    assert [(each.verb, each.id) for each in core.acted] == [("cancel", "req-001")]


async def test_the_filter_takes_keys_as_text_until_it_is_left(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("slash", *"wrx", "backspace", "enter")
        await until(lambda: "/wr" in text_of(app) and "sherlock" not in text_of(app))
        assert not core.acted, "x was text"
        await until(lambda: "enter why" in text_of(app))
        await pilot.press("slash")
        await until(lambda: "enter keep the filter" in text_of(app) and "S stop cloud" not in text_of(app))
        await pilot.press("down")
        await until(lambda: "enter why" in text_of(app))
        await pilot.press("3", "2")
        await until(lambda: "/wr" in text_of(app))
        await pilot.press("escape")
        await until(lambda: "sherlock" in text_of(app))
        await pilot.press("slash", "z", "escape")
        await until(lambda: "sherlock" in text_of(app))


async def test_a_paste_is_text_of_the_filter(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("slash")
        app.post_message(Paste("sherlock\nx"))
        await until(lambda: "/sherlock" in text_of(app))
        assert not core.acted


async def test_agents_can_be_shown_and_hidden(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("a")
        await until(lambda: "last decision" in text_of(app))
        await pilot.press("a")
        await until(lambda: "last decision" not in text_of(app))


async def test_a_pane_can_be_held_still(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("space")
        await until(lambda: "‖ paused" in text_of(app))
        core.emit(events.Decided(exchange=exchange(0, "newcomer", "local", "x", 0.1)))
        await until(lambda: app.state.exchanges[-1].id == "req-000")
        await pilot.pause()
        assert "newcomer" not in text_of(app)
        await pilot.press("space")
        await until(lambda: "newcomer" in text_of(app))


async def test_flushing_asks_first(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("3", "f")
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and "1,204 stored answers" in text_of(app))
        await pilot.press("enter", "n")
        await until(lambda: app.screen is app.main)
        await pilot.press("f")
        await until(lambda: isinstance(app.screen, ConfirmOverlay))
        await pilot.pause(0.05)
        await pilot.press("y")
        await until(lambda: core.acted)
        assert [action.verb for action in core.acted] == ["flush-cache"]


@pytest.mark.proves("S33")
async def test_pasted_keys_do_nothing_that_counts(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        app.post_message(Paste("y\n"))
        await pilot.press("S")
        await until(lambda: "it came with pasted text" in text_of(app))
        assert not core.acted


async def test_keys_fed_faster_than_hands_do_nothing_that_counts(core: ScriptedCore) -> None:
    from textual.events import Key

    async with on_stage(core) as (app, _):
        for key in "xx":
            app.post_message(Key(key, key))
        await until(lambda: "it came with pasted text" in text_of(app))
        assert not core.acted


async def test_help_and_palette(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("question_mark")
        await until(lambda: isinstance(app.screen, HelpOverlay) and "Explain the decision" in text_of(app))
        await pilot.press("question_mark")
        await until(lambda: app.screen is app.main)
        await pilot.press("ctrl+p")
        await until(lambda: "Stop cloud" in text_of(app))
        await pilot.press(*"pin ada to local")
        await until(lambda: "Pin ada to local" in text_of(app) and "Show runtime" not in text_of(app))
        await until(lambda: text_of(app).count("from the next request on") == 1)
        await pilot.press("down", "enter")
        await until(lambda: core.acted)
        assert (core.acted[0].verb, core.acted[0].agent) == ("pin", "ada")


async def test_the_palette_turns_no_page_before_it_has_one(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        app.action_command_palette()
        app.action_command_palette()
        await pilot.press("pagedown", "pageup")
        await until(lambda: "Stop cloud" in text_of(app))
        await pilot.press("pagedown", "escape")
        await until(lambda: app.screen is app.main)


async def test_themes_go_round(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        seen = {app.theme}
        for _ in range(5):
            await pilot.press("T")
            seen.add(app.theme)
        assert len(seen) == 6
        await until(lambda: "Theme " in text_of(app))
        await pilot.press("T")
        assert app.theme == "claw-dark"


async def test_tabs_and_rows_can_be_clicked(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.click("#tabs", offset=(14, 0))
        await pilot.click("#routing", offset=(10, 4))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, WhyOverlay) and "writer ·" in text_of(app))
        await pilot.press("escape")
        await pilot.click("#tabs", offset=(2, 0))
        await until(lambda: isinstance(app.focused, RuntimePane))


async def test_a_pane_scrolls_by_keys(core: ScriptedCore) -> None:
    async with on_stage(core, size=(80, 14)) as (app, pilot):
        await pilot.press("1")
        await until(lambda: "gpu 0" in text_of(app))
        await pilot.press("end")
        await until(lambda: "disk" in text_of(app) and "gpu 0" not in text_of(app))
        await pilot.press("home")
        await until(lambda: "gpu 0" in text_of(app))
        await pilot.press("pagedown", "pageup", "down", "up")
        await until(lambda: "gpu 0" in text_of(app))


async def test_the_list_of_engines_scrolls_to_the_chosen_one() -> None:
    many = tuple(msgspec.structs.replace(six_engines()[2], name=f"engine-{number}") for number in range(40))
    core = ScriptedCore(snapshot(engines=many))
    async with on_stage(core) as (app, pilot):
        await pilot.press("p")
        await until(lambda: isinstance(app.screen, PinOverlay) and "engine-3 " in text_of(app))
        await pilot.press("up")
        await until(lambda: re.search("▸ . ● ▌engine-39", text_of(app)))
        await pilot.press("down")
        await until(lambda: "▸ x no pin" in text_of(app))
