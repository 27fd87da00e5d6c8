"""Does caching work for agents? The prefix kept upstream, repeats answered though tools are declared, and wrong hits.

Recorded sessions are replayed turn by turn, a recorded body's tools on each, and each turn's body is compared with the
one before, for each kind of engine, in the clear and redacted. Prompts are asked inside recorded bodies, with other
times and ids the second time; adversarial pairs have the same words in another place.
"""

import asyncio
import gzip
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.cache import cache_key
from backends.cache.lifetime import may_use
from backends.cache.response_cache import ResponseCache
from backends.cache.stored_answer import StoredAnswer
from backends.catalogue import Catalogue
from backends.clock import SystemClock
from backends.engines.base import Call
from backends.engines.endpoint import Endpoint
from backends.engines.gemini.function_names import FunctionNames
from backends.engines.gemini.generate_body import body as gemini_body
from backends.engines.ollama.chat_body import chat_body
from backends.engines.openai.completion_body import completion_body
from backends.envelope.reader import EnvelopeReader
from backends.pipeline.normalise import normalise
from backends.privacy import PrivacyGate
from backends.settings import cache as settings_cache
from backends.settings.engines import OllamaSettings
from backends.settings.model import Settings
from backends.settings.privacy import Privacy
from backends.types import Message, Request, Tokens, Tool
from benchmarks.evaluation.agents.asks import envelopes, prompts
from benchmarks.evaluation.agents.figure import Figure, at_least, at_most

MODEL = "gemini-2.5-flash"
TURNS = 8
"""Of a session's turns that are replayed, from its beginning: redacting a long one takes seconds."""

ASKED = 150
"""Prompts for each body."""

ENDPOINT = Endpoint(engine="local", base_url="http://127.0.0.1", label="", remedy="", billed=False)

BODIES: dict[str, Callable[[Call], dict[str, Any]]] = {
    "gemini": lambda call: gemini_body(call, Catalogue().model(MODEL), FunctionNames(call)),
    "ollama": lambda call: chat_body(call, OllamaSettings(), 32_768),
    "openai": lambda call: completion_body(call, ENDPOINT),
}


def measure(data: Path) -> Iterator[Figure]:
    sessions, tools = read_sessions(data), declared(data)
    for kind, build in BODIES.items():
        yield at_least(f"{kind}: turns that keep the prefix", kept_share(sessions, tools, build), 0.99)
    gate = PrivacyGate(Privacy(action="redact"))
    redacted = kept_share(sessions, tools, BODIES["gemini"], lambda request: redact(gate, request))
    yield at_least("gemini, redacted: turns that keep the prefix", redacted, 0.99)
    yield from asyncio.run(repeats(data))


# ---- the prefix upstream ------------------------------------------------------------------------------------------


def read_sessions(data: Path) -> list[list[Message]]:
    with gzip.open(data / "agent-sessions" / "sessions.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [
            [Message(role=said["role"], text=said["text"]) for said in json.loads(line)["messages"]] for line in lines
        ]


def declared(data: Path) -> tuple[Tool, ...]:
    return next(wrap("hi").tools for _, wrap in envelopes(data))


def turns(session: list[Message]) -> Iterator[tuple[Message, ...]]:
    """What a program sends in each of its turns: all up to a message that is not the model's."""
    ends = [at for at, message in enumerate(session) if message.role != "assistant" and message.text.strip()]
    return (tuple(session[: end + 1]) for end in ends[:TURNS] if any(m.role == "user" for m in session[: end + 1]))


def kept_share(
    sessions: list[list[Message]],
    tools: tuple[Tool, ...],
    build: Callable[[Call], dict[str, Any]],
    change: Callable[[Request], Request] = lambda request: request,
) -> float:
    """The share of later turns whose body begins with the whole body of the turn before."""
    kept: list[bool] = []
    for session in sessions:
        before: list[str] | None = None
        for messages in turns(session):
            request = normalise(Request(id="r", agent="coding", messages=messages, tools=tools), Settings())
            read = pieces(build(call_of(change(request))))
            if before is not None:
                kept.append(read[: len(before)] == before)
            before = read
    return sum(kept) / len(kept)


def redact(gate: PrivacyGate, request: Request) -> Request:
    redaction = gate.redact(request, gate.inspect(request, agent_sensitive=False))
    return request if redaction is None else redaction.request


