"""The memory tier's S3-FIFO against the LRU of cachetools, on recorded questions and agents' sessions.

    pip install --group bench
    python -m benchmarks.perf.cache_eviction --data DIR [--json] [--runs N]

`DIR/semcache/*-stream.jsonl` are questions in their order of arrival; questions of one group are one entry, as the
semantic tier serves them. `DIR/agent-sessions/sessions.jsonl.gz` are sessions whose every turn is a request of its own.
Sources are interleaved at random, N times; each request looks its entry up and then stores it.
"""

import argparse
import gzip
import hashlib
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from cachetools import LRUCache

from backends.cache.memory_tier import MemoryTier, bytes_in_memory
from backends.cache.stored_answer import StoredAnswer, StoredEntry
from backends.clock import SystemClock
from backends.types import Tokens

ROOMS = (0.05, 0.1, 0.25, 0.5, 1.1)  # of what all distinct entries take
ANSWER = "x" * 900


class Tier(Protocol):
    def get(self, key: bytes) -> StoredEntry | None: ...

    def put(self, entry: StoredEntry) -> None: ...


class Lru:
    def __init__(self, max_bytes: int) -> None:
        self._entries: LRUCache[bytes, StoredEntry] = LRUCache(max_bytes, getsizeof=bytes_in_memory)

    def get(self, key: bytes) -> StoredEntry | None:
        entry: StoredEntry | None = self._entries.get(key)
        return entry

    def put(self, entry: StoredEntry) -> None:
        self._entries[entry.key] = entry


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.perf.cache_eviction", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args(argv)
    questions, sessions = streams(arguments.data / "semcache"), turns(arguments.data / "agent-sessions")
    sources = {"sessions": sessions, "questions": questions, "both": questions + sessions}
    rows = [
        compare(name, [interleaved(lists, seed) for seed in range(arguments.runs)], room)
        for name, lists in sources.items()
        for room in ROOMS
    ]
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        print(
            f"{row['source']:<9} {row['requests']:>5} requests, room for {row['room']:>5} of {row['distinct']:>5}   "
            f"hits S3-FIFO {row['s3_fifo']:.3f}, LRU {row['lru']:.3f}   "
            f"µs S3-FIFO {row['s3_fifo_us']:.2f}, LRU {row['lru_us']:.2f}"
        )
    return 0


def streams(folder: Path) -> list[list[str]]:
    """The group of each question, one list a file. Raises FileNotFoundError where there is none."""
    paths = sorted(folder.glob("*-stream.jsonl"))
    if not paths:
        raise FileNotFoundError(f"no *-stream.jsonl in {folder}")
    return [[json.loads(line)["group"] for line in path.read_text("utf-8").splitlines()] for path in paths]


def turns(folder: Path) -> list[list[str]]:
    """A digest of each request's messages, one list a session."""
    found = []
    with gzip.open(folder / "sessions.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            digest, requests = hashlib.sha256(), []
            for message in json.loads(line)["messages"]:
                digest.update(message["text"].encode())
                if message["role"] != "assistant":
                    requests.append(digest.hexdigest())
            found.append(requests)
    return found


def interleaved(lists: Sequence[Sequence[str]], seed: int) -> list[str]:
    """All names, each list in its own order."""
    order = [index for index, names in enumerate(lists) for _ in names]
    random.Random(seed).shuffle(order)
    rest = [iter(names) for names in lists]
    return [next(rest[index]) for index in order]


def compare(source: str, traces: list[list[str]], room: float) -> dict[str, float | str]:
    entries = {name: entry(name) for trace in traces for name in trace}
    distinct, size = len(entries), bytes_in_memory(next(iter(entries.values())))
    max_bytes = int(room * distinct) * size
    s3_fifo = [played(MemoryTier, max_bytes, trace, entries) for trace in traces]
    lru = [played(Lru, max_bytes, trace, entries) for trace in traces]
    return {
        "source": source,
        "requests": len(traces[0]),
        "distinct": distinct,
        "room": max_bytes // size,
        "s3_fifo": statistics.mean(share for share, _ in s3_fifo),
        "lru": statistics.mean(share for share, _ in lru),
        "s3_fifo_us": min(us for _, us in s3_fifo),
        "lru_us": min(us for _, us in lru),
    }


def played(
    tier: Callable[[int], Tier], max_bytes: int, trace: list[str], entries: dict[str, StoredEntry]
) -> tuple[float, float]:
    """The share of requests that hit, and microseconds a request."""
    kept, hits = tier(max_bytes), 0
    began = time.perf_counter()
    for name in trace:
        asked = entries[name]
        hits += kept.get(asked.key) is not None
        kept.put(asked)
    return hits / len(trace), (time.perf_counter() - began) / len(trace) * 1e6


def entry(name: str) -> StoredEntry:
    """All entries have the same size, so that a room is a number of them."""
    return StoredEntry(
        key=hashlib.sha256(name.encode()).digest(),
        partition=b"p" * 32,
        agent="bench",
        question="q" * 60,
        stored=StoredAnswer(
            text=ANSWER,
            engine="local",
            model="qwen2.5:14b",
            finish="stop",
            tokens=Tokens(input=40, output=200),
            intent="coding",
            complexity=0.2,
            baseline_usd=Decimal("0.0005"),
            cost_usd=Decimal(0),
            stored_at=SystemClock().now(),
        ),
        stored_at=0.0,
        expires_at=1e12,
        size=0,
    )


if __name__ == "__main__":
    sys.exit(main())
