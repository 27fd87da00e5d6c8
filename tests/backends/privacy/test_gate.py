"""The gate: labels, what it reads of a request, the operator's rules, and that any error keeps the prompt here."""

from time import thread_time
from typing import Any

import msgspec
import pytest

from backends.privacy import PrivacyGate
from backends.privacy.content_windows import windows
from backends.privacy.detection import Detection
from backends.privacy.text_window import TextWindow
from backends.settings.privacy import Privacy
from backends.types import Message, Request, ResponseFormat, Sampling, Tool, ToolCall, Verdict

KEY = "ghp_aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z"
GATE = PrivacyGate(Privacy())


def request(text: str = "hello", **more: Any) -> Request:
    return Request(id="r", messages=(Message(role="user", text=text),), **more)


def test_labels_come_first_and_harmless_text_passes() -> None:
    assert GATE.inspect(request(), agent_sensitive=False) == Verdict(sensitive=False)
    assert GATE.inspect(request(sensitive=True), agent_sensitive=False).why == "asked"
    assert GATE.inspect(request(), agent_sensitive=True).why == "agent"
    both = GATE.inspect(request(KEY, sensitive=True), agent_sensitive=False)
    assert both.why == "asked"
    assert both.findings


def test_a_finding_says_where_and_never_what() -> None:
    text = f"what is {KEY} for"
    verdict = GATE.inspect(request(text), agent_sensitive=False)
    (finding,) = verdict.findings
    assert text[finding.start : finding.end] == KEY
    assert verdict.why == "key"
    assert KEY not in msgspec.json.encode(verdict).decode()


PLACES = {
    "system text": Request(id="r", messages=(Message(role="system", text=KEY), Message(role="user", text="hi"))),
    "tool result": Request(id="r", messages=(Message(role="tool", text=f'{{"out": "{KEY}"}}', tool_call_id="1"),)),
    "tool arguments": Request(
        id="r",
        messages=(Message(role="assistant", tool_calls=(ToolCall(id="1", name="f", arguments=f'{{"a": "{KEY}"}}'),)),),
    ),
    "tool call's id": Request(
        id="r",
        messages=(Message(role="assistant", tool_calls=(ToolCall(id=KEY, name="f", arguments="{}"),)),),
    ),
    "escaped arguments": Request(
        id="r",
        messages=(
            Message(
                role="assistant",
                tool_calls=(ToolCall(id="1", name="f", arguments=r'{"password": "\u0058y7!Blau_Kanu"}'),),
            ),
        ),
    ),
    "file name": Request(id="r", messages=(Message(role="user", text="see file", name=f"{KEY}.txt"),)),
    "tool description": request(tools=(Tool(name="f", description=f"uses {KEY}"),)),
    "tool parameters": request(tools=(Tool(name="f", parameters={"default": KEY}),)),
    "schema's name": request(response_format=ResponseFormat(kind="schema", schema={"type": "object"}, name=KEY)),
    "schema": request(response_format=ResponseFormat(kind="schema", schema={"const": KEY})),
    "stop word": request(sampling=Sampling(stop=(KEY,))),
    "quoted-printable": request(f"new key: {KEY[:12]}=\n{KEY[12:]}"),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_text_that_an_engine_would_read_is_inspected(place: str) -> None:
    verdict = GATE.inspect(PLACES[place], agent_sensitive=False)
    assert verdict.sensitive
    assert verdict.findings


def test_broken_arguments_are_read_as_they_are() -> None:
    calls = (
        ToolCall(id="1", name="f", arguments=f'{{"a": {KEY}'),
        ToolCall(id="2", name="g", arguments="[1, null, {}]"),
    )
    broken = Request(id="r", messages=(Message(role="assistant", tool_calls=calls),))
    assert GATE.inspect(broken, agent_sensitive=False).why == "key"


def test_the_operators_words_match_whole_and_in_any_case() -> None:
    own = PrivacyGate(Privacy(words=("Project Nightjar", " "), patterns=(r"\bEMP-\d{6}\b",)))
    assert own.inspect(request("status of project nightjar?"), agent_sensitive=False).why == "word"
    assert own.inspect(request("EMP-123456 asks"), agent_sensitive=False).why == "pattern"
    assert not own.inspect(request("Projects Nightjars, EMP-12"), agent_sensitive=False).sensitive


def test_a_pattern_that_does_not_compile_is_wrong_settings() -> None:
    with pytest.raises(ValueError, match=r"patterns\[1\]"):
        PrivacyGate(Privacy(patterns=("fine", "(")))


@pytest.mark.parametrize(
    "pattern",
    [r"(a|aa)+$", r"(x+x+)+y", r"(?:\w*\d*)*!", r"(.*)(.*)(.*)(.*)q$", r"\d+\s*\d+\s*\d+x", r"(?i)((ab?)+c?)+:"],
)
def test_a_pattern_that_explodes_is_wrong_settings(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"patterns\[0\].*takes too long on texts such as"):
        Privacy(patterns=(pattern,))


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            r"\bEMP-\d{6}\b",
            r"(?i)acme-\d+",
            r".*secret.*",
            r"\w+@corp\.example",
            r"project (\w+) .* \1",
            r"(?<=id: )\w+",
        ),
        *(r"(?:[A-Z]{2}\d{4} ?){1,20}", r"[[:upper:]]{3}\d+", r"\p{Lu}{3}-\d{4}", r"(\w+\.)*corp", ""),
    ],
)
def test_usual_patterns_are_right_settings(pattern: str) -> None:
    assert Privacy(patterns=(pattern,)).patterns == (pattern,)


