"""Candidates side by side: their figures and columns, and the keys that compare, choose and go on."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from backends.types import Attempt, Chunk, Delta, Done, InFlight, Message, Request, Routed, Tokens
from console.bench.compare_candidates import CompareCandidate, known_models, local_and_cloud
from console.messages import AnswerFailed, ChunkArrived, StateChanged
from console.overlays.candidate_choice import CandidateChoice
from console.present.compare_rows import CandidateFigures, beside, figure_rows, tokens_per_s, verdict
from console.present.spans import Row, row, span
from console.present.waiting_rows import ordinal, waiting_text
from console.widgets.chat_turn import ChatTurn
from console.widgets.comparison import CandidateComparison
from tests.console.chat_host import (
    AT,
    STATE,
    ChatHost,
    explanation,
    outcome,
    overlay_shows,
    press,
    send,
    shows,
    until,
    write,
)
from tests.console.hostile_text import HOSTILE
from tests.console.scene import six_engines

WIDE, NARROW = (120, 40), (80, 24)


def by_engine(request: Request) -> Sequence[Chunk]:
    """Each engine's own answer and figures."""
    cloud = request.engine == "cloud"
    changed: dict[str, Any] = (
        {
            "engine": "cloud",
            "model": "gemini-3.5-flash-lite",
            "tokens": Tokens(input=310, output=100, thinking=412),
            "cost_usd": Decimal("0.0014"),
            "ttft_ms": 640.0,
            "latency_ms": 1640.0,
        }
        if cloud
        else {}
    )
    return (
        Routed(id=request.id, explanation=explanation(engine=request.engine, agent=request.agent)),
        Delta(f"From {request.engine}:\n\n- a point\n- another one\n"),
        Done(outcome(request, **changed)),
    )


def text(rows: Sequence[Row]) -> str:
    return "\n".join("".join(each.text for each in line).rstrip() for line in rows)


async def compared(app: ChatHost, pilot: Any) -> None:
    await write(pilot, "why is the queue full?")
    await press(pilot, "alt+c")
    await overlay_shows(pilot, "[x] ▐cloud")
    await press(pilot, "enter")
    await until(pilot, lambda: len(app.asked) == 2 and not app.chat.answering)


async def test_two_keys_send_a_typed_prompt_to_local_and_cloud_side_by_side() -> None:
    app = ChatHost(by_engine)
    async with app.run_test(size=WIDE) as pilot:
        await compared(app, pilot)
        await shows(pilot, "From cloud:")
        screen = app.screen_text()
    assert [(each.engine, each.model, each.cache, each.source, each.agent) for each in app.asked] == [
        ("local", "qwen2.5:14b", False, "chat", "default"),
        ("cloud", "gemini-3.5-flash-lite", False, "chat", "default"),
    ]
    assert len({each.id for each in app.asked}) == 2
    (both,) = [line for line in screen.split("\n") if "From local:" in line]
    assert "│ From cloud:" in both
    lines = [line[1:].split() for line in screen.split("\n")]
    assert any("tok/s" in line for line in lines)
    assert any({"0.2", "s", "78.5", "128", "answered"} <= set(line) for line in lines)
    assert any({"0.6", "s", "100", "$0.0014", "412", "answered"} <= set(line) for line in lines)


async def test_narrow_shows_one_answer_at_a_time_and_a_key_shows_the_other() -> None:
    app = ChatHost(by_engine)
    async with app.run_test(size=NARROW) as pilot:
        await compared(app, pilot)
        await shows(pilot, "From local:")
        assert "From cloud:" not in app.screen_text()
        assert "1 of 2 is below" in app.screen_text()
        await press(pilot, "alt+right")
        await shows(pilot, "From cloud:")
        assert "From local:" not in app.screen_text()
        await press(pilot, "alt+left")
        await shows(pilot, "From local:")


async def test_the_chosen_one_is_copied_rated_and_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    app = ChatHost(by_engine)
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "alt+right")
        await shows(pilot, "Nothing was compared yet")
        await compared(app, pilot)
        await press(pilot, "alt+right", "ctrl+o")
        await until(pilot, lambda: app.clipboard.startswith("From cloud:"))
        await press(pilot, "alt+y")
        await until(pilot, lambda: bool(app.acted))
        await send(pilot, "go on")
    assert app.acted[0].id == app.asked[1].id
    assert [message.text for message in app.asked[2].messages][:2] == [
        "why is the queue full?",
        "From cloud:\n\n- a point\n- another one\n",
    ]


async def test_a_refused_candidate_says_why_and_the_others_go_on() -> None:
    refused = "the budget of today is spent: raise it"
    app = ChatHost(lambda request: refused if request.engine == "cloud" else by_engine(request))
    async with app.run_test(size=WIDE) as pilot:
        await compared(app, pilot)
        await shows(pilot, "From local:")
        assert app.screen_text().count("▲ the budget of") == 2, "in its column and its row"
        await press(pilot, "alt+right")
        await send(pilot, "go on")
    assert [message.text for message in app.asked[-1].messages] == ["go on"], "nothing to go on from"


