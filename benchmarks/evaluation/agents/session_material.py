"""Recorded sessions as an agent's program would send them: each turn with the whole history, in an envelope of ours.

What the recorded assistant did becomes calls of a tool, and what came back their results. Labelled prompts are asked
among the recorded asks; of each is known whether a weak and a strong model answered it well.
"""

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from backends.types import Message, Request, Tool, ToolCall

LABELLED = ("mmlu", "gsm8k")
WEAK, STRONG = "mixtral-8x7b-instruct", "gpt-4-1106-preview"

EVERY = 3
"""Recorded asks after which a labelled one comes."""

SYSTEM_CHARACTERS, TOOL_CHARACTERS = 47_000, 900
TOOLS = ("exec", "read", "write", "edit", "list", "search", "fetch", "remember", "recall", "plan", "notify", "finish")

RULES = (
    "Work in small steps and look at what a command returned before you run the next one.",
    "Keep to the style of the files that are there, and change no more than was asked for.",
    "Say in one sentence what you are about to do whenever it cannot be taken back.",
    "Prefer the tools that are declared to anything that you would have to guess.",
    "When a result is cut short, read on from where it ended instead of starting again.",
    "Write down in the notes what the next session needs to know, and nothing else.",
)


class Label(NamedTuple):
    """Did a weak and a strong model answer well? 0 to 1."""

    weak: float
    strong: float


class Turn(NamedTuple):
    """One request of a session; `label` where its ask is a labelled prompt."""

    request: Request
    label: Label | None = None


class Recorded(NamedTuple):
    id: str
    source: str
    messages: list[dict[str, str]]


def recorded(data: Path) -> list[Recorded]:
    with gzip.open(data / "agent-sessions" / "sessions.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [Recorded(**json.loads(line)) for line in lines]


def labelled(data: Path, seed: int) -> Iterator[tuple[str, Label]]:
    """Prompts with their labels, in a mixed order that is always the same, endless."""
    rows: list[tuple[str, Label]] = []
    for name in LABELLED:
        with gzip.open(data / "routing" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            found = [json.loads(line) for line in lines]
        picked = random.Random(seed).sample(found, 300)
        rows += [(row["prompt"], Label(row["labels"][WEAK], row["labels"][STRONG])) for row in picked]
    random.Random(seed).shuffle(rows)
    while True:
        yield from rows


def turns(session: Recorded, asks: Iterator[tuple[str, Label]], *, agent: str) -> Iterator[Turn]:
    """The requests of a session, in order: one for each answer of its assistant."""
    history = [Message(role="system", text=_system(session.id))]
    count = 0
    for role, text in _steps(session):
        if role == "ask":
            count += 1
            if count % EVERY == 0:
                prompt, label = next(asks)
                history.append(_asked(prompt, len(history)))
                yield Turn(_request(session, history, agent), label)
                history.append(Message(role="assistant", text="Done, and written down."))
            history.append(_asked(text, len(history)))
        elif role == "answer":
            yield Turn(_request(session, history, agent))
            history.append(Message(role="assistant", text=text or "Done."))
        else:
            yield Turn(_request(session, history, agent))
            called, _, result = text.partition("\x1e")
            call = ToolCall(id=f"call{len(history)}", name="exec", arguments=json.dumps({"command": called}))
            history.append(Message(role="assistant", text="", tool_calls=(call,)))
            history.append(Message(role="tool", text=result, tool_call_id=call.id, name="exec"))


def _steps(session: Recorded) -> Iterator[tuple[str, str]]:
    """Asks, answers, and calls with their results behind a separator."""
    said = [(message["role"], message["text"]) for message in session.messages if message["role"] != "system"]
    if session.source == "SWE-agent":  # its user speaks once, and then for the shell
        said = [("tool" if role == "user" and at else role, text) for at, (role, text) in enumerate(said)]
    at = 0
    while at < len(said):
        role, text = said[at]
        result = said[at + 1] if at + 1 < len(said) else ("", "")
        if role == "assistant" and result[0] == "tool":
            yield "call", f"{text}\x1e{result[1]}"
            at += 1
        elif role == "assistant":
            yield "answer", text
        elif role == "user":
            yield "ask", text
            if result[0] == "tool":
                yield "call", f"{text[:200]}\x1e{result[1]}"
                at += 1
        elif at:
            yield "call", f"look again\x1e{text}"
        at += 1


def _asked(text: str, place: int) -> Message:
    return Message(role="user", text=f"[Mon 2026-11-30 12:{place % 60:02} UTC] {text}")


def _request(session: Recorded, history: Sequence[Message], agent: str) -> Request:
    return Request(
        id=f"{session.id}-{len(history)}-{agent}",
        agent=agent,
        messages=tuple(history),
        tools=_TOOLS,
        source="gateway",
        session=session.id,
        user_agent="replay/1.0",
    )


def _system(id: str) -> str:
    """A long system prompt, different in each session from its first line on, so that none shares another's prefix."""
    lines = [f"You are a careful assistant at work on {id}."]
    size = 0
    while size < SYSTEM_CHARACTERS:
        lines.append(f"{len(lines)}. {RULES[len(lines) % len(RULES)]}")
        size += len(lines[-1]) + 1
    return "\n".join(lines)


def _schema(name: str) -> dict[str, Any]:
    fields = {f"{name}_{word}": {"type": "string", "description": RULES[0]} for word in ("path", "mode", "note")}
    return {"type": "object", "properties": {"command": {"type": "string"}} | fields}


_TOOLS = tuple(
    Tool(name=name, description=" ".join(RULES)[: TOOL_CHARACTERS // 2], parameters=_schema(name)) for name in TOOLS
)
