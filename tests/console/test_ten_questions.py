"""Ten questions of an operator who has read nothing: each is answered on screen within three keys.

A text that is typed as a value, such as an amount or a prompt, counts as one key.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from backends.text.times import clock
from backends.types import Action, Chunk, Delta, Done, Request, Traffic, Undoable
from tests.console.scene import incident_alerts, snapshot
from tests.console.scene_exchanges import NOW, exchanges
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of
from tests.waiting import until

MOST = 3
SIZES = ((80, 24), (120, 40))
AT = NOW - timedelta(minutes=41, seconds=12)
STOPPED = Action(verb="stop-cloud", actor="console")
ANSWERED = next(each for each in exchanges() if each.outcome is not None and each.outcome.answered)


class Question(NamedTuple):
    """`keys` are pressed one by one; one of several characters that is no key's name is typed as a value."""

    asked: str
    keys: Sequence[str]
    answers: Sequence[str]


QUESTIONS = (
    Question("is anything wrong?", (), ("✗ 100 %", "▲4")),
    Question("since when?", ("5",), ("▲ 14:01", "no engine answers")),
    Question("what did it cost?", ("5", "down"), ("cost 0", "14 went local")),
    Question("why did writer go to the cloud?", ("ctrl+p", "why writer", "enter"), ("writer ·", "quality: .61 < .80")),
    Question("stop it", ("S", "y"), ("stop-cloud done",)),
    Question("undo it", ("u", "y"), ("undo done",)),
    Question(
        "what happened at 12:22?",
        ("ctrl+p", clock(AT, minutes=True), "enter"),
        (f"PAST {clock(AT, minutes=True)}", "−41 m", "▌local 9"),
    ),
    Question(
        "compare two models", ("6", "/compare why is dns slow?", "enter"), ("tok/s", "▸ ▌local", "  ▐cloud", "answered")
    ),
    Question("copy the answer", ("6", "ctrl+o"), ("Sent 26 characters to the terminal",)),
    Question("raise a budget", ("B", "12.50", "y"), ("set-budget done",)),
)


class EachEngine(ScriptedCore):
    """Answers as the engine that was asked for."""

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        yield Delta("Because its cache is cold.")
        assert ANSWERED.outcome is not None
        engine = "cloud" if request.engine == "cloud" else "local"
        yield Done(
            replace(ANSWERED.outcome, id=request.id, engine=engine, zone=engine, ttft_ms=200.0, latency_ms=2000.0)
        )


def core_in_trouble() -> ScriptedCore:
    """A core whose engines fail, and which has a past."""
    last = Undoable(number=7, at=NOW - timedelta(minutes=9), actor="ada", detail="cloud stopped", undo=STOPPED)
    core = EachEngine(snapshot(alerts=incident_alerts(), traffic=Traffic(requests=80, failed=80), undoable=last))
    core.past = replace(core.current, past=True, alerts=(), traffic=Traffic(requests=9, local=9))
    return core


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.asked)
async def test_a_question_is_answered_within_three_keys(question: Question, size: tuple[int, int]) -> None:
    assert len(question.keys) <= MOST
    core = core_in_trouble()
    async with on_stage(core, size=size) as (app, pilot):
        if question.asked == "copy the answer":
            await pilot.press("6", *"why?", "enter")
            await until(lambda: "Because its cache is cold" in text_of(app))
            await pilot.press("f2")
        for key in question.keys:
            await until(app.guard.allows)
            await pilot.press(*(key if " " in key or key[0].isdigit() else (key,)))
        try:
            await until(lambda: all(answer in text_of(app) for answer in question.answers))
        except TimeoutError:
            pytest.fail(f"{question.answers} are not on screen:\n{text_of(app)}")
