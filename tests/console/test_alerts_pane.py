"""The list of alerts: its order, its states, what counts in it, its cursor, and the keys that answer an alert."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import events
from backends.monitoring import alerts
from backends.settings.alert_limits import AlertLimits
from backends.types import Alert
from console.overlays.alert_overlay import AlertOverlay
from console.present.alert_rows import (
    alert_counts,
    alert_details,
    alerts_body,
    condition,
    drawn_alerts,
    lasted,
    retry,
    shown_alerts,
    symbol,
)
from console.present.spans import width
from tests.console.scene import incident_alerts, past_alerts, snapshot
from tests.console.scene_exchanges import NOW
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.console.test_panes import replace, scene, text
from tests.waiting import until

DEAD, LIMITED, BUDGET, DISK = incident_alerts()
WAITED, OLDER = past_alerts()
ALL = (*incident_alerts(), *past_alerts())
INCIDENT = scene(alerts=incident_alerts(), past_alerts=past_alerts())


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot(alerts=incident_alerts(), past_alerts=past_alerts()))


def drawn(cells: int, room: int = 40, chosen: str | None = None) -> str:
    return text(list(alerts_body(INCIDENT, chosen, cells, room, focused=True).rows))


def test_the_worst_comes_first_and_what_is_over_last() -> None:
    assert [alert.id for alert in shown_alerts(INCIDENT)] == [
        each.id for each in (DEAD, LIMITED, BUDGET, DISK, WAITED, OLDER)
    ]
    assert text(alert_counts(INCIDENT)) == "▲4 now · 5 today"
    assert text(alert_counts(scene(alerts=()))) == ""


def test_each_state_and_severity_has_its_own_symbol() -> None:
    signs = [symbol(alert).text for alert in (DEAD, LIMITED, BUDGET, DISK, WAITED)]
    assert len(set(signs)) == 5
    assert condition(BUDGET, NOW) == "seen by ada"
    assert condition(DISK, NOW) == "silent 52 m"
    assert condition(WAITED, NOW) == "cleared"


def test_a_row_tells_since_when_for_how_long_whom_and_how_much() -> None:
    first = drawn(116, 8).split("\n")[0]
    assert " ".join(first.split()) == "▲ 14:01:42 1 m 30 no engine answers: every request fails 80 req 11 agents new"
    assert "◌ 11:58–12:01  3 m 00  local: wait 4 min" in drawn(116)
    assert "◌ 21 Nov 14:03 44 m 00 local" in drawn(116)
    narrow = drawn(90, chosen=LIMITED.id)
    assert "retry in 21 s · 14 went local · 14 req · 2 agents · cost 0" in narrow
    assert "a stop the cloud" in narrow


def test_a_countdown_and_a_duration_go_on() -> None:
    later = NOW + timedelta(seconds=20)
    assert (lasted(DEAD, NOW), lasted(DEAD, later)) == ("1 m 30", "1 m 50")
    assert (retry(LIMITED, NOW), retry(LIMITED, later)) == ("retry in 21 s", "retry in 1 s")
    assert retry(LIMITED, later + timedelta(seconds=5)) == "retries now"
    assert lasted(WAITED, NOW) == lasted(WAITED, later), "what is over counts no more"


def test_where_there_is_little_room_the_chosen_alert_says_first_what_to_do() -> None:
    few = drawn(116, 7, chosen=BUDGET.id)
    assert "raise its limit_usd" in few
    assert "start Ollama" not in few
    assert "start Ollama" in drawn(116, 40, chosen=BUDGET.id)


def test_a_providers_words_are_in_the_details_alone() -> None:
    assert "RESOURCE_EXHAUSTED" not in drawn(200)
    told = text(alert_details(LIMITED, NOW, 80))
    assert "RESOURCE_EXHAUSTED" in told
    assert "14:00:18, for 2 m 54 until now" in told
    assert "writer, ada" in told
    assert "11:58:12 until 12:01:12, 3 m 00" in text(alert_details(WAITED, NOW, 80))


def test_past_alerts_stay_in_the_list_when_none_stands() -> None:
    quiet = text(list(alerts_body(replace(INCIDENT, alerts=()), None, 100, 20, focused=False).rows))
    assert "● No alerts." in quiet
    assert "◌ 11:58" in quiet


async def test_acknowledge_and_silence_name_the_alert_under_the_cursor(core: ScriptedCore) -> None:
    async with on_stage(core) as (_, pilot):
        await pilot.press("5", "y", "down", "m", "down", "y", "down", "m")
        await until(lambda: len(core.acted) == 4)
    assert [(each.verb, each.id, each.value, each.minutes) for each in core.acted] == [
        ("acknowledge", DEAD.id, None, None),
        ("silence", LIMITED.id, None, 60.0),
        ("acknowledge", BUDGET.id, "off", None),
        ("silence", DISK.id, "off", None),
    ]


async def test_what_is_over_cannot_be_answered(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("5", "end", "y", "m", "a", "enter")
        await until(lambda: isinstance(app.screen, AlertOverlay))
        await pilot.press("y", "a")
        assert isinstance(app.screen, AlertOverlay)
        await pilot.press("escape", "S")
        await until(lambda: "Stop cloud spend?" in text_of(app))
    assert core.acted == []


async def test_enter_shows_everything_and_its_keys_act(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("5", "down", "enter")
        await until(lambda: isinstance(app.screen, AlertOverlay) and "RESOURCE_EXHAUSTED" in text_of(app))
        await pilot.press("b")
        assert isinstance(app.screen, AlertOverlay), "there is no second choice"
        await pilot.press("y")
        await until(lambda: core.acted)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, AlertOverlay))
        await pilot.press("m")
        await until(lambda: len(core.acted) == 2)
    assert [(each.verb, each.id) for each in core.acted] == [("acknowledge", LIMITED.id), ("silence", LIMITED.id)]


async def test_the_cursor_stays_on_its_alert_from_the_first_look(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("5")
        newer = msgspec.structs.replace(DEAD, id="newer", key="newer", since=NOW, text="a newer one")
        core.emit(events.AlertRaised(alert=newer))
        await until(lambda: "a newer one" in text_of(app))
        await pilot.press("y")
        await until(lambda: core.acted)
    assert core.acted[0].id == DEAD.id


async def test_an_alert_that_clears_stays_as_a_past_one(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("5")
        ended = msgspec.structs.replace(DEAD, state="cleared", ended_at=NOW)
        core.emit(events.AlertCleared(key=DEAD.key, alert=ended))
        await until(lambda: "◌ 14:01  1 m 30" in text_of(app))


@given(st.lists(st.sampled_from([*incident_alerts(), *past_alerts()]), max_size=6), st.integers(1, 200), st.text())
def test_alerts_fit_whatever_they_say(some: list[Alert], cells: int, words: str) -> None:
    said = tuple(
        msgspec.structs.replace(each, text=words, effect=words, remedy=words, id=f"{index}")
        for index, each in enumerate(some)
    )
    state = scene(alerts=tuple(each for each in said if each.ended_at is None))
    body = alerts_body(state, "0", cells, 10, focused=True)
    assert body.selected is None or body.selected + body.reach <= len(body.rows)
    if cells >= 24:
        assert all(width(line) <= cells for line in body.rows)


@given(cells=st.integers(40, 180), room=st.integers(1, 60), chosen=st.sampled_from([each.id for each in ALL]))
def test_what_to_do_stands_below_as_many_alerts_as_have_room(cells: int, room: int, chosen: str) -> None:
    shown = shown_alerts(INCIDENT)
    at = next(index for index, each in enumerate(shown) if each.id == chosen)
    drawn = drawn_alerts(INCIDENT, shown, at, cells, room)
    whole = drawn_alerts(INCIDENT, shown, at, cells, 1_000)
    assert drawn[at] == whole[at], "the one at the cursor says all"
    free = room - sum(map(len, drawn))
    for short, long in zip(drawn, whole, strict=True):
        assert len(short) == len(long) or len(long) - len(short) > free, "no row stays blank that one could use"


async def test_the_threshold_of_an_alert_is_changed_for_an_hour_and_only_where_it_has_one() -> None:
    hot = msgspec.structs.replace(incident_alerts()[0], threshold="alerts.gpu_c")
    core = ScriptedCore(snapshot(alerts=(hot,)))
    async with on_stage(core) as (app, pilot):
        await pilot.press("5", "e")
        await until(lambda: "Set alerts.gpu_c" in text_of(app))
        await pilot.press("9", "2", "enter", "enter")
        await until(lambda: core.acted)
        await pilot.press("ctrl+p", *"set a setting", "enter")
        await until(lambda: "Set a setting" in text_of(app) and "minutes" in text_of(app))
        await pilot.press(*"fail", "tab", "enter", "9", "enter", "x", "enter")
        await until(lambda: "are no minutes" in text_of(app))
    (action,) = core.acted
    assert (action.verb, action.key, action.value, action.minutes) == ("set", "alerts.gpu_c", "92", 60.0)
    async with on_stage(ScriptedCore(snapshot(alerts=(msgspec.structs.replace(hot, threshold=""),)))) as (app, pilot):
        await pilot.press("5", "e", "question_mark")
        await until(lambda: "━ Help ━" in text_of(app))


def test_every_threshold_is_a_setting() -> None:
    limits = {f"alerts.{name}" for name in AlertLimits.__struct_fields__}
    known = {each.threshold for each in vars(alerts).values() if isinstance(each, alerts.Condition)} - {""}
    assert known <= limits
    assert len(known) > 10


def test_a_flood_of_alerts_is_listed_as_far_as_a_person_reads_and_the_rest_is_counted() -> None:
    flood = tuple(
        msgspec.structs.replace(
            incident_alerts()[1 if number else 0], id=f"{number}", key=f"errors:a{number}", text=f"a{number} fails"
        )
        for number in range(1_000)
    )
    state = scene(alerts=flood)
    body = alerts_body(state, None, 116, 6, focused=True)
    assert "a0 fails" in text(body.rows[0]), "the worst first"
    assert text(body.rows[-1]) == "and 900 more stand: `claw incident list` has all"
    assert len(body.rows) < 120
    assert text(alert_counts(state)) == "▲1000 now · 1000 today"
