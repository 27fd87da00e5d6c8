"""A conversation as a file: what is in it, and what is never written over."""

import json
import stat
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WrongUse
from backends.types import Delta, Done, Message, Request, Sampling, Tokens
from console.bench.attachments import Attachment, WrittenPrompt
from console.bench.compare_candidates import CompareCandidate, Comparing
from console.bench.conversation_file import as_json, as_markdown, write
from console.widgets.chat_turn import ChatTurn
from console.widgets.prompt_bench import PromptBench
from tests.backends.text.test_terminal_safe import assert_drawable
from tests.console.chat_host import STATE, outcome
from tests.console.hostile_text import HOSTILE

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)


def turn(answer: str, *, ends: bool = True, typed: str = "why?", **changed: Any) -> ChatTurn:
    messages = (Message(role="system", text="Be terse."), Message(role="user", text=typed))
    request = Request(id="r1", agent="scout", messages=messages, engine="cloud", sampling=Sampling(temperature=0.2))
    made = ChatTurn(request, prompt=WrittenPrompt(typed, (Attachment("log.txt", 9, text="x"),)))
    made.add_chunk(Delta(answer))
    if ends:
        made.add_chunk(Done(outcome(request, **changed)))
    return made


def test_json_has_every_answer_with_its_figures_and_money_as_text() -> None:
    answered = turn("Because.", cost_usd=Decimal("0.00140"), tokens=Tokens(input=9, output=3), notes=("a note",))
    running = turn("half", ends=False)
    written = json.loads(as_json([(answered, running)], AT, rehearsal=True))
    (exchange,) = written["turns"]
    assert (written["exported_at"], written["rehearsal"]) == ("2026-01-15T12:00:00+00:00", True)
    assert (exchange["prompt"], exchange["files"], exchange["agent"], exchange["system"]) == (
        "why?",
        ["log.txt"],
        "scout",
        "Be terse.",
    )
    first, second = exchange["answers"]
    assert (first["text"], first["cost_usd"], first["temperature"], first["finish"]) == (
        "Because.",
        "0.00140",
        0.2,
        "stop",
    )
    assert first["tokens"] == {"input": 9, "output": 3, "thinking": 0, "cached_input": 0}
    assert (second["text"], second["finish"], "cost_usd" in second) == ("half", None, False)


def test_markdown_has_a_heading_for_each_answer() -> None:
    failed = turn("", ends=False)
    failed.fail("the budget is spent")
    text = as_markdown([(turn("Because.\n\n- a"), failed)], AT, rehearsal=False)
    assert text.startswith(
        "# Conversation, 2026-01-15 12:00 UTC\n\n## 1. Prompt as scout\n\nwhy?\n\nFiles: log.txt 9 B\n"
    )
    assert "### local qwen2.5:14b\n\nBecause.\n\n- a\n\n*stop: 310 in, 128 out, 0, first 210 ms, 1,840 ms*" in text
    simulated = as_markdown([(failed,)], AT, rehearsal=True)
    assert simulated.startswith("# Conversation, 2026-01-15 12:00 UTC\n\nRehearsal: the engines were simulated.\n")
    assert text.endswith("### cloud\n\n(no answer)\n\n*the budget is spent*\n")


@given(st.text(), st.text())
def test_any_text_comes_back_from_json(prompt: str, answer: str) -> None:
    (exchange,) = json.loads(as_json([(turn(answer, typed=prompt),)], AT, rehearsal=False))["turns"]
    assert (exchange["prompt"], exchange["answers"][0]["text"]) == (prompt, answer)


@pytest.mark.parametrize("evil", HOSTILE)
def test_no_file_drives_the_terminal_that_shows_it(evil: str) -> None:
    exchanges = [(turn(evil, typed=evil, model=evil),)]
    assert as_json(exchanges, AT, rehearsal=False).replace("\n", "").isprintable()
    assert_drawable(as_markdown(exchanges, AT, rehearsal=False).replace("\n", "").replace("\t", ""))


