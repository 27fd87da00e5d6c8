"""Sessions in the routing pane: the table, its order and its cursor, and the keys that pause and resume."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends import events
from backends.types import PrefixUse, SessionState
from console.overlays.overlay import ConfirmOverlay
from console.overlays.pin import PinOverlay
from console.overlays.session_overlay import SessionOverlay, session_rows
from console.panes.routing_pane import RoutingView, routing_body
from console.present.session_rows import at_cursor, condition, context, key_of, listed, prefix_share, short_id
from console.present.spans import Row, fit, width
from console.state import ViewState, adopt, reduce
from tests.console.hostile_text import HOSTILE
from tests.console.scene import sessions, snapshot
from tests.console.scene_exchanges import NOW, exchanges
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until

RUNNING, PAUSED, IDLE, NEW = sessions()
TABLE = RoutingView(sessions=True)


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot(sessions=sessions()))


def scene(**changes: Any) -> ViewState:
    return adopt(ViewState(), snapshot(**{"sessions": sessions(), **changes}))


def text(rows: Any) -> str:
    return "\n".join("".join(span.text for span in line) for line in rows)


def line_of(agent: str, cells: int) -> list[str]:
    drawn = text(routing_body(scene(), TABLE, cells, 20).rows)
    return next(line for line in drawn.split("\n") if f" {agent} " in line).split()


def changed(session: SessionState, **changes: Any) -> SessionState:
    return msgspec.structs.replace(session, **changes)


# ---- the table


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("writer", "openclaw 3f1c8… writer 14 ▐cloud 38k of 1M 97 % $0.0412 running"),
        ("coding", "pi 9a02e5d1c77… coding 6 ▌local 9k of 32k 95 % 0 idle 4 m"),
        ("sherlock", "openclaw weekl… sherlock 31 ▐cloud 212k of 1M 99 % $0.3800 ‖ paused"),
    ],
)
def test_a_row_tells_a_session_from_left_to_right(agent: str, shown: str) -> None:
    assert line_of(agent, 76) == shown.split()


def test_what_is_not_known_is_a_dash() -> None:
    assert line_of("ada", 130)[2:] == ["ada", "0", "–", "–", "–", "0", "idle"]


def test_a_wide_row_says_why_a_session_is_paused_and_a_narrow_table_says_it_below() -> None:
    why = "paused: the same call with the same result 3 times"
    assert why in " ".join(line_of("sherlock", 160))
    body = routing_body(scene(), TABLE, 76, 20)
    assert "paused: the" not in text(body.rows)
    assert why in " ".join(text(body.below).split())
    calm = routing_body(scene(), RoutingView(sessions=True, session=key_of(IDLE)), 76, 20)
    assert calm.below == []


@pytest.mark.parametrize("cells", [20, 38, 56, 76, 103, 160])
def test_the_agent_and_the_state_are_there_at_every_width(cells: int) -> None:
    body = routing_body(scene(), TABLE, cells, 20)
    for line in body.rows:
        assert width(fit(line, cells)) == cells
    assert "paused" in text(fit(line, cells) for line in [*body.rows, *body.below])


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)), st.sampled_from([12, 40, 76, 130]))
def test_foreign_text_in_a_session_keeps_the_grid(words: str, cells: int) -> None:
    foreign = changed(PAUSED, id=words, agent=words, client=words, run=words, model=words, paused=words or "x")
    body = routing_body(scene(sessions=(foreign,)), TABLE, cells, 20)
    rows: list[Row] = [*body.rows, *body.below, *session_rows(foreign, exchanges(), NOW, cells)]
    for line in rows:
        assert width(fit(line, cells)) == cells
        assert "\x1b" not in text([line])


def test_no_session_says_what_will_appear_and_how() -> None:
    drawn = text(routing_body(scene(sessions=()), TABLE, 76, 20).rows)
    assert "No sessions yet" in drawn
    assert "claw serve" in drawn
    assert "No session matches" in text(routing_body(scene(), RoutingView(sessions=True, wanted="zz"), 76, 20).rows)


@pytest.mark.parametrize(
    ("id", "shown"),
    [("agent:coding:weekly7", "weekly7"), ("ses_4f3ac1", "4f3ac1"), ("3f1c-8a90", "3f1c-8a90"), ("odd_", "odd_")],
)
def test_an_id_is_shown_without_what_all_ids_begin_with(id: str, shown: str) -> None:
    assert short_id(id) == shown


@pytest.mark.parametrize(
    ("used", "window", "shown"),
    [(None, 32_768, "–"), (840, None, "840"), (9_001, 32_768, "9k of 32k"), (131_072, 200_000, "128k of 200k")],
)
def test_the_context_has_its_room_where_that_is_known(used: int | None, window: int | None, shown: str) -> None:
    assert context(changed(IDLE, context_tokens=used, window=window)) == shown


@pytest.mark.parametrize(("ago", "shown"), [(20, "idle"), (260, "idle 4 m"), (7300, "idle 2 h"), (200_000, "idle 2 d")])
def test_idle_is_told_in_whole_units(ago: int, shown: str) -> None:
    assert condition(changed(IDLE, last_at=NOW - timedelta(seconds=ago)), NOW)[0] == shown


@pytest.mark.parametrize(
    ("use", "shown"),
    [
        (PrefixUse(), "–"),
        (PrefixUse(unknown_tokens=900), "–"),
        (PrefixUse(known_tokens=900), "0 %"),
        (PrefixUse(known_tokens=900, cached_tokens=450, unknown_tokens=5_000), "50 %"),
    ],
)
def test_the_share_of_a_prefix_that_no_engine_tells_is_unknown(use: PrefixUse, shown: str) -> None:
    assert prefix_share(changed(NEW, input_tokens=900, prefix=use)) == shown


def test_the_whole_session_does_not_claim_a_prefix_cache_that_no_engine_tells() -> None:
    silent = changed(NEW, input_tokens=900, prefix=PrefixUse(unknown_tokens=900))
    assert "900 in (how many from a prefix cache is not known), 0 out" in text(session_rows(silent, (), NOW, 100))
    assert "397,700 from a prefix cache, 97 %" in text(session_rows(RUNNING, (), NOW, 100))


# ---- order and cursor


def test_paused_ones_come_first_then_active_ones_then_the_last_used() -> None:
    old = changed(IDLE, id="old", last_at=NOW - timedelta(minutes=30))
    older = changed(IDLE, id="older", last_at=NOW - timedelta(minutes=40), started_at=NOW)
    order = [each.id for each in listed((*sessions(), older, old), NOW)]
    assert order == [PAUSED.id, RUNNING.id, IDLE.id, NEW.id, "old", "older"]


@given(st.permutations(sessions()), st.integers(0, 30))
def test_a_request_of_an_active_session_moves_no_row(order: list[SessionState], seconds: int) -> None:
    """Whatever order the core lists them in, and whichever was used last."""
    before = [key_of(each) for each in listed(sessions(), NOW)]
    used = changed(NEW, last_at=NOW + timedelta(seconds=1), in_flight=1)
    after = listed((used, *(each for each in order if each.agent != NEW.agent)), NOW + timedelta(seconds=seconds))
    assert [key_of(each) for each in after] == before


async def test_the_cursor_stays_on_its_session_when_the_list_changes(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("s", "down", "down")
        new = changed(NEW, id="brand-new", agent="scout", started_at=NOW, paused="by the operator")
        core.emit(events.SessionSampled(session=new))
        await until(lambda: "scout" in text_of(app))
        await pilot.press("P")
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and "of coding?" in text_of(app))


def test_the_cursor_of_a_session_that_is_gone_is_on_the_first() -> None:
    assert at_cursor(listed(sessions(), NOW), ("nobody", "nothing")) == 0


def test_the_same_id_of_two_agents_is_two_sessions() -> None:
    twin = changed(RUNNING, agent="ada", started_at=NOW)
    shown = listed((*sessions(), twin), NOW)
    assert shown[at_cursor(shown, key_of(twin))].agent == "ada"


def test_time_goes_on_with_the_readings_of_the_host() -> None:
    state = scene()
    reading = snapshot().host
    assert reading is not None
    later = reduce(state, events.HostSampled(reading=msgspec.structs.replace(reading, at=NOW + timedelta(minutes=3))))
    assert "idle 7 m" in text(routing_body(later, TABLE, 76, 20).rows)


# ---- keys


async def test_s_shows_the_sessions_and_the_decisions_again_each_with_its_keys(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        assert "s sessions" in text_of(app)
        await pilot.press("s")
        await until(lambda: "3f1c" in text_of(app) and "P pause" in text_of(app))
        assert "4 sessions  1 running  ‖ 1 paused" in text_of(app)
        await pilot.press("escape")
        await until(lambda: "why " in text_of(app) and "s sessions" in text_of(app))


async def test_r_resumes_a_paused_session_once_that_is_confirmed(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("s", "r")
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and "weekly7 of sherlock go on?" in text_of(app))
        await pilot.press("y")
        await until(lambda: core.acted)
        await until(lambda: "resume done" in text_of(app))
    assert [(each.verb, each.agent, each.id, each.actor) for each in core.acted] == [
        ("resume", "sherlock", PAUSED.id, "console")
    ]


async def test_p_pauses_a_session_once_and_only_if_confirmed(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("s", "down", "P")
        await until(lambda: isinstance(app.screen, ConfirmOverlay))
        await pilot.press("n")
        await until(lambda: app.screen is app.main)
        await pilot.press("P")
        await until(lambda: isinstance(app.screen, ConfirmOverlay))
        await pilot.press("y")
        await until(lambda: core.acted)
    assert [(each.verb, each.agent, each.id) for each in core.acted] == [("pause", "writer", RUNNING.id)]


@pytest.mark.parametrize(
    "keys",
    [("s", "P"), ("s", "down", "r"), ("s", "x"), ("s", "plus"), ("r",)],
    ids=["paused twice", "resumed without a pause", "cancel", "rate", "decision r"],
)
async def test_a_key_that_does_not_apply_does_nothing(core: ScriptedCore, keys: tuple[str, ...]) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press(*keys, "S")
        await until(lambda: "Stop cloud spend?" in text_of(app))
    assert core.acted == []


async def test_enter_opens_the_session_with_its_last_requests(core: ScriptedCore) -> None:
    told = exchanges()[-3]
    outcome = told.outcome
    assert outcome is not None
    of_it = msgspec.structs.replace(told, outcome=msgspec.structs.replace(outcome, session=RUNNING.id))
    core.current = snapshot(sessions=sessions(), recent=(of_it,))
    async with on_stage(core, size=(100, 30)) as (app, pilot):
        await pilot.press("s", "down", "enter")
        await until(lambda: isinstance(app.screen, SessionOverlay) and RUNNING.id in text_of(app))
        shown = text_of(app)
        for words in (
            "14: 5 asks, 9 that went on",
            "local, cloud",
            "38k of 1M",
            "creative-writing",
            "2,140 ms",
        ):
            assert words in shown, words


async def test_p_pins_the_agent_of_the_session(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("s", "p")
        await until(lambda: isinstance(app.screen, PinOverlay) and "Pin sherlock" in text_of(app))


async def test_the_filter_finds_sessions(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("s", "slash", *"coding 9")
        await until(lambda: "No session matches" in text_of(app))
        await pilot.press("backspace", "backspace", "enter")
        await until(lambda: "9k of 32k" in text_of(app) and "writer" not in text_of(app))
        await pilot.press("escape")
        await until(lambda: "writer" in text_of(app))


async def test_a_click_puts_the_cursor_on_a_session(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("s")
        await until(lambda: "3f1c" in text_of(app))
        line = next(y for y, each in enumerate(text_of(app).split("\n")) if "9k of 32k" in each)
        await pilot.click(offset=(10, line))
        await pilot.press("P")
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and "of coding?" in text_of(app))


async def test_the_palette_shows_the_sessions_also_where_they_are_shown(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        for _ in range(2):
            await pilot.press("ctrl+p", *"show sessions")
            await until(lambda: "Show sessions" in text_of(app))
            await pilot.press("enter")
            await until(lambda: app.screen is app.main and "3f1c" in text_of(app))
