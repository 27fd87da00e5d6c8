"""Is a prompt inside an agent's envelope read like the bare prompt?

Each labelled prompt of agents-intents is asked bare, and inside the envelope of each program: in every recorded body,
in the place of its question, and in the shapes of `bodies`, in first turns, after tools' results and after other turns.
Both are read, classified and decided with two engines, idle, of the built-in kind. Once with a memory that has seen no
request before, once with one that has seen all before it. A program's figure is that of its worst way.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import cycle
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from backends.envelope.reader import EnvelopeReader
from backends.gateway.dialects import any_dialect
from backends.routing.classify.classifier import Classifier
from backends.routing.decide import EngineView, Inputs, decide
from backends.routing.quality.ability import CLOUD_REFERENCE, LOCAL_REFERENCE, weaknesses
from backends.routing.quality.dial import Dial
from backends.types import CLOUD, LOCAL, Classes, Message, Request, Verdict
from backends.upstream.engine_slot import QWEN_SPEAKS
from benchmarks.evaluation.agents import bodies
from benchmarks.evaluation.agents.figure import Figure, at_least, at_most

STEP = 2
"""Each how many-th prompt is asked in each way, which takes some milliseconds."""

KNOWN_GOAL, UNKNOWN_GOAL, RANK_GOAL = 0.95, 0.85, 0.95
READING_MS = 1.0

LOCAL_VIEW = EngineView(
    name="local",
    zone=LOCAL,
    model="qwen2.5:14b",
    ability=LOCAL_REFERENCE,
    local_proved=True,
    context=32_768,
    vision=True,
)
CLOUD_VIEW = EngineView(
    name="cloud",
    zone=CLOUD,
    model="gemini",
    ability=CLOUD_REFERENCE,
    expected_usd=Decimal("0.001"),
    context=1_000_000,
    vision=True,
)

Wrap = Callable[[str], Request]


class Judged(NamedTuple):
    intent: str
    engine: str
    complexity: float


class Agreement(NamedTuple):
    """Shares of prompts that are judged alike, and the rank correlation of their complexities."""

    intent: float
    engine: float
    ranks: float


class Judge:
    """Reads, classifies and decides, as the pipeline does."""

    def __init__(self) -> None:
        self._classifier, self._scale = Classifier.load(), Dial.load()

    def __call__(self, request: Request, reader: EnvelopeReader) -> Judged:
        request = replace(request, envelope=reader.read(request))
        classes = self._classifier.classify(request)
        return Judged(classes.intent, decide(inputs(request, classes, self._scale)).engine, classes.complexity)


def inputs(request: Request, classes: Classes, scale: Dial) -> Inputs:
    weak = weaknesses(classes, QWEN_SPEAKS)
    return Inputs(
        request=request,
        verdict=Verdict(sensitive=False),
        classes=classes,
        policy="auto",
        dial=0.8,
        scale=scale,
        deadline_s=120.0,
        engines=(
            replace(LOCAL_VIEW, quality=classes.p_local * prod(weight for _, weight in weak)),
            replace(CLOUD_VIEW, quality=classes.p_cloud),
        ),
        p_reference=classes.p_cloud,
    )


def measure(data: Path) -> Iterator[Figure]:
    judge, asked = Judge(), prompts(data)[::STEP]
    bare = [judge(plain(prompt), EnvelopeReader()) for prompt in asked]
    found: dict[str, list[Agreement]] = {}
    for client, wraps in ways(data):
        found.setdefault(client, []).extend(agreements(judge, asked, bare, wraps))
    for client in sorted(found.keys() - bodies.OTHERS.keys()):
        yield from worst(client, found[client], KNOWN_GOAL)
    for client in sorted(bodies.OTHERS):
        yield from worst(f"{client}, in no table", found[client], UNKNOWN_GOAL)
    yield from reading_time(data)


def agreements(
    judge: Judge, asked: Sequence[str], bare: Sequence[Judged], wraps: Sequence[Wrap]
) -> Iterator[Agreement]:
    """With a new memory for each request, and with one for all; each prompt in one of the ways, by turns."""
    requests = [wrap(prompt) for wrap, prompt in zip(cycle(wraps), asked, strict=False)]
    memory = EnvelopeReader()
    yield agreement(bare, [judge(request, EnvelopeReader()) for request in requests])
    yield agreement(bare, [judge(request, memory) for request in requests])


def agreement(bare: Sequence[Judged], wrapped: Sequence[Judged]) -> Agreement:
    pairs = list(zip(bare, wrapped, strict=True))
    return Agreement(
        float(np.mean([one.intent == other.intent for one, other in pairs])),
        float(np.mean([one.engine == other.engine for one, other in pairs])),
        rank_correlation([one.complexity for one in bare], [one.complexity for one in wrapped]),
    )


def worst(name: str, found: Sequence[Agreement], goal: float) -> Iterator[Figure]:
    yield at_least(f"{name}: same intent", min(each.intent for each in found), goal)
    yield at_least(f"{name}: same engine", min(each.engine for each in found), goal)
    yield at_least(f"{name}: complexity, rank correlation", min(each.ranks for each in found), RANK_GOAL)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's; 0 where one of them is constant."""
    ranks = [mean_ranks(np.array(values)) for values in (first, second)]
    if any(np.ptp(each) == 0 for each in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def mean_ranks(values: Any) -> Any:
    """The rank of each value; equal ones share their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def reading_time(data: Path) -> Iterator[Figure]:
    """CPU of reading the recorded requests of 50 kB and more, of the slowest body, in ms: the fastest of 40 readings,
    which other work on the machine has disturbed least.
    """
    times: list[tuple[float, float]] = []
    for _, wrap in envelopes(data):
        requests = [wrap(f"Question {number}: why does it stop?") for number in range(40)]
        if sum(len(message.text) for message in requests[0].messages) > 40_000:
            firsts = milliseconds((EnvelopeReader(), request) for request in requests)
            memory = EnvelopeReader()
            times.append((firsts, milliseconds((memory, request) for request in requests)))
    yield at_most("reading 59 kB, CPU, an agent's first request", max(first for first, _ in times), READING_MS, "ms")
    yield at_most("reading 59 kB, CPU, a later one", max(later for _, later in times), READING_MS, "ms")


def milliseconds(reads: Iterable[tuple[EnvelopeReader, Request]]) -> float:
    took = []
    for reader, request in reads:
        began = time.thread_time()
        reader.read(request)
        took.append((time.thread_time() - began) * 1_000)
    return min(took)


# ---- the ways of asking ----------------------------------------------------------------------------------------------


def prompts(data: Path) -> list[str]:
    files = (data / "routing" / name for name in ("agents-intents.jsonl", "agents-intents-2.jsonl"))
    return [json.loads(line)["prompt"] for file in files for line in file.read_text("utf-8").splitlines()]


def plain(prompt: str) -> Request:
    return Request(id="bare", agent="coding", messages=(Message(role="user", text=prompt),))


def ways(data: Path) -> Iterator[tuple[str, list[Wrap]]]:
    """Programs, by the first word of their files' names and by their shapes, and how each asks a question."""
    for name, wrap in envelopes(data):
        yield name.partition("-")[0], [wrap]
    for client in bodies.SHAPES:
        yield client, [shaped(client, turn) for turn in bodies.turns(client)]


def envelopes(data: Path) -> Iterator[tuple[str, Wrap]]:
    """Each recorded body, of five APIs, by its file's name, with its question replaced."""
    for path in sorted((data / "agent-bodies").glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        sent = {name.lower(): value for name, value in content["headers"].items()}
        yield path.stem, replacing(canonical(content["body"], sent.get("user-agent", "")))


def canonical(body: dict[str, Any], user_agent: str) -> Request:
    read = any_dialect.read_fields(body)
    return Request(
        id="wrapped",
        agent="coding",
        messages=read.messages,
        tools=read.tools,
        tool_choice=read.tool_choice,
        source="gateway",
        user_agent=user_agent,
    )


def shaped(client: str, turn: bodies.Turn) -> Wrap:
    agent = bodies.headers(client)["user-agent"]
    return lambda prompt: canonical(bodies.body(client, prompt, turn=turn, filling=4_000), agent)


def replacing(request: Request) -> Wrap:
    """The request with another question: the last part of the last user's text that is no block of a program."""
    spoken = [at for at, message in enumerate(request.messages) if message.role == "user"]
    place = next(at for at in reversed(spoken) if not request.messages[at].text.startswith("<<<"))
    message = request.messages[place]
    start = message.seams[-1] if message.seams else 0
    before, question, behind = parts(message.text[start:])

    def wrap(prompt: str) -> Request:
        asked = f'"{prompt}"' if question.startswith('"') else prompt
        text = f"{message.text[:start]}{before}{asked}{behind}"
        messages = (*request.messages[:place], replace(message, text=text), *request.messages[place + 1 :])
        return replace(request, messages=messages)

    return wrap


def parts(text: str) -> tuple[str, str, str]:
    """What stands before the question in a part, the question, and what stands behind it."""
    start = text.index("] ") + 2 if text.startswith("[") and "] " in text else 0
    end = text.find("\n\nRuntime:")
    end = len(text) if end < 0 else end
    return text[:start], text[start:end], text[end:]
