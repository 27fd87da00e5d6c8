"""The cache as the pipeline sees it: look up, store, flush, and count.

An exact hit comes from memory in microseconds or from the file in a fraction of a millisecond; where there is none, the
semantic tier may find the same question in other words. Nothing here raises: a cache that fails is a miss.
"""

import asyncio
import heapq
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from backends import settings as settings_
from backends.cache import key as keys
from backends.cache import lifetime
from backends.cache.database import Database
from backends.cache.disk import Disk
from backends.cache.entry import Entry, Hit, Stored
from backends.cache.front import Front
from backends.cache.guards import stopped_by
from backends.cache.semantic import Near, NearMiss, Semantic
from backends.cache.wall import Wall
from backends.clock import Clock
from backends.types import ZERO, CacheEntry, CacheStats, Request

__all__ = ["Cache", "Hit", "Stored"]

TOP = 5
LARGE = 128 * 1024  # characters of a conversation from which its key is computed off the event loop


class Cache:
    def __init__(self, disk: Disk, settings: settings_.Cache, *, clock: Clock) -> None:
        self._disk = disk
        self._settings = settings
        self._wall = Wall(clock)
        self._front = Front()
        self._semantic = Semantic(disk)
        self._uses: dict[bytes, tuple[float, int]] = {}
        self._lookups = self._exact_hits = self._semantic_hits = self._shared_flights = 0
        self._saved_usd: Decimal = ZERO

    @classmethod
    async def open(cls, path: Path, settings: settings_.Cache, *, clock: Clock) -> "Cache":
        """Open or create the file at `path`. A file that cannot be used is no error: `stats().problem` says why."""
        disk = Disk(path, max_bytes=settings.max_bytes, clock=clock)
        await disk.call(Database.recount)
        return cls(disk, settings, clock=clock)

    def start_semantic(self) -> None:
        """Begin to load the embedding model in a thread; does nothing where the setting is off or it began already."""
        if self._settings.semantic and self._settings.risk > 0:
            self._semantic.start()

    async def lookup(self, request: Request, *, model_class: str) -> Hit | None:
        """A stored answer that serves `request`, or None."""
        if not self._serves(request):
            return None
        self._lookups += 1
        found = await self._keys(request, model_class)
        if found is None:
            return None
        part, key = found
        if self._settings.exact and (hit := await self._exact(key)):
            self._exact_hits += 1
            return hit
        question = keys.question(request)
        if lifetime.asks_for_now(question):
            return None  # a question without the "now" may have been kept
        if hit := await self._paraphrase(part, question, agent=request.agent):
            self._semantic_hits += 1
            return hit
        return None

    async def store(self, request: Request, stored: Stored, *, model_class: str) -> None:
        """Keep an answer, if it is whole, may be kept, and stays true for a while."""
        if not self._serves(request):
            return
        if not lifetime.may_keep(finish=stored.finish, text=stored.text, called=bool(stored.tool_calls)):
            return
        question = keys.question(request)
        seconds = lifetime.lifetime_s(request, intent=stored.intent, question=question)
        found = await self._keys(request, model_class) if seconds else None
        if found is None:
            return
        part, key = found
        now = self._wall.now()
        entry = Entry(
            key=key,
            partition=part,
            agent=request.agent,
            question=question,
            stored=stored,
            stored_at=now,
            expires_at=now + seconds,
            size=0,
        )
        self._front.put(entry)
        uses = self._taken_uses()
        written = await self._disk.call(lambda database: database.put(entry, uses))
        if written is not None:
            self._forget(written.evicted)
            if written.size:
                self._semantic.add(entry)
                self._weigh(entry, written.size)

    def _weigh(self, entry: Entry, size: int) -> None:
        """Its size is known once it is on disk; by then it may have been used, replaced or flushed."""
        kept = self._front.get(entry.key)
        if kept is not None and kept.stored_at == entry.stored_at:
            self._front.put(replace(kept, size=size))

    async def flush(self, agent: str | None = None) -> int:
        """Forget one agent's answers, or all; returns how many there were."""
        self._front.drop_agent(agent)
        gone = await self._disk.call(lambda database: database.flush(agent)) or []
        self._front.drop_agent(agent)
        self._forget(gone)
        return len(gone)

    def shared_flight(self) -> None:
        """Count a caller that shared another's call in flight."""
        self._shared_flights += 1

    def saved(self, usd: Decimal) -> None:
        """Count what a hit saved."""
        self._saved_usd += usd

    def stats(self) -> CacheStats:
        now = self._wall.now()
        top = heapq.nlargest(TOP, (entry for entry in self._front if entry.hits), key=lambda entry: entry.hits)
        return CacheStats(
            lookups=self._lookups,
            exact_hits=self._exact_hits,
            semantic_hits=self._semantic_hits,
            shared_flights=self._shared_flights,
            saved_usd=self._saved_usd,
            entries=self._disk.entries,
            bytes=self._disk.bytes,
            semantic=self._semantic.state,
            semantic_detail=self._semantic.detail,
            top=tuple(
                CacheEntry(
                    agent=entry.agent,
                    intent=entry.stored.intent,
                    hits=entry.hits,
                    age_s=max(0.0, now - entry.stored_at),
                    bytes=entry.size,
                )
                for entry in top
            ),
            near_misses=tuple(str(miss) for miss in self._semantic.near_misses),
            problem=self._disk.problem,
        )

    async def close(self) -> None:
        """Stop the semantic tier, write what is noted, end both threads."""
        await self._semantic.close()
        uses = self._taken_uses()
        await self._disk.call(lambda database: database.note_uses(uses))
        await self._disk.close()

    def _serves(self, request: Request) -> bool:
        return lifetime.may_use(request) and (self._settings.exact or self._settings.semantic)

    async def _keys(self, request: Request, model_class: str) -> tuple[bytes, bytes] | None:
        try:
            if sum(len(message.text) for message in request.messages) > LARGE:
                return await asyncio.to_thread(_both_keys, request, model_class)
            return _both_keys(request, model_class)
        except UnicodeEncodeError:
            return None  # lone surrogates have no bytes to key by

    async def _exact(self, key: bytes) -> Hit | None:
        entry = self._front.get(key)
        if entry is None and self._disk.entries:
            entry = next(iter(await self._disk.call(lambda database: database.get((key,))) or ()), None)
        return self._served(entry, None) if entry is not None else None

    async def _paraphrase(self, part: bytes, question: str, *, agent: str) -> Hit | None:
        near = await self._semantic.nearest(part, question)
        if not near.candidates:
            return None
        judged = await self._disk.call(lambda database: _judge(database, question, near)) or []
        self._semantic.drop({candidate.key for candidate in near.candidates} - {entry.key for entry, _, _ in judged})
        for entry, similarity, guard in judged:
            if guard:
                self._semantic.near_misses.append(NearMiss(agent, similarity, guard))
            elif hit := self._served(entry, similarity):
                return hit
        return None

    def _served(self, entry: Entry, similarity: float | None) -> Hit | None:
        """A hit on `entry`, unless it is too old, or from a time that has not come."""
        now = self._wall.now()
        if not entry.stored_at <= now < entry.expires_at:
            self._front.drop((entry.key,))
            return None
        self._front.put(replace(entry, hits=entry.hits + 1))
        _, hits = self._uses.get(entry.key, (now, 0))
        self._uses[entry.key] = (now, hits + 1)
        return Hit(
            tier="exact" if similarity is None else "semantic",
            stored=entry.stored,
            age_s=now - entry.stored_at,
            similarity=similarity,
        )

    def _taken_uses(self) -> dict[bytes, tuple[float, int]]:
        uses, self._uses = self._uses, {}
        return uses

    def _forget(self, gone: Iterable[bytes]) -> None:
        gone = set(gone)
        self._front.drop(gone)
        self._semantic.drop(gone)


def _both_keys(request: Request, model_class: str) -> tuple[bytes, bytes]:
    part = keys.partition(request, model_class=model_class)
    return part, keys.exact_in(part, keys.question(request))


def _judge(database: Database, question: str, near: Near) -> list[tuple[Entry, float, str | None]]:
    """Each neighbour that is still there, its similarity, and the guard that stops it; some 0.2 ms a pair."""
    candidates = {candidate.key: candidate for candidate in near.candidates}
    judged = []
    for entry in database.get(list(candidates)):
        candidate = candidates[entry.key]
        same_tail = question[near.read :] == entry.question[candidate.read :]
        judged.append((entry, candidate.similarity, stopped_by(question, entry.question) if same_tail else "length"))
    return judged
