"""The small checks: completeness, tool calls, format, refusals, repetition and token probabilities."""

import re
from typing import Any

import msgspec

from backends.engines import written_calls
from backends.verification import phrases
from backends.verification.check_result import CheckedAnswer, CheckResult, failed, passed, unknown
from backends.verification.json_schema import Unchecked, violation

# ---- completeness -----------------------------------------------------------------------------------------------


def check_completeness(answer: CheckedAnswer) -> CheckResult:
    """Fail where the answer is empty, or cut off at a cap that another engine would not have.

    A cap that the caller set cuts every engine's answer, so it is no failure.
    """
    if not answer.text.strip() and not answer.calls:
        return failed("completeness", "empty")
    if answer.cut and answer.cap_raised:
        return failed("completeness", "cut off at its cap")
    return unknown("completeness")


# ---- tool calls -------------------------------------------------------------------------------------------------


NOT_OFFERED = "it calls a tool that was not offered"


def check_required_call(answer: CheckedAnswer) -> CheckResult:
    """Fail where `tool_choice` asks for a call, and there is none or one of another tool."""
    request = answer.request
    if not request.must_call:
        return unknown("required-call")
    if not answer.calls:
        return failed("required-call", "no tool is called, though tool_choice asks for it")
    if request.tool_choice != "required" and any(call.name != request.tool_choice for call in answer.calls):
        return failed("required-call", "another tool is called than tool_choice names")
    if any(call.name not in request.offered_tools for call in answer.calls):
        return failed("required-call", NOT_OFFERED)
    return passed("required-call")


def check_written_calls(answer: CheckedAnswer) -> CheckResult:
    """Fail where the text looks like a tool call that cannot be read."""
    request = answer.request
    if answer.calls or not request.tools or request.tool_choice == "none":
        return unknown("written-calls")
    tools = {tool.name: tool.parameters for tool in request.tools}
    if written_calls.read(answer.text, tools, of_json=request.response_format.kind != "text").failed:
        return failed("written-calls", "a tool call that cannot be read")
    return unknown("written-calls")


# ---- format -----------------------------------------------------------------------------------------------------

LARGEST_JSON = 1_000_000
"""Characters of JSON that are checked; a larger answer is unknown."""