async def test_candidates_stream_at_once_and_one_key_cancels_them_all() -> None:
    app = ChatHost(lambda request: by_engine(request)[:1])
    async with app.run_test(size=WIDE) as pilot:
        await write(pilot, "go")
        await press(pilot, "alt+c")
        await overlay_shows(pilot, "Compare")
        await press(pilot, "enter")
        await until(pilot, lambda: len(app.asked) == 2)
        first, second = app.asked
        for n in range(3):
            app.chat.post_message(ChunkArrived(second.id, Delta(f"cloud {n} ")))
            app.chat.post_message(ChunkArrived(first.id, Delta(f"local {n} ")))
        await shows(pilot, "local 0 local 1 local 2")
        await shows(pilot, "cloud 0 cloud 1 cloud 2")
        app.chat.post_message(ChunkArrived(first.id, Done(outcome(first))))
        await shows(pilot, "… answering")
        await press(pilot, "escape")
        await shows(pilot, "cancelled")
        app.chat.post_message(AnswerFailed(second.id, "too late"))
        await press(pilot, "x")
    assert app.cancelled == [second.id], "the other one had ended"


async def test_candidates_are_chosen_and_set_by_keys_and_come_again() -> None:
    state = msgspec.structs.replace(STATE, engines=six_engines())
    app = ChatHost(by_engine, state=state)
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "alt+c")
        await shows(pilot, "Nothing to compare: type a prompt first")
        await write(pilot, "which?")
        await press(pilot, "alt+c")
        await overlay_shows(pilot, "2 candidates")
        await press(pilot, "space", "enter")
        await overlay_shows(pilot, "Take 2 candidates or more with space")
        await press(pilot, "down", "right", "right", "d", "down", "left", "space", "c")
        await overlay_shows(pilot, "cache on")
        await press(pilot, "down", "space", "down", "space", "down", "space")
        await overlay_shows(pilot, "A comparison has at most 4 candidates")
        await press(pilot, "enter")
        await until(pilot, lambda: len(app.asked) == 4)
        assert [(each.engine, each.sampling.effort, each.cache) for each in app.asked][:2] == [
            ("cloud", "minimal", True),
            ("cloud", "none", True),
        ]
        await until(pilot, lambda: not app.chat.answering)
        await write(pilot, "again")
        await press(pilot, "alt+c")
        await overlay_shows(pilot, "4 candidates")
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, CandidateChoice))
    assert len(app.asked) == 4


async def test_what_comparing_costs_is_said_before() -> None:
    app = ChatHost(by_engine)
    async with app.run_test(size=WIDE) as pilot:
        await write(pilot, "which?")
        await shows(pilot, "~310 tok")
        await press(pilot, "alt+c")
        await overlay_shows(pilot, "2 candidates · 0, 1 of unknown price · cache off")


async def test_the_slash_command_asks_local_and_cloud_at_once_and_alone_lets_one_choose() -> None:
    app = ChatHost(by_engine)
    async with app.run_test(size=WIDE) as pilot:
        await write(pilot, "/compare which\nis it?")
        await press(pilot, "enter")
        await shows(pilot, "From cloud:")
        await write(pilot, "/compare")
        await press(pilot, "enter")
        await overlay_shows(pilot, "2 candidates")
        await press(pilot, "enter")
        await until(pilot, lambda: len(app.asked) == 4)
    assert [each.engine for each in app.asked] == ["local", "cloud", "local", "cloud"]
    assert {each.messages[-1].text for each in app.asked} == {"which\nis it?"}


async def test_where_a_waiting_answer_stands_is_said_and_changes() -> None:
    app = ChatHost(lambda request: by_engine(request)[:1])
    async with app.run_test(size=NARROW) as pilot:
        await send(pilot, "go")
        await shows(pilot, "… sent · esc cancels")

        def queued(**changed: Any) -> None:
            call = InFlight(
                id=app.asked[0].id,
                agent="default",
                engine="local",
                zone="local",
                model="q",
                stage="waiting",
                started_at=AT,
            )
            call = msgspec.structs.replace(call, **changed)
            app.chat.post_message(StateChanged(msgspec.structs.replace(STATE, in_flight=(call,))))

        queued(position=3)
        await shows(pilot, "… 3rd in the queue of local")
        queued(position=1)
        await shows(pilot, "… 1st in the queue of local")
        await shows(pilot, "1st in the queue of local, 1.")
        queued(stage="called")
        await shows(pilot, "… local has it, ")
        app.chat.post_message(ChunkArrived(app.asked[0].id, Delta("text")))
        await shows(pilot, "… esc cancels")


# ---- rows


def asked(engine: str = "local") -> Request:
    return Request(id=engine, messages=(Message(role="user", text="why?"),), engine=engine, model="m")


