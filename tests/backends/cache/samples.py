"""Requests, answers and an embedder for the cache's tests."""

import re
import zlib
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from backends.cache.semantic.embedders import DIMENSIONS, Embedded
from backends.cache.stored_answer import StoredAnswer, StoredEntry
from backends.clock import ManualClock
from backends.types import Message, Request, Tokens


def request(text: str = "What is a mutex?", *, system: str = "Be brief.", **fields: Any) -> Request:
    messages = (Message(role="system", text=system), Message(role="user", text=text))
    return Request(**({"id": "r1", "agent": "writer", "messages": messages} | fields))


def stored(text: str = "A lock.", **fields: Any) -> StoredAnswer:
    known: dict[str, Any] = {
        "text": text,
        "engine": "cloud",
        "model": "gemini-3.5-flash-lite",
        "finish": "stop",
        "tokens": Tokens(input=12, output=3),
        "intent": "coding",
        "complexity": 0.2,
        "baseline_usd": Decimal("0.000123"),
        "cost_usd": Decimal("0.000123"),
        "stored_at": ManualClock().now(),
    }
    return StoredAnswer(**(known | fields))


def entry(
    name: str, *, agent: str = "writer", at: float = 1000.0, lives: float = 1e6, text: str = "A lock."
) -> StoredEntry:
    return StoredEntry(
        key=name.encode().ljust(32, b"."),
        partition=b"p" * 32,
        agent=agent,
        question=f"What is {name}?",
        stored=stored(text),
        stored_at=at,
        expires_at=at + lives,
        size=0,
    )


class WordEmbedder:
    """Texts with the same words lie together; as deterministic as it is simple."""

    floor = 0.7

    def __init__(self, model: str = "words", fails: Callable[[str], bool] = lambda text: False) -> None:
        self.model = model
        self.fails = fails
        self.batches: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> list[Embedded]:
        self.batches.append(list(texts))
        if any(self.fails(text) for text in texts):
            raise LookupError("weights are broken")
        return [Embedded(_vector(text), min(len(text), 600)) for text in texts]


def _vector(text: str) -> "np.ndarray[Any, np.dtype[np.float32]]":
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % DIMENSIONS] += 1
    return vector / max(1e-6, float(np.linalg.norm(vector)))