def check_format(answer: CheckedAnswer) -> CheckResult:
    """JSON, by its schema, and tool calls by their tools' parameters; unknown where neither is asked for."""
    asked = answer.request.response_format
    if answer.calls:
        return _check_arguments(answer)
    if asked.kind == "text" or len(answer.text) > LARGEST_JSON:
        return unknown("format")
    try:
        value = msgspec.json.decode(answer.text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return failed("format", "not valid JSON")
    if asked.kind == "json" or asked.schema is None:
        return passed("format") if isinstance(value, dict | list) else failed("format", "JSON, but no object")
    return _check_schema(value, asked.schema, len(answer.text), "the schema")


def _check_arguments(answer: CheckedAnswer) -> CheckResult:
    tools = {tool.name: tool for tool in answer.request.tools}
    for call in answer.calls:
        if call.name not in answer.request.offered_tools:
            return failed("format", NOT_OFFERED)
        try:
            value = msgspec.json.decode(call.arguments)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return failed("format", "a tool's arguments are not valid JSON")
        schema, size = tools[call.name].parameters, len(call.arguments)
        if (result := _check_schema(value, schema, size, "a tool's parameters")).status == "fail":
            return result
    return passed("format")


def _check_schema(value: Any, schema: dict[str, Any], characters: int, whose: str) -> CheckResult:
    try:
        found = violation(value, schema, characters)
    except Unchecked:
        return unknown("format")
    return passed("format") if found is None else failed("format", f"against {whose}: {found}")


# ---- refusals ---------------------------------------------------------------------------------------------------

OPENING, SHORT = 240, 900
"""Characters: a refusal stands at the start, and little follows it."""

REFUSES = re.compile(
    r"(?i)\b(?:as an ai\b|(?:i (?:can(?:'t|not)|could not|won't|will not|must decline to|am (?:unable|not able) to)"
    r"|i'm (?:unable|not able) to) (?:\w+ )?(?:help|assist|answer|provide|do|fulfil\w*|comply|write|create|generate"
    r"|access|browse|open|see|view|discuss|share|support|continue)\b|i (?:do not|don't) have (?:access|the ability)"
    r"|ich kann (?:das|dir|ihnen|dabei|diese\w*) [^.]{0,40}nicht"
    r"|je ne (?:peux|suis) pas (?:en mesure|vous aider|répondre)|no puedo (?:ayudar|responder|proporcionar)"
    r"|não posso (?:ajudar|responder|fornecer)|non posso (?:aiut|rispond)\w*)"
)
UNSURE = re.compile(
    r"(?i)\b(?:i(?:'m| am) not (?:sure|certain)|i (?:do not|don't) know|i have no (?:idea|information)"
    r"|(?:cannot|can't|can not) be determined|not enough information|insufficient information|ich weiß (?:es )?nicht"
    r"|ich bin (?:mir )?nicht sicher|je ne sais pas|no lo sé|no estoy seguro|não sei|non lo so)\b"
)


def check_refusal(answer: CheckedAnswer) -> CheckResult:
    """Fail where a short answer refuses, or says that it does not know."""
    text = answer.text.strip()
    if answer.calls or len(text) > SHORT:
        return unknown("refusal")
    text = phrases.normalise_apostrophes(text)
    if REFUSES.search(text[:OPENING]):
        return failed("refusal", "it refuses")
    if UNSURE.search(text[:OPENING]):
        return failed("refusal", "it says that it does not know")
    if len(phrases.HEDGE.findall(text)) >= 4:
        return failed("refusal", "it hedges throughout")
    return unknown("refusal")


# ---- repetition -------------------------------------------------------------------------------------------------

TAIL = 4_000
TIMES, LEAST = 6, 240
"""Repeats of one piece at the answer's end, and the characters that they have together."""

SENTENCES, SHARE = 12, 0.6
"""An answer with at least this many sentences fails where this share of them repeats earlier ones."""


def check_repetition(answer: CheckedAnswer) -> CheckResult:
    """Fail where the answer repeats itself, as a model does that lost its way, until its cap."""
    text = answer.text.rstrip()
    if ends_in_a_loop(text[-TAIL:]):
        return failed("repetition", "it repeats itself to the end")
    parts = phrases.sentences(text)
    if len(parts) >= SENTENCES and 1 - len(set(parts)) / len(parts) >= SHARE:
        return failed("repetition", "most of its sentences repeat earlier ones")
    return unknown("repetition")


def ends_in_a_loop(tail: str) -> bool:
    """Does `tail` end in one piece that holds letters and is repeated TIMES times or more? Linear in its length."""
    text = tail[::-1]
    border = [0] * (len(text) + 1)
    at = 0
    for place in range(1, len(text)):
        while at and text[place] != text[at]:
            at = border[at]
        at += text[place] == text[at]
        border[place + 1] = at
        size, period = place + 1, place + 1 - at
        if size >= LEAST and size >= TIMES * period and any(map(str.isalpha, text[:period])):
            return True
    return False


# ---- token probabilities ----------------------------------------------------------------------------------------

UNSURE_BELOW = 0.4
"""Below this geometric mean of the tokens' probabilities a text is a guess. Set by hand: sound answers have .7 and more
at the usual temperatures, so only what went badly wrong fails.
"""


def check_confidence(answer: CheckedAnswer) -> CheckResult:
    """Fail where the engine reports the tokens' probabilities, and they are low."""
    if answer.confidence is None or answer.confidence >= UNSURE_BELOW:
        return unknown("confidence")
    return failed("confidence", f"token probability {answer.confidence:.2f}")
