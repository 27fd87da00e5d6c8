"""Alerts that the operator can act on: their keys, the questions before, and the cursor."""

import msgspec
import pytest

from backends import events
from backends.errors import WrongUse
from backends.types import Action, Alert, Choice
from console.overlays.overlay import ConfirmOverlay
from console.present.alert_rows import alerts_body
from console.present.questions import question
from console.state import ViewState, adopt
from tests.console.scene import choice_alerts, snapshot
from tests.console.scene_exchanges import NOW
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of, words_of
from tests.waiting import until

LOOP, PRIVATE = choice_alerts()


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot(alerts=choice_alerts()))


async def test_the_alert_under_the_cursor_has_a_key_for_each_choice(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("5")
        await until(lambda: "a let it go on · b end it" in text_of(app))
        assert "this value may pass · redact for this agent · keep at home" in text_of(app)
        await pilot.press("down")
        await until(lambda: "a this value may pass · b redact for this agent · c keep at" in text_of(app))
        assert "let it go on · end it" in text_of(app)


@pytest.mark.parametrize(
    ("keys", "asked", "verb", "alert"),
    [
        (("a",), "Let session agent:coding:weekly7 of sherlock go on?", "resume", LOOP),
        (("b",), "Pause session agent:coding:weekly7 of sherlock?", "pause", LOOP),
        (("down", "a"), "Let what was found pass for writer?", "allow", PRIVATE),
        (("down", "b"), "Redact what is private of writer?", "redact", PRIVATE),
    ],
)
async def test_what_costs_or_stops_or_leaves_the_machine_is_asked_first(
    core: ScriptedCore, keys: tuple[str, ...], asked: str, verb: str, alert: Alert
) -> None:
    async with on_stage(core, size=(110, 30)) as (app, pilot):
        await pilot.press("5", *keys)
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and asked in words_of(app))
        assert alert.text in words_of(app), "the question names what it is about"
        assert core.acted == []
        await pilot.press("y")
        await until(lambda: core.acted)
        await until(lambda: f"{verb} done" in text_of(app))
    about = alert.choices[0].action
    assert [(each.verb, each.agent, each.id, each.actor) for each in core.acted] == [
        (verb, about.agent, about.id, "console")
    ]


async def test_keeping_an_agent_at_home_is_done_at_once(core: ScriptedCore) -> None:
    async with on_stage(core) as (_, pilot):
        await pilot.press("5", "down", "c")
        await until(lambda: core.acted)
    assert [each.verb for each in core.acted] == ["keep-home"]


async def test_an_answer_that_fails_says_why(core: ScriptedCore) -> None:
    core.refusal = WrongUse("nothing of writer is offered by that id")
    async with on_stage(core) as (app, pilot):
        await pilot.press("5", "down", "c")
        await until(lambda: "nothing of writer is offered" in text_of(app))


async def test_the_cursor_stays_on_its_alert_when_a_newer_one_comes(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("5", "down", "up")
        newer = msgspec.structs.replace(
            LOOP, key="session:ada:x", since=NOW, text="ada: session x is paused: no progress"
        )
        core.emit(events.AlertRaised(alert=newer))
        await until(lambda: "ada: session x" in text_of(app))
        await pilot.press("b")
        await until(lambda: isinstance(app.screen, ConfirmOverlay) and "of sherlock?" in text_of(app))


async def test_a_key_without_a_choice_and_an_alert_without_any_do_nothing(core: ScriptedCore) -> None:
    core.current = snapshot()
    async with on_stage(core) as (app, pilot):
        await pilot.press("5", "a", "c", "S")
        await until(lambda: "Stop cloud spend?" in text_of(app))
    assert core.acted == []


async def test_a_click_chooses_an_alert(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("5")
        await until(lambda: "a let it go on" in text_of(app))
        line = next(y for y, each in enumerate(text_of(app).split("\n")) if "USER.md" in each)
        await pilot.click(offset=(20, line))
        await until(lambda: "a this value may pass" in text_of(app))


def test_all_rows_of_the_alert_under_the_cursor_stay_in_sight() -> None:
    state = adopt(ViewState(), snapshot(alerts=choice_alerts()))
    first, second = (alerts_body(state, id, 60, 20, focused=True) for id in (LOOP.id, PRIVATE.id))
    assert (first.selected, second.selected) == (0, first.reach)
    assert second.selected is not None
    assert second.selected + second.reach == len(second.rows)


def test_alerts_without_choices_keep_their_remedy() -> None:
    plain = Alert(key="x", id="x", since=NOW, severity="critical", text="it broke", remedy="mend it")
    chosen = msgspec.structs.replace(plain, choices=(Choice(label="mend", action=Action(verb="reload", actor="x")),))
    for alert, says in ((plain, "mend it"), (chosen, "a mend")):
        rows = alerts_body(adopt(ViewState(), snapshot(alerts=(alert,))), None, 60, 20, focused=True).rows
        assert says in "\n".join("".join(span.text for span in line) for line in rows)


def test_an_agent_is_named_in_the_question() -> None:
    assert question(Action(verb="pause", actor="x", agent="ada")).startswith("Pause ada?")
    assert question(Action(verb="reload", actor="x")) == ""