def call_of(request: Request) -> Call:
    return Call(
        id="c",
        model=MODEL,
        messages=request.messages,
        tools=request.tools,
        max_output=1024,
        input_tokens=1,
        first_byte_s=1.0,
        idle_s=1.0,
    )


def pieces(body: dict[str, Any]) -> list[str]:
    """A body as an engine reads it: tools and instructions, then each part of each turn."""
    said: list[Any] = [body.get("tools"), body.get("systemInstruction")]
    for turn in body.get("contents", ()):
        said += [(turn["role"], part) for part in turn["parts"]]
    for message in body.get("messages", ()):
        said += [(message["role"], text) for text in str(message["content"]).split("\n\n") if text]
    return [json.dumps(each) for each in said]


# ---- the response cache -------------------------------------------------------------------------------------------


async def repeats(data: Path) -> list[Figure]:
    """Each prompt is asked twice inside each body, with other times and ids the second time."""
    figures: list[Figure] = []
    asked = prompts(data)[:: max(1, len(prompts(data)) // ASKED)]
    wrong = tried = 0
    for name, wrap in envelopes(data):
        reader = EnvelopeReader()
        with tempfile.TemporaryDirectory() as folder:
            cache = await ResponseCache.open(Path(folder) / "c.db", settings_cache.Cache(semantic=False), clock=CLOCK)
            firsts = [read(reader, wrap(prompt)) for prompt in asked]
            for first in firsts:
                await cache.store(first, ANSWER, model_class="auto")
            again = [read(reader, later(wrap(prompt))) for prompt in asked]
            may = [each for each in again if may_use(each)]
            hits = [await cache.lookup(each, model_class="auto") for each in may]
            for first in firsts:
                for other in others(first):
                    tried += 1
                    wrong += await cache.lookup(read(reader, other), model_class="auto") is not None
            await cache.close()
        if may:
            served = sum(hit is not None for hit in hits) / len(may)
            figures.append(at_least(f"{name}: repeats served of {len(may)} that may be", served, 1.0))
    return [*figures, at_most(f"wrong hits on {tried} adversarial pairs", wrong, 0)]


def read(reader: EnvelopeReader, request: Request) -> Request:
    return replace(request, envelope=reader.read(request))


def later(request: Request) -> Request:
    """The same a while later, in another session."""

    def changed(text: str) -> str:
        text = re.sub(r"\b2026-11-30( \d\d:\d\d)?", lambda at: "2026-12-03" + (" 07:16" if at[1] else ""), text)
        text = re.sub(r"\bMon (?=2026)", "Thu ", text).replace("Mon Nov 30 2026", "Thu Dec 03 2026")
        return re.sub(r"\b0{8}-0000-4000-8000-0{12}\b", "5b1e7c00-91aa-4c1e-8000-77aa01bc23de", text)

    messages = tuple(replace(message, text=changed(message.text), seams=()) for message in request.messages)
    return replace(request, messages=messages)


def others(request: Request) -> Iterator[Request]:
    """Requests that ask in the same words, and whose answer may be another."""
    question, messages = cache_key.question_of(request), request.messages
    asked = next(at for at, message in enumerate(messages) if question in message.text)
    first = messages[0]
    said = (Message(role="user", text="We use Rust."), Message(role="assistant", text="Noted."))
    yield replace(request, agent="writer", envelope=None)
    yield replace(request, tools=request.tools[1:], envelope=None)
    yield replace(request, tools=request.tools[::-1], envelope=None)
    yield replace(request, messages=(replace(first, text=first.text + "\nAnswer in French."), *messages[1:]))
    yield replace(request, messages=(*messages[:asked], *said, *messages[asked:]))
    yield replace(request, messages=_with_ask(messages, asked, question, question + " In one word."))


def _with_ask(messages: tuple[Message, ...], at: int, question: str, other: str) -> tuple[Message, ...]:
    changed = replace(messages[at], text=messages[at].text.replace(question, other), seams=())
    return (*messages[:at], changed, *messages[at + 1 :])


CLOCK = SystemClock()
ANSWER = StoredAnswer(
    text="An answer.",
    engine="cloud",
    model=MODEL,
    finish="stop",
    tokens=Tokens(input=1, output=1),
    intent="coding",
    complexity=0.1,
    baseline_usd=Decimal(0),
    cost_usd=Decimal(0),
    stored_at=datetime(2026, 11, 30, tzinfo=UTC),
)
