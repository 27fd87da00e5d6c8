"""What is left out of a call whose prompt does not fit a local engine's window.

First the schemas of tools that nobody has used or asked for, then the texts of old tool results, the oldest first. Only
this engine's call is changed: the next one to another engine has them in full. The ask, the system text, the results
that the model has not answered yet, and tools that were called, are required or must be called always stay.

Every change empties the engine's prefix cache from there on. So what is left out stays out in the session's next calls,
until its client has made the prompt much shorter, and each time a little more goes than has to.
"""

import re
from collections.abc import Iterator
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from backends.engines.base import Call
from backends.lru import LruDict
from backends.types import Message, Tool
from backends.upstream.token_count import count_message, count_tool

TARGET = 0.8
"""The share of the room that is filled again after something was left out."""

AMPLE = 0.5
"""The share of the room up to which a prompt has become so much shorter that it is sent whole again."""

MOST = 4.0
"""How many times the room a prompt may have: what would be left of a longer one is another prompt."""

REMEMBERED = 512
"""Sessions of which it is known what was left out of their calls, the last ones; some kilobytes each at the most."""

NAMES = 256
"""Names and ids that are remembered of a session at the most: beyond them it is worked out anew."""

OBLIGATION = re.compile(r"(?i)\b(?:must|always|required?|mandatory|never (?:skip|answer))\b")


class Fitting(Struct, frozen=True, kw_only=True):
    """`dropped` are tools by name, `cleared` results by the id of their call; `tokens` are left of the prompt."""

    dropped: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset()
    tokens: int = 0

    def __bool__(self) -> bool:
        return bool(self.dropped or self.cleared)

    @property
    def note(self) -> str:
        """As "to fit the window: 4 unused tools left out, 2 old results cleared"."""
        tools = f"{_counted(len(self.dropped), 'unused tool')} left out" if self.dropped else ""
        results = f"{_counted(len(self.cleared), 'old result')} cleared" if self.cleared else ""
        return f"to fit the window: {', '.join(filter(None, (tools, results)))}"

    def apply(self, call: Call) -> Call:
        """The call without them; each cleared result says in a line what it was."""
        if not self:
            return call
        names = _names(call)
        tools = tuple(tool for tool in call.tools if tool.name not in self.dropped)
        messages = tuple(
            _cleared(message, names) if message.role == "tool" and message.tool_call_id in self.cleared else message
            for message in call.messages
        )
        return replace(call, tools=tools, messages=messages)


def fit(
    call: Call, tokens: int, *, room: int, ratio: float = 1.0, ask: str = "", earlier: Fitting | None = None
) -> Fitting | None:
    """What to leave out of a call of `tokens` so that no more than `room` are left; None where that cannot be.

    `ratio` is how many tokens the engine counts for an estimated one, `earlier` what was left out of the session's last
    call. Takes milliseconds for a prompt that is worth it.
    """
    if tokens > MOST * room:
        return None
    if earlier is None or tokens <= AMPLE * room:
        earlier = Fitting()
    kept = _needed(call, ask)
    results = dict(_clearable(call))
    dropped = {tool.name for tool in call.tools if tool.name in earlier.dropped - kept}
    cleared = earlier.cleared & results.keys()
    sizes = {tool.name: ratio * count_tool(tool) for tool in call.tools}
    left = tokens - sum(sizes[name] for name in dropped) - ratio * sum(results[id] for id in cleared)
    if left > room:
        for tool in _droppable(call, kept | dropped):
            dropped.add(tool.name)
            left -= sizes[tool.name]
            if left <= TARGET * room:
                break
    if left > room:
        for id in (id for id in results if id not in cleared):
            cleared |= {id}
            left -= ratio * results[id]
            if left <= TARGET * room:
                break
    if left > room:
        return None
    return Fitting(dropped=frozenset(dropped), cleared=cleared, tokens=max(0, ceil(left)))


class FittingMemory:
    """What was left out of each session's last call to an engine's model; a session is named with its agent. At most
    REMEMBERED, the last used.
    """

    def __init__(self) -> None:
        self._known = LruDict[tuple[str, str, str], Fitting](REMEMBERED)

    def find(self, session: str, engine: str, model: str) -> Fitting | None:
        return self._known.get((session, engine, model))

    def keep(self, session: str, engine: str, model: str, fitting: Fitting) -> None:
        key = session, engine, model
        self._known.pop(key, None)
        if fitting and len(fitting.dropped) + len(fitting.cleared) <= NAMES:
            self._known.put(key, fitting)


def _needed(call: Call, ask: str) -> set[str]:
    """Tools that stay: called before, named in the ask or as an obligation in the system text, or to be called now."""
    texts = [ask, *_obligations(call)]
    called = {each.name for message in call.messages for each in message.tool_calls}
    needed = {tool.name for tool in call.tools if tool.name in called or any(_says(text, tool.name) for text in texts)}
    if call.tool_choice not in ("auto", "none", "required"):
        needed.add(call.tool_choice)
    if call.tool_choice == "required" and not needed and call.tools:
        needed.add(call.tools[0].name)
    return needed


def _droppable(call: Call, stays: set[str]) -> list[Tool]:
    """The others: those first that the system text does not name, and of them the largest."""
    system = "\n".join(message.text for message in call.messages if message.role == "system")
    free = [tool for tool in call.tools if tool.name not in stays]
    return sorted(free, key=lambda tool: (_says(system, tool.name), -count_tool(tool), tool.name))


def _clearable(call: Call) -> Iterator[tuple[str, int]]:
    """Results that the model has answered, the oldest first: the id of the call, and the tokens that clearing saves."""
    last = max((at for at, message in enumerate(call.messages) if message.role == "assistant"), default=0)
    names = _names(call)
    for message in call.messages[:last]:
        if message.role == "tool" and message.tool_call_id:
            saved = count_message(message) - count_message(_cleared(message, names))
            if saved > 0:
                yield message.tool_call_id, saved


def _cleared(message: Message, names: dict[str, str]) -> Message:
    name = message.name or names.get(message.tool_call_id or "") or "a tool"
    line = f"[result of {name}, {len(message.text):,} characters, cleared to fit]"
    return replace(message, text=line, media=(), seams=())


def _names(call: Call) -> dict[str, str]:
    """The tool of each call, by its id."""
    return {each.id: each.name for message in call.messages for each in message.tool_calls}


def _obligations(call: Call) -> Iterator[str]:
    for message in call.messages:
        if message.role == "system":
            yield from (line for line in message.text.splitlines() if OBLIGATION.search(line))


def _says(text: str, name: str) -> bool:
    """Is the name in the text as a word of its own?"""
    at = text.find(name)
    while at >= 0:
        around = text[at - 1 : at] + text[at + len(name) : at + len(name) + 1]
        if not any(sign.isalnum() or sign == "_" for sign in around):
            return True
        at = text.find(name, at + 1)
    return False


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
