"""What is remembered of parts changes no verdict, costs nothing the second time, is bounded, and holds no text."""

import json
from base64 import b64encode
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.privacy import PrivacyGate
from backends.privacy.content_windows import MOST, OVERLAP, windows
from backends.privacy.detection import Detection
from backends.privacy.detectors import api_keys
from backends.privacy.text_window import TextWindow
from backends.settings.privacy import Privacy
from backends.text_memory import TextMemory
from backends.types import Message, Request, Tool, ToolCall

KEY = "ghp_aB3dE5fG7hJ9kL2mN4pQ6rS8tU1vW3xY5z"
MAIL = "lena.ortiz@webmail.net"
PROSE = "The list of the ships that came in on Monday, as it was written down.\n"

texts = st.lists(
    st.sampled_from(
        [
            *(KEY, KEY[:20], KEY[20:], MAIL, "lena.ortiz", "@webmail.net", "card 4539 1488", "0343 6467", "hello"),
            *("my password is", "7391847", PROSE, PROSE * 90, PROSE * 150, " ", "\n"),
        ]
    ),
    max_size=5,
).map("".join)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    text=texts,
    name=st.none() | st.sampled_from(["notes.txt", f"{MAIL}.txt"]),
    tool_calls=texts.map(lambda text: (ToolCall(id="1", name="f", arguments=json.dumps({"a": text})),)) | st.just(()),
    seams=st.just(()) | st.integers(1, 40).map(lambda at: (at,)),
)
requests = st.builds(
    Request,
    id=st.just("r"),
    messages=st.lists(messages, max_size=4).map(tuple),
    tools=texts.map(lambda text: (Tool(name="f", description=text),)) | st.just(()),
)
conversations = st.lists(messages, min_size=1, max_size=5).map(
    lambda turns: [Request(id="r", messages=tuple(turns[:count])) for count in range(1, len(turns) + 1)]
)


class Counted:
    """A detector that finds nothing and counts the characters that it was given."""

    def __init__(self) -> None:
        self.characters = 0

    def find(self, window: TextWindow) -> list[Detection]:
        self.characters += len(window.text)
        return []


@settings(max_examples=60, deadline=None)
@given(sequence=st.lists(requests, max_size=4) | conversations)
def test_a_gate_that_remembers_says_what_one_says_that_does_not(sequence: list[Request]) -> None:
    remembers, forgets = PrivacyGate(Privacy()), PrivacyGate(Privacy(), entries=0)
    for request in (*sequence, *sequence):
        verdict = remembers.inspect(request, agent_sensitive=False)
        assert verdict == forgets.inspect(request, agent_sensitive=False)
        redacted, again = remembers.redact(request, verdict), forgets.redact(request, verdict)
        assert (redacted and redacted.request) == (again and again.request)


def conversation(count: int) -> Request:
    turns = [Message(role="system", text=PROSE * 600)]
    for number in range(count):
        role = ("user", "assistant", "tool")[number % 3]
        turns.append(Message(role=role, text=f"{number} {PROSE * 8}"))  # type: ignore[arg-type]
    return Request(id="r", messages=tuple(turns), tools=(Tool(name="f", description=PROSE * 20),))


def test_a_turn_reads_only_what_is_new_in_it() -> None:
    counted = Counted()
    gate = PrivacyGate(Privacy(), detectors=(counted.find,))
    gate.inspect(conversation(30), agent_sensitive=False)
    before = counted.characters
    gate.inspect(conversation(30), agent_sensitive=False)
    assert counted.characters == before
    gate.inspect(conversation(31), agent_sensitive=False)
    assert 0 < counted.characters - before < 3 * len(PROSE * 8)
    assert gate.unread(gate.parts(conversation(31))) == 0


