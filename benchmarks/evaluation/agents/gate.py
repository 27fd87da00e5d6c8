"""How much CPU does the privacy gate take for the first and for a later turn of an agent's session?

A later turn is the request of the turn before with an answer and a question behind it, and nothing of it shared in
memory. Measured with the other parts of the way left out: taking the request apart, hashing, and reading what is new.
Each figure is the median of all rounds.
"""

import json
import statistics
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from time import thread_time
from typing import Any

import msgspec
from msgspec.structs import replace

from backends.gateway.dialects.any_dialect import read_fields
from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request, Tool
from benchmarks.evaluation.agents.bodies import body
from benchmarks.evaluation.agents.figure import Figure, at_most

ROUNDS = 9
SESSIONS = ((59_000, 1.5), (400_000, 5.0))
"""Characters of a session, and the most CPU milliseconds of a later turn of it."""

LARGEST, LARGEST_MS = 5_000_000, 100.0

LINES = (
    "def total(values: list[float]) -> float:",
    "    return sum(value * 1.19 for value in values)  # as the last invoice did",
    "-rw-r--r-- 1 root root  4187 Nov 28 09:14 store.py",
    "The store keeps one row for each order and is read at the start of the program.",
    "2026-11-28 09:14:02 INFO worker 3 took 41 ms for 12 rows",
    "",
)


def measure(data: Path) -> Iterator[Figure]:
    for size, most_ms in SESSIONS:
        first, later = measured(session(size))
        yield Figure(f"first turn of a session of {size // 1000} kB, CPU", f"{first:.3g} ms", "–", met=True)
        yield at_most(f"later turn of a session of {size // 1000} kB, CPU", later, most_ms, "ms")
    _, later = measured(session(LARGEST), rounds=1)
    yield at_most("later turn of a session of 5 MB, CPU", later, LARGEST_MS, "ms")
    for path in sorted((data / "agent-bodies").glob("*.json")):
        request = recorded(json.loads(path.read_text(encoding="utf-8"))["body"])
        first, later = measured(request)
        yield Figure(f"{path.stem}, first turn, CPU", f"{first:.3g} ms", "–", met=True)
        yield at_most(f"{path.stem}, later turn, CPU", later, SESSIONS[0][1], "ms")


def measured(request: Request, rounds: int = ROUNDS) -> tuple[float, float]:
    """CPU milliseconds of this request as a first turn, and of the turn after it."""
    firsts, laters = [], []
    for number in range(rounds):
        gate = PrivacyGate(Privacy())
        firsts.append(_milliseconds(gate, _unshared(request)))
        laters.append(_milliseconds(gate, _unshared(_next_turn(request, number))))
    return statistics.median(firsts), statistics.median(laters)


def session(size: int) -> Request:
    """A session of about so many characters in an envelope of our own: two fifths instructions, the rest history."""
    whole = recorded(body("openclaw", "how many orders are open?", filling=min(size * 2 // 5, 40_000)))
    left = size - sum(len(message.text) for message in whole.messages)
    turns: list[Message] = []
    lines = cycle(LINES)
    while left > 0:
        role = ("assistant", "user")[len(turns) % 2]
        text = f"{len(turns)}. " + "\n".join(islice(lines, 12 + len(turns) % 40))
        turns.append(Message(role=role, text=text))  # type: ignore[arg-type]
        left -= len(text)
    return replace(whole, messages=(*whole.messages, *turns))


def recorded(fields: dict[str, Any]) -> Request:
    """A body of any dialect as the gateway reads it."""
    asked = read_fields(fields)
    return Request(id="gate", messages=asked.messages, tools=asked.tools)


def _next_turn(request: Request, number: int) -> Request:
    answer = Message(role="assistant", text=f"Answer {number}: " + "\n".join(LINES))
    return replace(request, messages=(*request.messages, answer, Message(role="user", text=f"{number}, and then?")))


def _unshared(request: Request) -> Request:
    """The same, decoded again: each request of a client has texts of its own."""
    data = msgspec.json.encode((request.messages, request.tools))
    messages, tools = msgspec.json.decode(data, type=tuple[tuple[Message, ...], tuple[Tool, ...]])
    return replace(request, messages=messages, tools=tools)


def _milliseconds(gate: PrivacyGate, request: Request) -> float:
    began = thread_time()
    parts = gate.parts(request)
    gate.unread(parts)
    gate.inspection(request, parts, agent_sensitive=False)
    return (thread_time() - began) * 1000
