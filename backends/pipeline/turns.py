"""Tool calls and their results, in the one order that every engine accepts.

A turn goes from one message of the model to its next. A result belongs to the call of its id in its own turn, so an id
that a client uses again means the later call. Afterwards each call has an id of its own and exactly one result, which
follows the call, in the calls' order. Nothing is lost: a call without a result gets one that says so, and a result
without its call (from a history that was cut) becomes a user's text.

Consecutive messages of one role stay as they are: only some engines refuse them. The messages are read once.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from backends.types import Message, ToolCall

NO_RESULT = "no result"
NAMED = 3
"""The most tools that a note names."""


def paired(messages: Sequence[Message]) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """The messages with calls and results paired, and notes on what had to be repaired, a phrase each."""
    if not any(message.tool_calls or message.role == "tool" for message in messages):
        return tuple(messages), ()
    pairing = _Pairing(messages)
    out = tuple(pairing.messages())
    return out, tuple(pairing.notes())


class _Pairing:
    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._given: set[str] = set()
        self._again = 0
        self._missing: list[str] = []
        self._stray: list[str] = []

    def messages(self) -> Iterator[Message]:
        spoken: list[Message] = []
        replies: list[Message] = []
        for message in self._messages:
            if message.role == "assistant" and replies:
                yield from self._turn(spoken, replies)
                spoken, replies = [], []
            (spoken if message.role == "assistant" else replies).append(message)
        yield from self._turn(spoken, replies)

    def notes(self) -> Iterator[str]:
        if self._missing:
            yield f'tool calls without a result were answered with "{NO_RESULT}": {_names(self._missing)}'
        if self._stray:
            yield f"tool results without their call were passed on as text: {_names(self._stray)}"

    def _turn(self, spoken: list[Message], replies: list[Message]) -> Iterator[Message]:
        """The model's message, the results of its calls, then the other messages of the turn, each in its order."""
        calls = [call for message in spoken for call in message.tool_calls]
        results = _results(calls, replies)
        ids = [self._id(call.id) for call in calls]
        yield from _named(spoken, iter(ids))
        for call, id, index in zip(calls, ids, results, strict=True):
            if index is None:
                self._missing.append(call.name)
                yield Message(role="tool", text=NO_RESULT, tool_call_id=id, name=call.name)
            else:
                result = replies[index]
                same = (result.tool_call_id, result.name) == (id, call.name)
                yield result if same else replace(result, tool_call_id=id, name=call.name)
        matched = set(results)
        for index, message in enumerate(replies):
            if index not in matched:
                yield self._as_text(message) if message.role == "tool" else message

    def _id(self, id: str) -> str:
        """The call's own id where it is the first to have it, else one that no earlier call has.

        What comes later has no say in it: an engine that has read this turn is to find it unchanged in the next prompt.
        """
        made = id
        while not made or made in self._given:
            self._again += 1
            made = f"{id or 'call'}_again{self._again}"
        self._given.add(made)
        return made

    def _as_text(self, result: Message) -> Message:
        name = result.name or "a tool"
        self._stray.append(name)
        head = f"[An earlier call of {name} returned:]\n"
        seams = tuple(seam + len(head) for seam in result.seams)
        return Message(role="user", text=head + result.text, media=result.media, seams=seams)


def _results(calls: Sequence[ToolCall], replies: Sequence[Message]) -> list[int | None]:
    """For each call, the index of its result in `replies`: by id, then by the tool's name, then in order."""
    found: list[int | None] = [None] * len(calls)
    of_id = _waiting(call.id for call in calls)
    bare: list[int] = []
    for index, message in enumerate(replies):
        if message.role == "tool" and not message.tool_call_id:
            bare.append(index)
        elif message.role == "tool" and (waiting := of_id.get(message.tool_call_id or "")):
            found[waiting.popleft()] = index
    if not bare:
        return found
    of_name = _waiting(call.name if found[at] is None else None for at, call in enumerate(calls))
    nameless: list[int] = []
    for index in bare:
        name = replies[index].name
        if name is None:
            nameless.append(index)
        elif waiting := of_name.get(name):
            found[waiting.popleft()] = index
    free = [at for at, index in enumerate(found) if index is None]
    for at, index in zip(free, nameless, strict=False):
        found[at] = index
    return found


def _waiting(keys: Iterable[str | None]) -> dict[str | None, deque[int]]:
    """The places of each key, in order."""
    places: defaultdict[str | None, deque[int]] = defaultdict(deque)
    for at, key in enumerate(keys):
        places[key].append(at)
    return places


def _named(spoken: Sequence[Message], ids: Iterator[str]) -> Iterator[Message]:
    """The messages with these ids for their calls."""
    for message in spoken:
        calls = tuple(call if call.id == id else replace(call, id=id) for call, id in _with(message, ids))
        yield replace(message, tool_calls=calls) if calls != message.tool_calls else message


def _with(message: Message, ids: Iterator[str]) -> Iterator[tuple[ToolCall, str]]:
    return ((call, next(ids)) for call in message.tool_calls)


def _names(names: list[str]) -> str:
    """A few of the names, and how many there were."""
    few = list(dict.fromkeys(names))[:NAMED]
    more = "" if len(names) == len(few) else f" ({len(names)} in all)"
    return ", ".join(few) + more
