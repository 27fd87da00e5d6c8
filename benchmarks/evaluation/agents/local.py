"""Are agents' requests answered by the local model, as long as they fit its window, and with no model loaded twice?

A whole core stands before the Ollama twin, whose model has Qwen 2.5's own window and is asked for as it is out of the
box. `infra`, whose policy is local, sends turns in OpenClaw's shape from 2,000 to 30,000 tokens, the recorded bodies of
DATA, and a session that outgrows the window. Tokens are claw's own estimate, which is within a tenth of Qwen's count.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.core.api import Core
from backends.errors import ClawError
from backends.gateway.dialects.openai_chat.chat_request import read
from backends.gateway.http_errors import HttpError
from backends.identity import new_id
from backends.paths import Paths
from backends.rehearsal.process import Twins, twins
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.types import Done, Message, Outcome, Request, ToolCall
from backends.upstream.token_count import count
from benchmarks.evaluation.agents.bodies import body, turns
from benchmarks.evaluation.agents.figure import Figure

AGENT, CLIENT = "infra", "openclaw"
SIZES = range(2_000, 30_001, 2_000)
CHARACTERS = 4.6
"""Of these instructions, a token."""

BEYOND = 60_000
"""Tokens to which the session grows that outgrows the window."""


def measure(data: Path) -> Iterator[Figure]:
    yield from asyncio.run(_measured(data))


async def _measured(data: Path) -> list[Figure]:
    async with twins() as pair:
        with tempfile.TemporaryDirectory() as home:
            settings = _settings(pair)
            async with build(settings, Paths.find(environ={"CLAW_HOME": home}), keys={"cloud": "twin"}) as built:
                grown = [await _answered(built.core, request) for request in _turns()]
                recorded = [await _answered(built.core, request) for request in _recorded(data)]
                outgrown = [await _answered(built.core, request) for request in _session()]
        loads, sent = pair.ollama.usage.loads, sum(pair.gemini.usage.counts()["calls"].values())
    return [
        _share(f"{CLIENT} turns of {SIZES[0]:,} to {SIZES[-1]:,} tokens for {AGENT}, answered locally", grown),
        _share(f"recorded bodies for {AGENT}, answered locally", recorded),
        _share(f"turns of a session that grows to {BEYOND:,} tokens, answered locally", outgrown),
        Figure(name="times that the model was loaded", value=str(loads), goal="1", met=loads == 1),
        Figure(name="calls that reached the cloud", value=str(sent), goal="0", met=sent == 0),
    ]


def _settings(pair: Twins) -> Settings:
    plain = Settings()
    engines = {
        name: replace(plain.engines[name], base_url=twin.url)
        for name, twin in (("local", pair.ollama), ("cloud", pair.gemini))
    }
    return replace(
        plain,
        engines=plain.engines | engines,
        agents=plain.agents | {AGENT: Agent(policy="local")},
        cache=replace(plain.cache, semantic=False),
        telemetry=replace(plain.telemetry, gpu=False),
    )


def _turns() -> Iterator[Request]:
    """A turn of each kind in each size, which is the largest that its instructions' filling makes within it."""
    for size in SIZES:
        for turn in turns(CLIENT):
            asked = f"Is the disk of host {size} full? Say yes or no."
            empty = count(_request(body(CLIENT, asked, turn=turn)))
            filling = int(max(0, size - empty) * CHARACTERS)
            request = _request(body(CLIENT, asked, turn=turn, filling=filling))
            while count(request) > size:
                filling = int(filling * 0.98)
                request = _request(body(CLIENT, asked, turn=turn, filling=filling))
            yield request


def _recorded(data: Path) -> Iterator[Request]:
    for path in sorted((data / "agent-bodies").glob("*.json")):
        recorded = json.loads(path.read_text("utf-8"))["body"]
        if isinstance(recorded.get("messages"), list):
            try:
                yield _request(recorded)
            except HttpError:
                continue  # of another dialect


def _session() -> Iterator[Request]:
    """An agent that reads one file after the other, until its history is far beyond the window."""
    request, number = _request(body(CLIENT, "Read all notes of the week and tell me what failed.", filling=40_000)), 0
    system, *others = request.messages
    while count(request) < BEYOND:
        number += 1
        call = ToolCall(id=f"note_{number}", name="read", arguments=json.dumps({"path": f"notes/{number}.md"}))
        lines = "\n".join(f"{number}.{line} The backup of host {line * number} ended well." for line in range(150))
        others += [
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", text=lines, tool_call_id=call.id, name="read"),
        ]
        request = replace(request, id=new_id(), messages=(system, *others), session="week")
        yield request


def _request(found: dict[str, Any]) -> Request:
    wish = read(json.dumps(found).encode())
    return Request(id=new_id(), agent=AGENT, messages=wish.messages, tools=wish.tools, cache=False)


async def _answered(core: Core, request: Request) -> Outcome | ClawError:
    try:
        async with aclosing(core.ask(request)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, Done):
                    return chunk.outcome
    except ClawError as error:
        return error
    raise AssertionError("an answer ends with Done")


def _share(name: str, found: Iterable[Outcome | ClawError]) -> Figure:
    kept = list(found)
    local = [each for each in kept if isinstance(each, Outcome) and (each.engine, each.finish) == ("local", "stop")]
    return Figure(
        name=name, value=f"{len(local)} of {len(kept)}", goal="all", met=bool(kept) and len(local) == len(kept)
    )
