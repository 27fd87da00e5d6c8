"""Decision time: each stage as a multiple of SHA-256 of the same prompt, so that a figure means the same everywhere."""

import hashlib
from collections.abc import Callable
from functools import partial
from time import perf_counter, thread_time
from typing import Any

from backends.privacy import PrivacyGate
from backends.routing.classify.classifier import Classifier
from backends.settings.privacy import Privacy
from backends.types import Message, Request
from backends.upstream import token_count as tokens

SENTENCE = (
    "The council met on Monday to discuss ferry 42, and Meera will send 3 estimates to the office by Friday noon. "
)
SIZES = {"200 tokens": 8, "2,000 tokens": 80, "1 MiB": 9_700}
FLOOR_BYTES = 1 << 20


def speed() -> dict[str, dict[str, Any]]:
    """CPU milliseconds (median, 99th percentile) and multiples of hashing one MiB."""
    classifier, gate = Classifier.load(), PrivacyGate(Privacy())
    floor = timed(lambda: hashlib.sha256(b"x" * FLOOR_BYTES).digest(), 50)[0]
    figures: dict[str, dict[str, Any]] = {"sha256 of 1 MiB": {"median_ms": round(floor, 3)}}
    began = perf_counter()
    Classifier.load()
    figures["load"] = {"ms": round((perf_counter() - began) * 1000, 1)}
    for size, repeats in SIZES.items():
        request = Request(id="b", messages=(Message(role="user", text="Summarise: " + SENTENCE * repeats),))
        rounds = 5 if repeats > 1_000 else 300
        stages: dict[str, Callable[[], object]] = {
            "classify": partial(classifier.classify, request),
            "privacy": partial(gate.inspect, request, agent_sensitive=False),
            "tokens": partial(tokens.count, request),
        }
        for stage, run in stages.items():
            median, slow = timed(run, rounds)
            figures[f"{stage}, {size}"] = {
                "median_ms": round(median, 3),
                "p99_ms": round(slow, 3),
                "x_sha256_1MiB": round(median / floor, 2),
            }
    return figures


def timed(run: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median and 99th percentile of CPU milliseconds."""
    run()
    spent = []
    for _ in range(rounds):
        began = thread_time()
        run()
        spent.append((thread_time() - began) * 1000)
    spent.sort()
    return spent[len(spent) // 2], spent[min(len(spent) - 1, len(spent) * 99 // 100)]
