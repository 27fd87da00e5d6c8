"""The result of each check for answers that are good, bad and neither."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Request, ResponseFormat, Tool, ToolCall
from backends.verification import CheckedAnswer, overall, run_checks
from backends.verification.answer_checks import (
    check_completeness,
    check_confidence,
    check_format,
    check_refusal,
    check_repetition,
    ends_in_a_loop,
)
from backends.verification.check_result import failed, passed, unknown
from backends.verification.code_blocks import check_code
from backends.verification.short_answers.score import Score

COLOUR = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
TEXT, ANY_JSON = ResponseFormat(), ResponseFormat(kind="json")
BY_SCHEMA = ResponseFormat(kind="schema", schema=COLOUR)
PAINT = Tool(name="paint", parameters=COLOUR)


def answered(text: str, *, prompt: str = "do it", asked: ResponseFormat = TEXT, **more: Any) -> CheckedAnswer:
    tools = (PAINT,) if "calls" in more else ()
    request = Request(id="t", messages=(Message(role="user", text=prompt),), response_format=asked, tools=tools)
    return CheckedAnswer(request=request, prompt=prompt, text=text, **more)


@pytest.mark.parametrize(
    ("text", "asked", "status", "reason"),
    [
        ('{"colour":"red"}', ANY_JSON, "pass", ""),
        ("[1]", ANY_JSON, "pass", ""),
        ("3", ANY_JSON, "fail", "JSON, but no object"),
        ('{"colour":', ANY_JSON, "fail", "not valid JSON"),
        ('Sure! {"colour":"red"}', ANY_JSON, "fail", "not valid JSON"),
        ("[" * 5000, ANY_JSON, "fail", "not valid JSON"),
        ('{"colour":"red"}', BY_SCHEMA, "pass", ""),
        ('{"colour":"green"}', BY_SCHEMA, "fail", "against the schema: a value that is not one of the allowed ones"),
        ("{}", BY_SCHEMA, "fail", "against the schema: a required property is missing"),
        ("{}", ResponseFormat(kind="schema", schema={"$ref": "http://x"}), "unknown", ""),
        ("not json", ResponseFormat(), "unknown", ""),
        ('"' + "a" * 1_000_001 + '"', ANY_JSON, "unknown", ""),
    ],
)
def test_format(text: str, asked: ResponseFormat, status: str, reason: str) -> None:
    result = check_format(answered(text, asked=asked))
    assert (result.status, result.reason) == (status, reason)


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("paint", '{"colour":"red"}', "pass"),
        ("paint", '{"colour":"green"}', "fail"),
        ("paint", "{", "fail"),
        ("drill", "{}", "fail"),
    ],
)
def test_tool_calls_have_what_their_tool_takes(name: str, arguments: str, status: str) -> None:
    assert check_format(answered("", calls=(ToolCall(id="1", name=name, arguments=arguments),))).status == status


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        (" \n", {}, "empty"),
        ("half of", {"cut": True, "cap_raised": True}, "cut off at its cap"),
        ("as long as asked", {"cut": True, "cap_raised": False}, ""),
        ("whole", {"cap_raised": True}, ""),
    ],
)
def test_completeness(text: str, more: dict[str, Any], reason: str) -> None:
    assert check_completeness(answered(text, **more)).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "As an AI language model, I do not browse.",
        "I don’t have access to your files.",
        "I dont know.",
        "I donʼt know.",
        "Sorry, I cant help with that.",
        "Im not sure which one it is.",
        "Das kann ich leider nicht. Ich weiß es nicht.",
        "No puedo ayudar con eso.",
        "I am not sure which one it is.",
        "It might be so, perhaps; it may be otherwise, and possibly both.",
    ],
)
def test_refusals_and_doubt(text: str) -> None:
    assert check_refusal(answered(text)).status == "fail"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry for the delay of your order: it leaves today.",
        "You can't divide by zero.",
        "You cant divide by zero, as is wont to be said.",
        "Das ist im Haus.",
        "Perhaps. It depends.",
        "The report is done. " * 60 + "I can't help with that.",
    ],
)
def test_what_only_sounds_like_a_refusal(text: str) -> None:
    assert check_refusal(answered(text)).status == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "It starts well. " + "and then the same again\n" * 20,
        "x" + " and so on" * 40,
        "\n".join(f"The value of item {number % 5} is as before." for number in range(30)) + "\nEnd of it.",
    ],
)
def test_going_round_in_circles(text: str) -> None:
    assert check_repetition(answered(text)).status == "fail"


@pytest.mark.parametrize(
    "text",
    [
        "| name | age |\n|---|---|\n| ada | 36 |\n| bob | 41 |",
        "The end " + "=" * 2000,
        "\n".join(f"2026-01-{day:02}, {day * 7}, ok" for day in range(1, 29)),
        "Yes, yes, yes, yes, yes, yes.",
        " ".join(f"Sentence {word} differs." for word in ("one", "two", "three", "four", "five")),
        "",
    ],
)
def test_what_repeats_for_a_reason(text: str) -> None:
    assert check_repetition(answered(text)).status == "unknown"


@given(st.text(max_size=400))
def test_a_text_repeated_often_enough_is_a_loop_whatever_stands_before(text: str) -> None:
    assert ends_in_a_loop(text + "round we go. " * 30)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("```python\nprint(1)\n```", "pass"),
        ("```py\ndef f(:\n```", "fail"),
        ("```python\nawait go()\nreturn 1\n```", "pass"),
        ("  ```python\n  x = '\\d'\n  ```", "pass"),
        ("```python\n>>> f(\n```", "unknown"),
        ('```json\n{"a": 1}\n```', "pass"),
        ("```json\n{'a': 1}\n```", "fail"),
        ('```json\n{"a": ...}\n```', "unknown"),
        ("```toml\n[a]\nb = 1\n```", "pass"),
        ("```toml\nb =\n```", "fail"),
        ("```rust\nfn main(\n```", "unknown"),
        ("no code", "unknown"),
        ("```python\n" + "x = 1\n" * 5000 + "```", "unknown"),
        ("```python\n" + "(" * 3000 + "\n```", "any"),
        ("```python\nx = \0\n```", "fail"),
    ],
)
def test_blocks_that_parse(text: str, status: str) -> None:
    found = check_code(answered(text))
    assert found.status == status or (status == "any" and found.status != "pass")


def test_confidence() -> None:
    assert check_confidence(answered("x")).status == "unknown"
    assert check_confidence(answered("x", confidence=0.9)).status == "unknown"
    assert check_confidence(answered("x", confidence=0.2)).reason == "token probability 0.20"


def test_one_failure_outweighs_every_pass() -> None:
    assert overall([passed("a"), failed("b", "why"), unknown("c")]).check == "b"
    assert overall([unknown("a"), passed("b")]).check == "b"
    assert overall([unknown("a")]).status == overall([]).status == "unknown"


def test_only_the_format_is_checked_without_a_score() -> None:
    lost = answered("I'm sorry, but I can't help with that.")
    assert overall(run_checks(lost, None, "format")).status == "unknown"
    assert overall(run_checks(lost, Score.load(), "all")).reason == "it refuses"


SCORE = Score.load()


@given(st.text(), st.text(max_size=600), st.sampled_from([ResponseFormat(), ANY_JSON, BY_SCHEMA]))
def test_any_answer_has_results_that_hold_nothing_of_it(prompt: str, text: str, asked: ResponseFormat) -> None:
    canary = "CANARY-7731"
    results = run_checks(answered(f"{canary}{text}{canary}", prompt=prompt, asked=asked), SCORE, "all")
    assert results
    assert not any(canary in result.reason for result in results)
