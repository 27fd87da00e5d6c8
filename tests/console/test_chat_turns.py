"""The rows of a turn, and the transcript that holds turns."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

from backends.types import Attempt, Delta, Done, Message, Request, Routed, Tokens
from console.bench.attachments import WrittenPrompt
from console.bench.prompt_settings import PromptSettings
from console.present.chat_rows import failure_rows, outcome_rows, prompt_rows, route_rows
from console.present.spans import Row
from console.widgets.chat_requests import NameChoice, chat_request, retry_request
from console.widgets.chat_turn import ANSWER_KEPT, ChatTurn
from console.widgets.transcript import CHARACTERS_KEPT, TURNS_KEPT, Transcript
from tests.console.chat_host import STATE, explanation, outcome
from tests.console.scene import engines, six_engines


def request(prompt: str = "why?", **changed: Any) -> Request:
    asks = Request(id="r1", messages=(Message(role="user", text=prompt),), source="chat")
    return msgspec.structs.replace(asks, **changed)


def turn(*texts: str, prompt: str = "why?", name: str = "t", continues: str | None = None, **changed: Any) -> ChatTurn:
    asks = request(prompt, id=name)
    made = ChatTurn(asks, continues=continues)
    for chunk in (Routed(id=name, explanation=explanation()), *map(Delta, texts), Done(outcome(asks, **changed))):
        made.add_chunk(chunk)
    return made


def text(rows: list[Row]) -> str:
    return "\n".join("".join(span.text for span in row).rstrip() for row in rows)


# ---- rows


def test_a_long_prompt_shows_its_beginning_and_its_size() -> None:
    rows = prompt_rows("line\n" * 5000, 40)
    assert len(rows) == 12
    assert text(rows).startswith("❯ line\n  line")
    assert text(rows).endswith("… 24.4 KB, 5,001 lines in total")


def test_where_it_went_and_why() -> None:
    assert text(route_rows("scout", "auto", explanation(), STATE, 200)) == (
        "as scout · auto → ▌local qwen2.5:14b · trend .21 · policy local"
    )
    assert text(route_rows("scout", "cloud", explanation(engine="cloud", sensitive=True), STATE, 200)) == (
        "as scout · cloud → ▐cloud simulated Gemini · trend .21 · sensitive · policy local"
    )
    assert text(route_rows("scout", "auto", None, STATE, 200)) == "as scout · auto → …"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "▌local qwen2.5:14b · 310 in, 128 out · 0 · saved $0.0021 · first 210 ms, 1,840 ms"),
        (
            {
                "engine": "cloud",
                "model": "gemini-3.5-flash-lite",
                "tokens": Tokens(input=310, output=128, thinking=40),
                "cost_usd": Decimal("0.0021"),
                "usage_estimated": True,
                "ttft_ms": None,
            },
            "▐cloud simulated Gemini · ≈310 in, ≈128 out, ≈40 thinking · ≈$0.0021 · first – ms, 1,840 ms",
        ),
        (
            {"engine": "cache", "cache": "semantic", "latency_ms": 2.0, "ttft_ms": 2.0},
            "=cache qwen2.5:14b · semantic hit · 310 in, 128 out · 0 · saved $0.0021 · first 2 ms, 2 ms",
        ),
        ({"finish": "length"}, " · cut at the maximum length of an answer"),
        ({"finish": "blocked"}, " · blocked by the engine"),
        ({"finish": "blocked", "error": "SAFETY"}, " · blocked: SAFETY"),
        ({"finish": "cancelled"}, " · cancelled"),
        ({"finish": "error", "error": "Ollama is down: start it"}, " · ▲ Ollama is down: start it"),
        ({"finish": "error"}, " · ▲ failed"),
        ({"notes": ("the prompt was cut",)}, "\nthe prompt was cut"),
        (
            {
                "attempts": (
                    Attempt(engine="local", zone="local", model="q", error="timeout"),
                    Attempt(engine="cloud", zone="cloud", model="g"),
                )
            },
            "\nlocal q was tried first: timeout",
        ),
    ],
)
def test_the_end_line(changed: dict[str, Any], said: str) -> None:
    assert said in text(outcome_rows(outcome(request(), **changed), STATE, 300))


def test_a_cut_answer_says_so_once() -> None:
    said = "Gemini broke off: ask again; what came counts"
    broken = Attempt(engine="cloud", zone="cloud", model="g", error=f"unavailable: {said}")
    rows = text(
        outcome_rows(outcome(request(), engine="cloud", finish="error", error=said, attempts=(broken,)), STATE, 300)
    )
    assert rows.count(said) == 1
    assert "tried first" not in rows
    cut = Attempt(engine="local", zone="local", model="q", error="cancelled")
    assert "tried first" not in text(outcome_rows(outcome(request(), finish="cancelled", attempts=(cut,)), STATE, 300))


def test_what_was_tried_before_is_told_unless_the_end_line_does() -> None:
    local = Attempt(engine="local", zone="local", model="q", error="unavailable: Ollama is down")
    cloud = Attempt(engine="cloud", zone="cloud", model="g", error="unavailable: Gemini is busy")
    both = {"engine": "cloud", "finish": "error", "attempts": (local, cloud)}
    late = text(outcome_rows(outcome(request(), error="the deadline passed", **both), STATE, 300))
    assert late.endswith("\nlocal q was tried first: unavailable: Ollama is down")
    told = text(
        outcome_rows(outcome(request(), error="local: Ollama is down; cloud: Gemini is busy", **both), STATE, 300)
    )
    assert "tried first" not in told
    never = outcome(request(), engine="cloud", finish="cancelled", attempts=(local,))
    assert "local q was tried first" in text(outcome_rows(never, STATE, 300)), (
        "it was left while it waited for the other"
    )


def test_foreign_text_in_a_turn_is_safe_and_never_wider() -> None:
    evil = "\x1b]52;c;aGk=\x07\u202e[/][@click=app.quit]" * 3
    reasoned = msgspec.structs.replace(explanation(), intent=evil, model=evil)
    rows = [
        *prompt_rows(evil, 30),
        *route_rows(evil, "auto", reasoned, STATE, 30),
        *outcome_rows(outcome(request(), finish="error", error=evil, notes=(evil,), model=evil), STATE, 30),
        *failure_rows(evil, 30),
    ]
    assert not set("\x1b\x07\u202e") & set(text(rows))
    assert "[@click=app.quit]" in text(rows).replace("\n", "")
    assert all(sum(cell_len(span.text) for span in row) <= 30 for row in rows)


# ---- turns


def test_what_comes_after_the_end_is_not_shown() -> None:
    ended_turn = turn("answer")
    ended_turn.add_chunk(Delta("more"))
    assert ended_turn.answer == "answer"


def test_a_late_outcome_says_what_a_cancelled_turn_cost() -> None:
    made = ChatTurn(request(id="t"))
    made.add_chunk(Delta("half"))
    made.lay_out(200, STATE)
    made.cancel()
    assert not made.running
    made.lay_out(200, STATE)
    assert text(made.rows(0, 99)).endswith("→ …\nhalf\ncancelled\n")
    made.add_chunk(Done(outcome(made.request, finish="cancelled")))
    made.lay_out(200, STATE)
    assert "310 in, 128 out" in text(made.rows(0, 99))
    assert "▲" not in text(made.rows(0, 99))


def test_an_endless_answer_is_cut_and_says_so() -> None:
    made = ChatTurn(request(id="t"))
    for _ in range(30):
        made.add_chunk(Delta("word " * 10_000))
    assert len(made.answer) <= ANSWER_KEPT + 50_000
    made.add_chunk(Done(outcome(made.request)))
    made.lay_out(80, STATE)
    assert "… the rest is not kept here" in text(made.rows(made.height - 5, made.height))


# ---- transcript


def shown(transcript: Transcript, height: int = 10, width: int = 60) -> list[str]:
    return text(list(transcript.shown(width, height, STATE))).split("\n")


def test_it_follows_the_newest_until_someone_scrolls() -> None:
    transcript = Transcript()
    for number in range(5):
        transcript.add(turn(f"answer {number}", prompt=f"prompt {number}"))
    assert "answer 4" in shown(transcript)
    transcript.key("pageup", page=8)
    before = shown(transcript)
    assert "answer 4" not in before
    running = ChatTurn(request("now", id="new"))
    transcript.add(running)
    assert "❯ now" in shown(transcript)


def test_what_is_read_stays_still_while_an_answer_arrives() -> None:
    transcript = Transcript()
    transcript.add(turn("\n\n".join(f"line {number}" for number in range(40))))
    running = ChatTurn(request("now", id="new"))
    transcript.add(running)
    shown(transcript)
    transcript.scroll(-20)
    before = shown(transcript)
    for number in range(10):
        transcript.add_chunk(running, Delta(f"more {number}\n\n"), STATE)
    assert shown(transcript) == before
    assert transcript.rows_below > 20
    transcript.key("ctrl+end", page=8)
    assert "more 9" in shown(transcript)
    assert transcript.rows_below == 0
    transcript.key("ctrl+home", page=8)
    assert shown(transcript)[0] == "❯ why?"
    assert not transcript.key("x", page=8)


def test_every_row_is_shown_once_whatever_the_window() -> None:
    transcript = Transcript()
    for number in range(4):
        transcript.add(turn(f"# {number}\n\n- a\n- b\n\n```\ncode\n```\n", prompt=f"prompt {number}"))
    whole = shown(transcript, height=999)
    for height in (1, 3, 7, len(whole)):
        transcript.key("ctrl+home", page=1)
        seen = shown(transcript, height=height)
        while transcript.rows_below:
            transcript.scroll(1)
            seen.append(shown(transcript, height=height)[-1])
        assert seen == whole


def test_it_keeps_so_many_turns_and_characters() -> None:
    transcript = Transcript()
    for number in range(TURNS_KEPT + 5):
        transcript.add(turn("a", name=str(number)))
    assert len(transcript.turns) == TURNS_KEPT
    assert transcript.find("0") is None
    for number in range(10):
        late = ChatTurn(request(id=f"late {number}"))
        transcript.add(late)
        transcript.add_chunk(late, Delta("word " * (CHARACTERS_KEPT // 20)), STATE)
        transcript.add_chunk(late, Done(outcome(late.request)), STATE)
    assert sum(each.size for each in transcript.turns) <= CHARACTERS_KEPT + CHARACTERS_KEPT // 4
    assert transcript.last is not None
    assert transcript.last.name == "late 9"


def test_clearing_keeps_what_still_runs() -> None:
    transcript = Transcript()
    transcript.add(turn("a"))
    running = ChatTurn(request(id="new"))
    transcript.add(running)
    transcript.clear()
    assert transcript.turns == [running]


# ---- requests


def test_whole_answers_of_the_conversation_go_along() -> None:
    transcript = Transcript()
    for each in (
        turn("old", prompt="0", name="a"),
        turn("one", prompt="1", name="b"),
        turn("", prompt="2", name="c", continues="b"),
        turn("another", prompt="3", name="d", continues="a"),
        turn("x", prompt="4", name="e", continues="c", finish="error"),
    ):
        transcript.add(each)
    turns = transcript.conversation("e")
    assert [each.name for each in turns] == ["b", "c", "e"]
    made = chat_request(WrittenPrompt("now"), PromptSettings(), turns, max_bytes=1000)
    assert [(m.role, m.text) for m in made.messages] == [("user", "1"), ("assistant", "one"), ("user", "now")]
    assert made.source == "chat"
    assert chat_request(WrittenPrompt("now"), PromptSettings(), (), max_bytes=1000).id != made.id
    assert transcript.conversation(None) == transcript.conversation("gone") == []


def test_a_conversation_is_cut_from_its_old_end_to_fit() -> None:
    turns = [turn("a" * 50, prompt="1"), turn("b" * 50, prompt="2")]
    made = chat_request(WrittenPrompt("now"), PromptSettings(), turns, max_bytes=60)
    assert [m.text for m in made.messages] == ["2", "b" * 50, "now"]


def test_what_was_sensitive_once_stays_so_while_it_goes_along() -> None:
    turns = [turn("one", sensitive=True)]
    assert chat_request(WrittenPrompt("now"), PromptSettings(), turns, max_bytes=1000).sensitive
    assert not chat_request(WrittenPrompt("now"), PromptSettings(), turns, max_bytes=3).sensitive
    assert chat_request(WrittenPrompt("now"), PromptSettings(sensitive=True), (), max_bytes=1000).sensitive


@pytest.mark.parametrize(
    ("took", "other"),
    [
        ("local", "cloud"),
        ("cloud", "small"),
        ("backup", "gpu-cluster-frankfurt-2"),
        ("gpu-cluster-frankfurt-2", "local"),
        ("cache", "cloud"),
        ("gone", "cloud"),
    ],
)
def test_a_retry_goes_to_the_next_engine_and_not_to_the_cache(took: str, other: str) -> None:
    first = turn("a", engine=took)
    second = retry_request(first, six_engines())
    assert (second.engine, second.cache, second.messages) == (other, False, first.request.messages)
    assert second.id != first.request.id


def test_with_two_engines_a_retry_goes_to_the_other_one() -> None:
    assert [retry_request(turn("a", engine=took), engines()).engine for took in ("local", "cloud")] == [
        "cloud",
        "local",
    ]
    assert retry_request(turn("a", engine="cache"), ()).engine == "auto"


def test_a_retry_of_what_never_went_anywhere_goes_by_what_was_asked() -> None:
    made = ChatTurn(request(engine="cloud", id="t"))
    made.fail("no engine")
    assert retry_request(made, engines()).engine == "local"


# ---- choice


def test_a_choice_goes_round_and_by_first_letter() -> None:
    choice = NameChoice(["default", "scout", "script", "ada"], "gone")
    assert choice.chosen == "default"
    for key, chosen in (
        ("left", "ada"),
        ("right", "default"),
        ("s", "scout"),
        ("s", "script"),
        ("s", "scout"),
        ("z", "scout"),
    ):
        assert choice.key(key, key if len(key) == 1 else None)
        assert choice.chosen == chosen
    assert not choice.key("f5", None)
    assert text([choice.row("agent")]) == "agent  scout  script ada default"
