"""The whole console by its keys: panes, actions, overlays, sizes, hostile text, leaving."""

import asyncio
import os
import signal

import msgspec
import pytest
from textual.events import Paste

from backends import events
from backends.errors import LedgerError, WrongUse
from backends.types import Delta, Done, Explanation
from console import app as app_module
from console.app import ClawApp
from console.panes.header import FooterPane
from console.panes.runtime import RuntimePane
from console.screens.confirm import ConfirmScreen
from console.screens.help import HelpScreen
from console.screens.why import WhyScreen
from tests.console.hostile_text import HOSTILE
from tests.console.scene import NOW, exchange, exchanges, explained, settled, snapshot
from tests.console.scripted_core import Opener, ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot())


async def test_numbers_show_panes_one_at_a_time_where_it_is_narrow(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        for key, words in (("1", "NVIDIA"), ("3", "near misses"), ("4", "all-cloud"), ("5", "S stops"), ("2", "agent")):
            await pilot.press(key)
            await until(lambda words=words: words in text_of(app))
            assert len([pane for pane in app.main.watchers[3:] if pane.display]) == 1
        await pilot.press("6")
        assert app.focused is app.main.chat
        await pilot.press("f2")
        assert app.focused is not app.main.chat


async def test_everything_is_there_at_once_where_it_is_wide(core: ScriptedCore) -> None:
    async with on_stage(core, size=(200, 60)) as (app, pilot):
        await until(lambda: "near misses" in text_of(app) and "NVIDIA" in text_of(app))
        shown = text_of(app)
        for title in ("1 Runtime", "2 Routing", "3 Cache", "4 Spend", "5 Alerts", "6 Chat"):
            assert shown.count(title) == 1
        await pilot.press("4")
        await until(lambda: "┏━ 4 Spend" in text_of(app))


@pytest.mark.parametrize(
    "size", [(1, 1), (20, 5), (39, 9), (40, 10), (61, 12), (139, 40), (140, 36), (141, 30), (300, 100)]
)
async def test_no_size_breaks_it(core: ScriptedCore, size: tuple[int, int]) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.resize_terminal(*size)
        await until(lambda: app.main.size == size)
        await pilot.pause()
        text_of(app)
        if size == (20, 5):
            assert "needs 40×10" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await until(lambda: "scout" in text_of(app))


async def test_stop_is_undone_by_the_same_key(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("S")
        await until(lambda: core.acted)
        await until(lambda: "stop-cloud done" in text_of(app))
        acted = await core.act(core.acted[0])
        core.emit(events.ActionDone(acted=acted, cloud_stopped=True, pins={}))
        await until(lambda: "CLOUD STOPPED" in text_of(app))
        await pilot.press("S")
        await until(lambda: core.acted[-1].verb == "resume-cloud")


async def test_an_action_that_fails_says_why(core: ScriptedCore) -> None:
    core.refusal = WrongUse("no such call: it ended")
    async with on_stage(core) as (app, pilot):
        await pilot.press("x")
        await until(lambda: "no such call" in text_of(app))


async def test_pin_goes_round_and_cancel_takes_the_selected_call(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        for pins, verb, engine in (
            ({}, "pin", "local"),
            ({"scout": "local"}, "pin", "cloud"),
            ({"scout": "cloud"}, "unpin", None),
        ):
            acted = await core.act(app_module.Action(verb="pin", actor="t"))
            core.emit(events.ActionDone(acted=acted, cloud_stopped=False, pins=pins))
            wanted = pins.get("scout")
            await until(lambda wanted=wanted: app.state.agents[0].pinned == wanted)
            core.acted.clear()
            await pilot.pause()
            await pilot.press("p")
            await until(lambda: core.acted)
            assert (core.acted[0].verb, core.acted[0].agent, core.acted[0].engine) == (verb, "scout", engine)
        core.acted.clear()
        await pilot.press("x")
        await until(lambda: core.acted)
        assert (core.acted[0].verb, core.acted[0].id) == ("cancel", "req-001")
        core.acted.clear()
        await pilot.press("down", "x", "up", "p")
        await until(lambda: core.acted)
        assert core.acted[0].verb != "cancel", "a call that ended cannot be cancelled"


async def test_why_opens_on_the_selected_decision_and_escape_closes_it(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("down", "down", "enter")
        await until(lambda: isinstance(app.screen, WhyScreen) and "creative-writing .88" in text_of(app))
        await pilot.press("down", "up", "pagedown", "3")
        assert isinstance(app.screen, WhyScreen)
        await pilot.press("escape")
        await until(lambda: app.screen is app.main)


async def test_the_cursor_stays_on_its_decision_when_newer_ones_come(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("down", "down")
        core.emit(events.Decided(exchange=exchange(0, "claw", "local", "x", 0.1)))
        await until(lambda: "claw       14:03:12" in text_of(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, WhyScreen) and "writer ·" in text_of(app))
        await pilot.press("escape", "home", "enter")
        await until(lambda: isinstance(app.screen, WhyScreen) and "claw ·" in text_of(app))


async def test_the_filter_takes_keys_as_text_until_it_is_left(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("slash", *"wrx", "backspace", "enter")
        await until(lambda: "/wr" in text_of(app) and "sherlock" not in text_of(app))
        assert not core.acted, "x was text"
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
        core.emit(events.Decided(exchange=exchange(0, "claw", "local", "brand-new", 0.1)))
        await until(lambda: app.state.exchanges[-1].id == "req-000")
        await pilot.pause()
        assert "brand-new" not in text_of(app)
        await pilot.press("space")
        await until(lambda: "brand-new" in text_of(app))


async def test_flushing_asks_first(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("3", "f")
        await until(lambda: isinstance(app.screen, ConfirmScreen) and "1,204 stored answers" in text_of(app))
        await pilot.press("enter", "n")
        await until(lambda: app.screen is app.main)
        await pilot.press("f")
        await until(lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.pause(0.05)
        await pilot.press("y")
        await until(lambda: core.acted)
        assert [action.verb for action in core.acted] == ["flush-cache"]


async def test_pasted_keys_do_nothing_that_counts(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        app.post_message(Paste("y\n"))
        await pilot.press("S")
        await until(lambda: "it came with pasted text" in text_of(app))
        assert not core.acted


async def test_keys_fed_faster_than_hands_do_nothing_that_counts(core: ScriptedCore) -> None:
    from textual.events import Key

    async with on_stage(core) as (app, _):
        for key in "Sx":
            app.post_message(Key(key, key))
        await until(lambda: "it came with pasted text" in text_of(app))
        assert not core.acted


async def test_help_and_palette(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("question_mark")
        await until(lambda: isinstance(app.screen, HelpScreen) and "stop all cloud spend" in text_of(app))
        await pilot.press("question_mark")
        await until(lambda: app.screen is app.main)
        await pilot.press("ctrl+p")
        await until(lambda: "Stop cloud" in text_of(app))
        await pilot.press(*"pin ada to local")
        await until(lambda: "Pin ada to local" in text_of(app))
        await pilot.press("down", "enter")
        await until(lambda: core.acted)
        assert (core.acted[0].verb, core.acted[0].agent) == ("pin", "ada")


async def test_themes_go_round(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        seen = {app.theme}
        for _ in range(4):
            await pilot.press("t")
            seen.add(app.theme)
        assert len(seen) == 5
        await until(lambda: "theme " in text_of(app))
        await pilot.press("t")
        assert app.theme == "claw-dark"


async def test_tabs_and_rows_can_be_clicked(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.click("#tabs", offset=(14, 0))
        await pilot.click("#routing", offset=(10, 4))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, WhyScreen) and "writer ·" in text_of(app))
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


async def test_a_lost_core_leaves_what_was_known_and_says_since_when(core: ScriptedCore) -> None:
    opener = Opener(core, mode="attached")
    async with on_stage(core, opener=opener) as (app, _):
        opener.error = WrongUse("another version: update claw")
        core.vanish()
        await until(lambda: "stale since" in text_of(app) or "NO CORE" in text_of(app))
        await until(lambda: "update claw" in text_of(app))
        opener.error = None
        await until(lambda: app.state.live)


async def test_a_core_that_cannot_be_opened_ends_the_console_with_its_line() -> None:
    opener = Opener(ScriptedCore(snapshot()))
    opener.error = LedgerError("the ledger cannot be read: it was set aside")
    app = ClawApp(opener)
    async with app.run_test():
        await until(lambda: app.return_code is not None)
    await app.bridge.close()
    assert app.return_code == 1
    assert app.parting_line == "the ledger cannot be read: it was set aside"


async def test_a_prompt_goes_to_the_core_and_comes_back(core: ScriptedCore) -> None:
    told = explained("chat", "local", "question", 0.2)
    core.explanation = told
    core.answer = [Delta("The answer is 42."), Done(settled("r1", told, NOW, ms=9.0))]
    async with on_stage(core) as (app, pilot):
        await pilot.press("6")
        for key in "why?":
            await pilot.press("question_mark" if key == "?" else key)
            await pilot.pause(0.03)
        await pilot.press("enter")
        await until(lambda: core.asked)
        await until(lambda: "The answer is 42." in text_of(app))
        assert isinstance(core.asked[0].messages[-1].text, str)


async def test_hostile_words_reach_no_pane_raw() -> None:
    words = "".join(HOSTILE[::7])
    told: Explanation = msgspec.structs.replace(explained(words, "cloud", words, 0.4, (words, words)), model=words)
    recent = (*exchanges(), msgspec.structs.replace(exchange(0, "a", "local", "b", 0.1), explanation=told))
    markup = "[@click=app.quit]x[/][link=http://e]y"
    engines = tuple(msgspec.structs.replace(engine, label=markup, detail=words) for engine in snapshot().engines)
    core = ScriptedCore(snapshot(recent=recent, engines=engines))
    async with on_stage(core, size=(200, 60)) as (app, pilot):
        await until(lambda: "[@click=app" in text_of(app))
        shown = text_of(app)
        assert not any(
            ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown if character != "\n"
        )
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, WhyScreen))
        text_of(app)


async def test_a_pane_that_cannot_be_drawn_says_so_and_the_others_live(
    core: ScriptedCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: RuntimePane, state: object, size: object) -> None:
        raise ValueError("no such face")

    monkeypatch.setattr(RuntimePane, "body", broken)
    async with on_stage(core, size=(200, 60)) as (app, _):
        await until(lambda: "cannot be drawn: ValueError" in text_of(app) and "near misses" in text_of(app))


async def test_a_line_in_the_footer_goes_again(core: ScriptedCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FooterPane, "SHOWN_S", 0.05)
    async with on_stage(core) as (app, _):
        app.main.say("cloud is stopped")
        await until(lambda: "cloud is stopped" in text_of(app))
        await until(lambda: "cloud is stopped" not in text_of(app))


async def test_sigterm_ends_it_and_sighup_ends_it_at_once(core: ScriptedCore, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    gone = asyncio.Event()
    monkeypatch.setattr(ClawApp, "_exit_now", staticmethod(lambda code: (left.append(code), gone.set())))
    opener = Opener(core)
    async with on_stage(core, opener=opener) as (app, _):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(gone.wait(), 5)
        assert left == [128 + signal.SIGHUP]
        assert opener.closed == 1, "the core was left first"
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: app.return_code == 128 + signal.SIGTERM)


async def test_nothing_is_repainted_when_nothing_changed(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.pause()
        painted: list[object] = []
        for pane in app.main.watchers:
            pane.refresh = lambda *regions, **_: painted.append(regions)  # type: ignore[method-assign,assignment]
        host = snapshot().host
        assert host is not None
        core.emit(events.HostSampled(reading=msgspec.structs.replace(host, at=host.at)))
        app.main.show(app.state)
        await pilot.pause()
        assert painted == []
