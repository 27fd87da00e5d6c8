"""Is a prompt inside an agent's envelope read like the bare prompt?

Each labelled prompt of agents-intents is asked bare, and inside each recorded body in the place of its question. Both
are read, classified and decided with two engines, idle, of the built-in kind.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from backends.envelope.reader import EnvelopeReader
from backends.gateway.dialects.openai_chat import chat_request
from backends.routing.classify import Classifier
from backends.routing.decide import EngineView, Inputs, decide
from backends.routing.quality import Dial
from backends.routing.quality.ability import CLOUD_REFERENCE, LOCAL_REFERENCE, weaknesses
from backends.types import CLOUD, LOCAL, Classes, Message, Request, Verdict
from backends.upstream.engine_slot import QWEN_SPEAKS
from benchmarks.evaluation.agents.figure import Figure, at_least

GOAL = 0.95
EACH = 150
"""Prompts for each body: every one takes about 5 ms."""


HOME = EngineView(name="local", zone=LOCAL, model="qwen2.5:14b", ability=LOCAL_REFERENCE, local_proved=True)
AWAY = EngineView(name="cloud", zone=CLOUD, model="gemini", ability=CLOUD_REFERENCE, expected_usd=Decimal("0.001"))
LOCAL_WINDOW, CLOUD_WINDOW = 32_768, 1_000_000


class Judged(NamedTuple):
    intent: str
    engine: str
    complexity: float


class Judge:
    """Reads, classifies and decides, as the pipeline does."""

    def __init__(self) -> None:
        self._classifier, self._scale = Classifier.load(), Dial.load()

    def __call__(self, request: Request, reader: EnvelopeReader) -> Judged:
        request = replace(request, envelope=reader.read(request))
        classes = self._classifier.classify(request)
        decision = decide(inputs(request, classes, self._scale))
        return Judged(classes.intent, decision.engine, classes.complexity)


def inputs(request: Request, classes: Classes, scale: Dial) -> Inputs:
    weak = weaknesses(classes, QWEN_SPEAKS)
    home = replace(HOME, quality=classes.p_local * prod(each for _, each in weak), context=LOCAL_WINDOW)
    away = replace(AWAY, quality=classes.p_cloud, context=CLOUD_WINDOW, vision=True)
    return Inputs(
        request=request,
        verdict=Verdict(sensitive=False),
        classes=classes,
        policy="auto",
        dial=0.8,
        scale=scale,
        deadline_s=120.0,
        engines=(replace(home, vision=True), away),
        p_reference=classes.p_cloud,
    )


def measure(data: Path) -> Iterator[Figure]:
    judge, asked = Judge(), prompts(data)[:: max(1, len(prompts(data)) // EACH)]
    bare = [judge(plain(prompt), EnvelopeReader()) for prompt in asked]
    for name, wrap in envelopes(data):
        reader = EnvelopeReader()
        yield from agreement(name, bare, [judge(wrap(prompt), reader) for prompt in asked], GOAL)


def agreement(name: str, bare: Sequence[Judged], wrapped: Sequence[Judged], goal: float) -> Iterator[Figure]:
    pairs = list(zip(bare, wrapped, strict=True))
    yield at_least(f"{name}: same intent", float(np.mean([a.intent == b.intent for a, b in pairs])), goal)
    yield at_least(f"{name}: same engine", float(np.mean([a.engine == b.engine for a, b in pairs])), goal)
    ranks = rank_correlation([a.complexity for a, _ in pairs], [b.complexity for _, b in pairs])
    yield at_least(f"{name}: complexity, rank correlation", ranks, goal)


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


def prompts(data: Path) -> list[str]:
    files = (data / "routing" / name for name in ("agents-intents.jsonl", "agents-intents-2.jsonl"))
    return [json.loads(line)["prompt"] for file in files for line in file.read_text("utf-8").splitlines()]


def plain(prompt: str) -> Request:
    return Request(id="bare", agent="coding", messages=(Message(role="user", text=prompt),))


def envelopes(data: Path) -> Iterator[tuple[str, Callable[[str], Request]]]:
    """Each recorded chat body, with its question replaced."""
    for path in sorted((data / "agent-bodies").glob("*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        if isinstance(recorded["body"].get("messages"), list) and "system" not in recorded["body"]:
            yield path.stem, wrapping(recorded)


def wrapping(recorded: dict[str, Any]) -> Callable[[str], Request]:
    """The recorded request with another question: the last user's text that is no block of the program's own."""
    headers = {name.lower(): value for name, value in recorded["headers"].items()}
    body = chat_request.read(json.dumps(recorded["body"]).encode())
    spoken = [at for at, message in enumerate(body.messages) if message.role == "user"]
    place = next(at for at in reversed(spoken) if not body.messages[at].text.startswith("<<<"))

    def wrap(prompt: str) -> Request:
        message = body.messages[place]
        before, question, after = parts(message.text)
        if question.startswith('"'):
            prompt = f'"{prompt}"'
        asked = replace(message, text=f"{before}{prompt}{after}", seams=())
        return Request(
            id="wrapped",
            agent="coding",
            messages=(*body.messages[:place], asked, *body.messages[place + 1 :]),
            tools=body.tools,
            source="gateway",
            user_agent=headers.get("user-agent", ""),
        )

    return wrap


def parts(text: str) -> tuple[str, str, str]:
    """What stands before the question, the question, and what stands behind it."""
    start = text.index("] ") + 2 if text.startswith("[") and "] " in text else 0
    end = text.find("\n\nRuntime:")
    end = len(text) if end < 0 else end
    return text[:start], text[start:end], text[end:]
