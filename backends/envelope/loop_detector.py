"""Tool loops that get nowhere: the same calls with the same results again and again.

Only what came after the last ask counts: a person who asks for the same thing three times may do so. A step is what a
model called at once, with the results. Where the calls alone show no loop, no result is read.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from backends.text.plain_name import plain_name
from backends.types import Message, Request, SpanKind, ToolCall

LONGEST_CYCLE = 4
"""Different steps that a loop may go through."""

STALLED = 4
"""How many times more often a step whose calls differ in their numbers alone must come back, such as reading on past
the end of a list.
"""

NOTHING = 400
"""Characters up to which a result may say that there is nothing more; longer ones were read for what they hold."""

PATIENCE = 3
"""How many times more often a call that waits may come back unchanged: that is what polling is."""

READ = 16_384
"""Characters of a result, or of a call's arguments, that count: half from each end, and their number."""

MOST = 200
"""Steps that are counted."""

WAITS = re.compile(r"""(?:^|["'`;&|(\n]|\\n|\bdo\b)\s*(?:sleep|wait|poll|watch)(?:[^a-z]|ing|$)""")
"""A command, an action or a tool of this name, at the beginning of what it stands in."""

VOLATILE = re.compile(
    r"""
    \d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?    # dates
  | \b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b                                              # times of day
  | \b\d+(?:[.,]\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?)\b                         # durations
  | \b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b                                # UUIDs
  | \b0x[0-9a-f]+\b                                                                # addresses in memory
  | \b\d{10,13}(?:\.\d+)?\b                                                        # Unix times
  | \bpid[\s=:\#]*\d+\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What differs between two runs of a command that did the same."""

DIGITS = re.compile(r"\d+")

UNASKED: frozenset[SpanKind] = frozenset({"harness", "reminder", "environment", "memory", "timestamp", "runtime"})
"""What a client's program puts into a user's message by itself."""


class Loop(Struct, frozen=True, kw_only=True):
    """A loop that was found. `signature` stays the same while it goes on, in this process; `count` is how often its
    steps have come, and `phrase` says so, without anything private.
    """

    signature: int
    count: int
    phrase: str


class _Step(Struct, frozen=True):
    """What was called at once, as text, and with which results."""

    calls: tuple[ToolCall, ...]
    written: str
    results: tuple[Message, ...]

    @property
    def waits(self) -> bool:
        return WAITS.search(self.written) is not None

    def outcome(self) -> int:
        """Equal for the same calls with the same results. While something is waited for, a new time is a new result."""
        texts = (_ends(message.text) for message in self.results)
        return hash((self.written, *(texts if self.waits else (VOLATILE.sub("", text) for text in texts))))


def find_loop(request: Request, repeats: int) -> Loop | None:
    """The loop that the request's last steps are, where it has gone round `repeats` times.

    Takes a fraction of a millisecond where the calls differ, and some where they do not, for any length of history.
    """
    if request.envelope is not None and not request.envelope.continues:
        return None
    return _repeated(request, repeats) or _stalled(request, repeats)


def _repeated(request: Request, repeats: int) -> Loop | None:
    """A few steps, in any order, and never another result."""
    steps: list[_Step] = []
    for step in _steps(request):
        steps.append(step)
        if len({each.written for each in steps}) > LONGEST_CYCLE:
            break
    runs = _runs(step.written for step in steps)
    if not any(length >= repeats * cycle for cycle, length in enumerate(runs, 1)):
        return None
    outcomes = [step.outcome() for step in steps]
    for cycle, length in enumerate(_runs(outcomes), 1):
        waits = any(step.waits for step in steps[:length])
        if length >= repeats * cycle * (PATIENCE if waits else 1):
            what = f"same call{_of(steps[0])}" if cycle == 1 else f"same {cycle} calls"
            signature, count = hash(frozenset(outcomes[:length])), length // cycle
            return Loop(signature=signature, count=count, phrase=f"{what} {count} ×")
    return None


def _stalled(request: Request, repeats: int) -> Loop | None:
    """One step whose calls differ in numbers only, and never another result."""
    steps: list[_Step] = []
    for step in _steps(request):
        plain = msgspec.structs.replace(step, written=DIGITS.sub("0", step.written))
        said = sum(len(message.text) for message in step.results)
        if plain.waits or said > NOTHING or (steps and plain.written != steps[0].written):
            break
        steps.append(plain)
    if len(steps) < repeats * STALLED:
        return None
    outcomes = [step.outcome() for step in steps]
    count = _runs(outcomes)[0]
    if count < repeats * STALLED:
        return None
    return Loop(signature=outcomes[0], count=count, phrase=f"no progress in {count} calls{_of(steps[0])}")


def _runs(newest_first: Iterable[object]) -> list[int]:
    """How many of the newest are no more than one, two, … different ones, up to the longest cycle."""
    different: set[object] = set()
    lengths = [0] * LONGEST_CYCLE
    for number, each in enumerate(newest_first, 1):
        different.add(each)
        if len(different) > LONGEST_CYCLE:
            break
        for cycle in range(len(different), LONGEST_CYCLE + 1):
            lengths[cycle - 1] = number
    return lengths


def _steps(request: Request) -> Iterator[_Step]:
    """What was called since the last ask, the newest first, as far as it has results."""
    unasked = _unasked(request)
    results: list[Message] = []
    count = 0
    for place in range(len(request.messages) - 1, -1, -1):
        message = request.messages[place]
        if message.role == "tool":
            results.append(message)
        elif message.role == "assistant" and message.tool_calls and results:
            yield _Step(message.tool_calls, _written(message.tool_calls), tuple(reversed(results)))
            results = []
            count += 1
        elif message.role == "user" and place not in unasked:
            return
        if count == MOST:
            return


def _unasked(request: Request) -> set[int]:
    """The user's messages in which nobody asks: they have no more than what a program has put there."""
    if request.envelope is None:
        return set()
    covered: dict[int, int] = {}
    for span in request.envelope.spans:
        if span.kind in UNASKED:
            covered[span.message] = covered.get(span.message, 0) + span.characters
    return {place for place, characters in covered.items() if characters >= len(request.messages[place].text.strip())}


def _written(calls: Iterable[ToolCall]) -> str:
    return "\x1e".join(f"{call.name}\x1f{_arguments(call.arguments)}" for call in calls)


def _arguments(text: str) -> str:
    """In one way of writing, where they are JSON of a usual length."""
    if len(text) > READ:
        return _ends(text)
    try:
        return msgspec.json.encode(msgspec.json.decode(text), order="sorted").decode()
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return " ".join(text.split())


def _ends(text: str) -> str:
    return text if len(text) <= READ else f"{text[: READ // 2]}{len(text)}{text[-READ // 2 :]}"


def _of(step: _Step) -> str:
    """The tool's name, where it is no more than a name."""
    name = plain_name(step.calls[0].name, "")
    return f" of {name}" if name else ""