def test_a_file_is_private_and_never_written_over_unasked(tmp_path: Path) -> None:
    path, other = tmp_path / "talk.md", tmp_path / "other"
    write(path, "one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write(path, "two")
    assert path.read_text() == "one"
    write(path, "two \udcff", replace=True)
    assert path.read_text() == "two ?"
    other.write_text("kept")
    (tmp_path / "link").symlink_to(other)
    with pytest.raises(FileExistsError):
        write(tmp_path / "link", "three")
    write(tmp_path / "link", "three", replace=True)
    assert other.read_text() == "kept"
    for wrong in (tmp_path / "nowhere" / "talk.md", Path("a\0b")):
        with pytest.raises(WrongUse, match="cannot be written"):
            write(wrong, "x")


# ---- where in a conversation the next prompt stands


def settled(bench: PromptBench, text: str) -> ChatTurn:
    (sent,) = bench.send(text, 0.0)
    sent.add_chunk(Delta(f"answer to {text}"))
    sent.add_chunk(Done(outcome(sent.request)))
    return sent


def told(bench: PromptBench, text: str) -> list[str]:
    return [message.text for message in bench.request(text).messages]


def test_forks_and_changes_go_on_from_where_they_say() -> None:
    bench = PromptBench(10_000)
    one, two = settled(bench, "one"), settled(bench, "two")
    assert told(bench, "x") == ["one", "answer to one", "two", "answer to two", "x"]
    bench.go_on_from(one)
    fork = settled(bench, "fork")
    assert (fork.heading, told(bench, "x")[:3]) == ("goes on from “one”", ["one", "answer to one", "fork"])
    assert bench.change(two) == "two"
    assert settled(bench, "two!").heading == "instead of “two”"
    assert told(bench, "x") == ["one", "answer to one", "two!", "answer to two!", "x"]
    bench.start_anew()
    assert (settled(bench, "anew").heading, told(bench, "x")) == ("new conversation", ["anew", "answer to anew", "x"])
    bench.go_on_from(bench.transcript.turns[-1])
    assert settled(bench, "next").heading == ""
    (again,) = bench.retry(bench.transcript.turns[-1], STATE, 0.0)
    assert (again.heading, again.request.engine, again.request.cache) == ("instead of the one above", "cloud", False)
    assert told(bench, "x") == ["anew", "answer to anew", "x"], "it has no answer yet, and replaces the one above"


def test_a_comparison_sends_the_same_conversation_to_each_and_goes_on_from_the_chosen_one() -> None:
    bench = PromptBench(10_000)
    settled(bench, "one")
    bench.attach(Attachment("log.txt", 9, text="x"))
    candidates = (CompareCandidate("local", "a"), CompareCandidate("cloud", "b", "high"))
    turns = bench.compare("two", Comparing(candidates), 0.0)
    assert turns[0].request.messages == turns[1].request.messages
    assert [turn.request.sampling.effort for turn in turns] == [None, "high"]
    assert bench.attachments == ()
    for each in turns:
        each.add_chunk(Delta(f"by {each.request.model}"))
        each.add_chunk(Done(outcome(each.request)))
    assert told(bench, "x")[-2:] == ["by a", "x"]
    bench.choose(1)
    assert told(bench, "x")[-2:] == ["by b", "x"]
    bench.go_on_from(bench.transcript.turns[0])
    bench.choose(1)
    assert told(bench, "x") == ["one", "answer to one", "x"], "a fork stays where it was put"


def test_files_are_bounded_by_what_a_prompt_may_have() -> None:
    bench = PromptBench(100)
    assert bench.attach(Attachment("a", 60, text="x")).startswith("Attached a 60 B")
    assert bench.attach(Attachment("b", 60, text="x")) == "b 60 B is too much: the files of a prompt have at most 100 B"
    assert [each.name for each in bench.attachments] == ["a"]
    assert bench.media_bytes == 60
