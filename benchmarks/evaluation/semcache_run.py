"""The semantic tier's decisions on pairs, and its hits on a stream of prompts. Labels are never read."""

import asyncio
import gzip
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from backends.cache.equivalence.equivalence_judge import EquivalenceJudge
from backends.cache.response_cache import ResponseCache
from backends.cache.semantic.embedders import Embedded, Embedder
from backends.cache.semantic.semantic_tier import LONGEST
from backends.cache.stored_answer import StoredAnswer
from backends.clock import SystemClock
from backends.settings.cache import Cache as Settings
from backends.types import Message, Request, Tokens

BATCH = 8  # of texts of much the same length, as each is padded to the longest
PATIENCE_S = 60.0
LOOKS_S = 0.002  # between two looks whether what was stored can be found


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of JSON lines, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """As many as there were."""
    lines = [json.dumps(row) + "\n" for row in rows]
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        file.writelines(lines)
    return len(lines)


def decide(rows: list[dict[str, Any]], embedder: Embedder, *, risk: float | None = None) -> Iterator[dict[str, Any]]:
    """For each pair, with `a` stored and `b` asked, whether `a`'s answer would be served."""
    judge = EquivalenceJudge(embedder)
    threshold = judge.threshold(Settings().risk if risk is None else risk)
    embedded = _embedded(rows, embedder)
    for row in rows:
        stored, asked = embedded[row["a"]], embedded[row["b"]]
        similarity = min(1.0, float(stored.vector @ asked.vector))
        (judgement,) = judge.judge(row["b"], [row["a"]], [similarity])
        stopped = judgement.stopped_by
        if row["a"][stored.read :] != row["b"][asked.read :]:
            stopped = "length"
        elif stopped is None and similarity < embedder.floor:
            stopped = "similarity"
        elif stopped is None and judgement.hit_score < threshold:
            stopped = "risk"
        yield {
            "id": row["id"],
            "hit": stopped is None,
            "similarity": round(similarity, 4),
            "stopped_by": stopped,
            "score": round(judgement.hit_score, 5),
        }


def _embedded(rows: list[dict[str, Any]], embedder: Embedder) -> dict[str, Embedded]:
    texts = sorted({row[side] for row in rows for side in "ab"}, key=len)
    found: dict[str, Embedded] = {}
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        found |= dict(zip(batch, embedder.embed(batch), strict=True))
    return found


async def replay(rows: Iterable[dict[str, Any]], *, embedder: str = "auto") -> list[dict[str, Any]]:
    """Each prompt in turn through the cache's own look-up; what is missed is stored, with its id for an answer."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(embedder=embedder)
        cache = await ResponseCache.open(Path(folder) / "cache.db", settings, clock=SystemClock())
        cache.start_semantic()
        try:
            await _until(lambda: cache.stats().semantic != "loading")
            if cache.stats().semantic != "on":
                raise RuntimeError(f"the semantic tier is {cache.stats().semantic}: {cache.stats().semantic_detail}")
            return [await _asked(cache, row) for row in rows]
        finally:
            await cache.close()


async def _asked(cache: ResponseCache, row: dict[str, Any]) -> dict[str, Any]:
    request = Request(id=row["id"], agent="replay", messages=(Message(role="user", text=row["text"]),))
    hit = await cache.lookup(request, model_class="replay")
    if hit is None:
        before = cache.stats()
        await cache.store(request, _answer(row["id"]), model_class="replay")
        if cache.stats().entries > before.entries and 0 < len(row["text"]) <= LONGEST:
            await _until(lambda: cache.stats().vectors > before.vectors)
    return {"id": row["id"], "hit": hit is not None, "source_id": hit.stored.text if hit else None}


def _answer(text: str) -> StoredAnswer:
    return StoredAnswer(
        text=text,
        engine="local",
        model="replay",
        finish="stop",
        tokens=Tokens(),
        intent="chat",
        complexity=0.0,
        baseline_usd=Decimal(0),
        cost_usd=Decimal(0),
        stored_at=SystemClock().now(),
    )


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 — the cache tells nobody when a vector is in
            await asyncio.sleep(LOOKS_S)