@pytest.mark.parametrize("place", [0, 9_000, 30_000, 39_000])
def test_of_a_long_text_that_changes_in_one_line_only_the_surroundings_are_read_again(place: int) -> None:
    lines = [f"{number}: {PROSE}" for number in range(600)]
    counted = Counted()
    gate = PrivacyGate(Privacy(), detectors=(counted.find,))
    gate.inspect(Request(id="r", messages=(Message(role="system", text="".join(lines)),)), agent_sensitive=False)
    before = counted.characters
    lines.insert(place * len(lines) // 40_000, "one line more\n")
    gate.inspect(Request(id="r", messages=(Message(role="system", text="".join(lines)),)), agent_sensitive=False)
    assert 0 < counted.characters - before <= 3 * (MOST + OVERLAP)


@given(st.text(alphabet="ab \n", max_size=200).map(lambda text: text * 200), st.integers(0, 5_000))
def test_pieces_overlap_and_a_text_that_grows_keeps_all_but_the_last(text: str, more: int) -> None:
    pieces = list(windows(text))
    assert all(text[offset : offset + len(piece)] == piece for offset, piece in pieces)
    assert pieces[0][0] == 0 and pieces[-1][0] + len(pieces[-1][1]) == len(text)
    for (start, piece), (following, _) in pairwise(pieces):
        assert start < following and following + OVERLAP == start + len(piece)
    grown = list(windows(text + "c" * more))
    assert grown[: len(pieces) - 1] == pieces[:-1]


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 60_000), lines=st.booleans())
@example(at=14_329, lines=True)
def test_a_key_is_found_across_every_border_of_pieces(at: int, lines: bool) -> None:
    text = PROSE * 900 if lines else PROSE.replace("\n", " ") * 900
    gate = PrivacyGate(Privacy(), detectors=(api_keys.find,))
    request = Request(id="r", messages=(Message(role="user", text=f"{text[:at]} {KEY} {text[at:]}"),))
    assert {(each.start, each.end) for each in gate.inspect(request, agent_sensitive=False).findings} == {
        (at + 1, at + 1 + len(KEY))
    }


@settings(max_examples=40, deadline=None)
@given(before=st.integers(0, 14_000), length=st.integers(1_000, 11_500), share=st.integers(0, 100))
def test_a_key_in_a_long_run_of_base64_is_found_wherever_the_run_stands(before: int, length: int, share: int) -> None:
    inside = PROSE.replace("\n", " ") * 200
    at = length * share // 100
    run = b64encode(f"{inside[:at]} {KEY} {inside[at:length]}".encode()).decode()
    text = f"{(PROSE * 250)[:before]} {run} {PROSE * 30}"
    gate = PrivacyGate(Privacy(), detectors=(api_keys.find,))
    found = gate.inspect(Request(id="r", messages=(Message(role="user", text=text),)), agent_sensitive=False)
    stretch = (before + 1, before + 1 + len(run))
    assert stretch in [(each.start, each.end) for each in found.findings]


def test_the_memory_is_bounded_by_entries_and_by_bytes() -> None:
    memory = TextMemory[int](b"k" * 32, entries=100)
    for number in range(2_000):
        memory.put(memory.digest(str(number)), number, items=0)
        assert memory.get(memory.digest("0")) == 0, "what is used stays"
    assert len(memory) <= 100
    assert memory.get(memory.digest("1")) is None
    assert memory.get(memory.digest("1999")) == 1999
    small = TextMemory[int](b"k" * 32, bytes_=100_000)
    for number in range(2_000):
        small.put(memory.digest(str(number)), number, items=10)
    assert len(small) < 60
    small.put(b"large", 1, items=10_000)
    assert small.get(b"large") is None


def test_hashes_are_keyed_and_tell_where_each_text_ends() -> None:
    one, other = TextMemory[int](b"1" * 32), TextMemory[int](b"2" * 32)
    assert one.digest("hello") != other.digest("hello")
    assert len({one.digest("ab", "c"), one.digest("a", "bc"), one.digest("abc"), one.digest("abc", "")}) == 4


def test_twenty_thousand_short_messages_are_judged() -> None:
    many = Request(id="r", messages=tuple(Message(role="user", text=f"{number % 97}") for number in range(20_000)))
    gate = PrivacyGate(Privacy())
    assert not gate.inspect(many, agent_sensitive=False).sensitive


def test_a_long_history_is_no_reason_to_doubt() -> None:
    gate = PrivacyGate(Privacy(), start_s=0.05)
    turns = tuple(Message(role="user", text=f"{number} {PROSE * 30}") for number in range(400))
    for count in (100, 200, 300, 400):
        assert not gate.inspect(Request(id="r", messages=turns[:count]), agent_sensitive=False).sensitive