def answered(*texts: str, engine: str = "local", **changed: Any) -> ChatTurn:
    turn = ChatTurn(asked(engine), candidate=CompareCandidate(engine, "m"))
    for piece in texts:
        turn.add_chunk(Delta(piece))
    turn.add_chunk(Done(outcome(turn.request, engine=engine, **changed)))
    return turn


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "answered"),
        ({"notes": ("unverified: no JSON (nobody else)",)}, "answered, its check failed"),
        ({"attempts": (Attempt(engine="local", zone="local", model="q", role="verification"),)}, "answered, checked"),
        ({"finish": "length"}, "cut at the maximum length of an answer"),
        ({"finish": "error", "error": "Ollama is down"}, "▲ Ollama is down"),
        ({"finish": "cancelled"}, "cancelled"),
        ({"finish": "blocked", "error": "SAFETY"}, "blocked: SAFETY"),
    ],
)
def test_the_verdict_is_that_of_the_end_and_the_check(changed: dict[str, Any], said: str) -> None:
    assert verdict(outcome(asked(), **changed)).text == said


@pytest.mark.parametrize(
    ("first", "whole", "output", "rate"),
    [(200.0, 1200.0, 50, 50.0), (None, 1200.0, 50, None), (200.0, 200.0, 50, None), (200.0, 1200.0, 0, None)],
)
def test_a_rate_is_that_of_the_stream_or_unknown(
    first: float | None, whole: float, output: int, rate: float | None
) -> None:
    tokens = Tokens(input=9, output=output)
    figures = CandidateFigures((), span(""), first_ms=first, latency_ms=whole, tokens=tokens)
    assert tokens_per_s(figures) == rate
    assert tokens_per_s(CandidateFigures((), span(""))) is None


@given(st.integers(1, 200), st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=4))
def test_no_row_is_wider_than_its_room_and_none_drives_the_terminal(cells: int, texts: list[str]) -> None:
    turns = [answered(each, engine="cloud", model=each, notes=(each,)) for each in texts]
    comparison = CandidateComparison(turns)
    comparison.lay_out(cells, STATE)
    rows = comparison.rows(0, comparison.height)
    assert len(rows) == comparison.height
    drawn = text(rows)
    assert not set("\x1b\x07\x9b\u202e\x00") & set(drawn)
    if column := beside(len(turns), cells):
        assert column >= 28
        assert all(sum(cell_len(each.text) for each in line) <= max(cells, 60) for line in rows[-3:])


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([60, 120]))
def test_any_slice_of_a_comparison_is_that_slice_of_the_whole(start: int, length: int, cells: int) -> None:
    comparison = CandidateComparison([answered("- a\n" * 9), answered("one\n\ntwo", engine="cloud")])
    comparison.lay_out(cells, STATE)
    whole = comparison.rows(0, comparison.height)
    assert text(comparison.rows(start, start + length)) == text(whole[start : start + length])


def test_figures_go_where_there_is_no_room_and_the_state_stays() -> None:
    figures = [CandidateFigures(row(span("▌local qwen2.5:14b")), span("answered", "good"), first_ms=210.0, chosen=True)]
    wide, narrow = text(figure_rows(figures, 120)), text(figure_rows(figures, 50))
    assert "thinking" in wide
    assert "thinking" not in narrow
    for shown in (wide, narrow):
        assert "▸ ▌local" in shown
        assert "0.2 s" in shown
        assert "answered" in shown
    assert "–" in wide, "unknown is not zero"


def test_candidates_are_what_the_core_is_known_to_have() -> None:
    agents = (msgspec.structs.replace(STATE.agents[0], model="llama3:8b"), *STATE.agents[1:])
    state = msgspec.structs.replace(STATE, agents=agents)
    known = known_models(state, explanation())
    assert known[:2] == [("local", "qwen2.5:14b"), ("cloud", "gemini-3.5-flash-lite")]
    assert ("local", "llama3:8b") in known
    assert len(set(known)) == len(known)
    assert [each.engine for each in local_and_cloud(state)] == ["local", "cloud"]
    assert local_and_cloud(msgspec.structs.replace(state, engines=())) == ()


def test_waiting_is_told_with_what_is_known() -> None:
    call = InFlight(
        id="a", agent="a", engine="local", zone="local", model="m", stage="waiting", started_at=AT, position=2
    )
    engine = msgspec.structs.replace(STATE.engines[0], usual_s=2.1)
    state = msgspec.structs.replace(STATE, engines=(engine,))
    assert waiting_text(None, 0.2, None, state) == "sent"
    assert waiting_text(call, 12.0, explanation(), state) == "2nd in the queue of local, 12 s"
    called = msgspec.structs.replace(call, stage="called")
    assert waiting_text(called, 4.0, None, state) == "local has it, 4.0 s, usually 2.1 s to the first word"
    assert waiting_text(called, 4.0, None, STATE) == "local has it, 4.0 s"
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112, 1203)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "1,203rd"]
    )