@pytest.mark.parametrize("text", ["a." * 100_000, "a" * 200_000, f"{'a.' * 3_000}\n" * 33, "a.b " * 50_000])
def test_a_pattern_that_is_slow_on_a_hostile_text_is_stopped_and_means_sensitive(text: str) -> None:
    slow = PrivacyGate(Privacy(patterns=(r"(\w+\.)*corp",)), detectors=())
    began = thread_time()
    verdict = slow.inspect(request(f"{text}!corp"), agent_sensitive=False)
    assert thread_time() - began < 0.3
    assert verdict.sensitive and verdict.why in ("unsure", "pattern")


@pytest.mark.proves("S21")
def test_a_detector_that_raises_means_sensitive() -> None:
    def broken(_: TextWindow) -> list[Detection]:
        raise RuntimeError

    faulty = PrivacyGate(Privacy(), detectors=(broken,))
    assert faulty.inspect(request(), agent_sensitive=False) == Verdict(sensitive=True, why="unsure")


@pytest.mark.proves("S21")
def test_what_cannot_be_taken_apart_means_sensitive() -> None:
    odd = request(tools=(Tool(name="f", parameters={"default": object()}),))
    assert GATE.inspect(odd, agent_sensitive=False) == Verdict(sensitive=True, why="unsure")


@pytest.mark.proves("S21")
def test_a_kind_that_the_registry_does_not_have_means_sensitive() -> None:
    faulty = PrivacyGate(Privacy(), detectors=(lambda window: [Detection("mystery", 0, 1)],))
    assert faulty.inspect(request(), agent_sensitive=False) == Verdict(sensitive=True, why="unsure")


@pytest.mark.proves("S21")
def test_an_inspection_out_of_time_means_sensitive() -> None:
    hasty = PrivacyGate(Privacy(), start_s=-1.0)
    assert hasty.inspect(request(), agent_sensitive=False) == Verdict(sensitive=True, why="unsure")


@pytest.mark.parametrize("at", [0, 65_530, 66_000, 131_072, 199_000])
def test_a_key_is_found_wherever_it_stands_in_a_long_text(at: int) -> None:
    filler = "plain words go on and on. " * 8_000
    text = f"{filler[:at]} {KEY} {filler[at:200_000]}"
    findings = GATE.inspect(request(text), agent_sensitive=False).findings
    assert KEY in {text[finding.start : finding.end] for finding in findings}


@pytest.mark.parametrize("size", [0, 1, 65_536, 67_583, 67_585, 300_000])
def test_windows_cover_a_text_and_keep_its_offsets(size: int) -> None:
    text = ("abcdefg " * (size // 8 + 1))[:size]
    covered = 0
    for offset, window in windows(text):
        assert offset <= covered
        assert text[offset : offset + len(window)] == window
        covered = offset + len(window)
    assert covered == size


HOSTILE = {
    "one letter": "a" * 200_000,
    "names without values": "password token key " * 10_000,
    "assignments": "password=" * 20_000,
    "openers": "-----BEGIN PRIVATE KEY-----" * 7_000,
    "digits": "1234 5678 " * 20_000,
    "addresses": "via a a a flat 1, " * 10_000,
    "mail": "a@b." * 50_000,
    "control": "\x00\x1b[2J\u202e" * 30_000,
    "lone surrogates": "\ud800" * 50_000,
    "lines": "\n" * 200_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_has_a_verdict(kind: str) -> None:
    verdict = GATE.inspect(request(HOSTILE[kind]), agent_sensitive=False)
    assert verdict.why in ("", "unsure")
    assert not verdict.findings
