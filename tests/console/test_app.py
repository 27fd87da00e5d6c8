"""The whole console by its keys: panes, actions, overlays, sizes, hostile text, leaving."""

import asyncio
import os
import signal
from functools import partial

import msgspec
import pytest
from textual.app import App, ComposeResult
from textual.geometry import Size

from backends import events
from backends.errors import LedgerError, WrongUse
from backends.types import Delta, Done, Explanation
from console import theming
from console.app import ClawApp
from console.overlays.why import WhyOverlay
from console.panes.header import FooterPane
from console.present.frame import PaneBody
from console.state import ViewState
from console.widgets.pane import Pane
from tests.console.hostile_text import HOSTILE
from tests.console.scene import snapshot
from tests.console.scene_exchanges import NOW, exchange, exchanges, explained, settled
from tests.console.scripted_core import Opener, ScriptedCore
from tests.console.stage import THEMES, on_stage, text_of
from tests.waiting import until


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot())


async def test_numbers_show_panes_one_at_a_time_where_it_is_narrow(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        for key, words in (("1", "NVIDIA"), ("3", "near misses"), ("4", "all-cloud"), ("5", "S stops"), ("2", "agent")):
            await pilot.press(key)
            await until(partial(lambda words: words in text_of(app), words))
            assert len([pane for pane in app.main.watchers[3:] if pane.display]) == 1
        await pilot.press("6")
        assert app.focused is app.main.chat
        await pilot.press("f2")
        assert app.focused is not app.main.chat


async def test_everything_is_there_at_once_where_it_is_wide(core: ScriptedCore) -> None:
    async with on_stage(core, size=(200, 60)) as (app, pilot):
        await until(lambda: "most used" in text_of(app) and "NVIDIA" in text_of(app))
        shown = text_of(app)
        for title in ("1 Runtime", "2 Routing", "3 Cache", "4 Spend", "5 Alerts", "6 Chat"):
            assert shown.count(title) == 1
        await pilot.press("4")
        await until(lambda: "┏━ 4 Spend" in text_of(app))


@pytest.mark.parametrize(
    "size", [(1, 1), (20, 5), (39, 9), (40, 10), (61, 12), (139, 40), (140, 36), (141, 30), (300, 100)]
)
@pytest.mark.proves("T3")
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


@pytest.mark.proves("I13")
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
    assert app.exit_message == "the ledger cannot be read: it was set aside"


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


@pytest.mark.proves("T5", "I12")
@pytest.mark.proves("S30", "S31")
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
        await until(lambda: isinstance(app.screen, WhyOverlay))
        text_of(app)


class BrokenPane(Pane):
    NUMBER, TITLE = 6, "Chat"

    def body(self, state: ViewState, size: Size) -> PaneBody:
        raise ValueError("no such state")


@pytest.mark.proves("T3")
async def test_a_pane_that_cannot_be_drawn_says_so_and_the_others_live(core: ScriptedCore) -> None:
    async with on_stage(core, size=(200, 60), chat=BrokenPane) as (app, _):
        await until(lambda: "cannot be drawn (ValueError)" in text_of(app) and "most used" in text_of(app))


class FooterHost(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.footer = FooterPane(shown_s=0.05)
        self.register_theme(THEMES[0])
        self.theme = theming.DEFAULT

    def compose(self) -> ComposeResult:
        yield self.footer


async def test_a_line_in_the_footer_goes_again() -> None:
    app = FooterHost()
    async with app.run_test(size=(80, 24)):
        app.footer.show_message("cloud is stopped")
        assert "cloud is stopped" in app.footer.render_line(0).text
        await until(lambda: "cloud is stopped" not in app.footer.render_line(0).text)


async def test_sigterm_ends_it_and_sighup_ends_it_at_once(core: ScriptedCore) -> None:
    left: list[int] = []
    gone = asyncio.Event()

    def leave(code: int) -> None:
        left.append(code)
        gone.set()

    opener = Opener(core)
    async with on_stage(core, opener=opener, exit_now=leave) as (app, _):
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
