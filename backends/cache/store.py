"""The cache as the pipeline sees it: look up, store, and what comes of it.

An exact hit comes from memory in microseconds or from the file in some more; where there is none, the semantic tier may
find the same question in other words. Nothing here raises: a cache that fails is a miss.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backends.cache import key as keys
from backends.cache import lifetime
from backends.cache.counts import Counts
from backends.cache.disk import Disk
from backends.cache.entry import Entry, Hit, Stored, entry_id
from backends.cache.front import Front
from backends.cache.seal import Seal
from backends.cache.semantic.paraphrases import NearMiss, Paraphrases
from backends.cache.semantic.semantic import Semantic
from backends.cache.served import Served
from backends.cache.statistics import statistics
from backends.cache.verdicts import By, Verdict
from backends.cache.wall import Wall
from backends.clock import Clock
from backends.off_loop import off_loop, size_of
from backends.settings import cache as settings_cache
from backends.settings.agents import Agent
from backends.types import CacheStats, Request

if TYPE_CHECKING:
    from backends.cache.semantic.embedders import Embedder

__all__ = ["Cache", "Hit", "Stored"]

COMPARED = 4000  # characters of an answer; the model reads some 1,000


class Cache:
    """`agent` gives the settings that a request's agents have; `counts` are what others count here too."""

    def __init__(
        self,
        disk: Disk,
        semantic: Semantic,
        settings: settings_cache.Cache,
        *,
        agent: Callable[[Request], Agent],
        encrypts: bool,
        clock: Clock,
    ) -> None:
        self._disk = disk
        self._settings = settings
        self._agent = agent
        self._encrypts = encrypts
        self._wall = Wall(clock)
        self._front = Front()
        self._semantic = semantic
        self._paraphrases = Paraphrases(disk, semantic, risk=settings.risk)
        self._uses: dict[bytes, tuple[float, int]] = {}
        self._served = Served()
        self.counts = Counts()

    @classmethod
    async def open(
        cls,
        path: Path,
        settings: settings_cache.Cache,
        *,
        clock: Clock,
        agent: Callable[[Request], Agent] = lambda request: Agent(),
        secret: bytes | None = None,
        ollama_url: str = "",
    ) -> "Cache":
        """Open or create the file at `path`. A file that cannot be used is no error: `stats().problem` says why.

        Without a `secret` of 32 bytes, agents whose entries should be encrypted have none.
        """
        seal = Seal(secret) if secret is not None else None
        disk = Disk(path, max_bytes=settings.max_bytes, clock=clock, seal=seal)
        await disk.call(lambda database: None)
        semantic = Semantic(disk, partial(_load, settings.embedder, ollama_url))
        return cls(disk, semantic, settings, agent=agent, encrypts=seal is not None, clock=clock)

    def start_semantic(self) -> None:
        """Begin to load the embedding model in a thread; does nothing where the setting is off or it began already."""
        if self._settings.semantic and self._settings.risk > 0:
            self._semantic.start()

    async def lookup(self, request: Request, *, model_class: str) -> Hit | None:
        """A stored answer that serves `request`, or None."""
        if request.refresh or not self._serves(request):
            return None
        hit = await self._found(request, model_class)
        self.counts.looked_up(hit.tier if hit is not None else None)
        return hit

    def nearest(self, request_id: str) -> NearMiss | None:
        """The stored question nearest to one that was looked up in vain, where one was near; told once."""
        return self._paraphrases.nearest(request_id)

    async def store(self, request: Request, stored: Stored, *, model_class: str, notes: tuple[str, ...] = ()) -> None:
        """Keep an answer, if it is whole, may be kept, and stays true for a while."""
        if not self._serves(request):
            return
        if not lifetime.may_keep(finish=stored.finish, text=stored.text, called=bool(stored.tool_calls), notes=notes):
            return
        question, rules = keys.question(request), self._agent(request)
        seconds = lifetime.lifetime_s(
            request,
            intent=stored.intent,
            question=question,
            by_intent=self._settings.ttl_s,
            by_agent=rules.cache_ttl_s,
        )
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
            encrypted=rules.cache == "encrypted",
        )
        await self._write(entry)

    async def flush(self, agent: str | None = None) -> int:
        """Forget one agent's answers, or all; returns how many there were."""
        self.counts.flushes += 1
        self._front.drop_agent(agent)
        gone = await self._disk.call(lambda database: database.flush(agent)) or []
        self._front.drop_agent(agent)
        self._forget(gone)
        return len(gone)

    async def kill(self, id: str) -> list[str]:
        """Forget the entry whose id begins so; returns its id, or of those that could be meant where they are many."""
        found = await self._disk.call(lambda database: database.named(id)) or []
        if len(found) == 1:
            await self._drop(found)
        return [entry_id(key) for key in found]

    async def complain(self, request_id: str) -> str | None:
        """The answer to this request was a wrong hit: its entry goes, and counts as wrong. Returns the entry's id."""
        serving = self._served.get(request_id)
        if serving is None:
            return None
        await self._rule(request_id, right=False, by="complaint")
        await self._drop([serving.key])
        return entry_id(serving.key)

    async def rechecked(self, request_id: str, *, right: bool) -> None:
        """The hit that answered this request was asked anew: a wrong one's entry is not served at that score again."""
        await self._rule(request_id, right=right, by="recheck")

    async def alike(self, one: str, other: str) -> float | None:
        """The cosine of two answers, of which the model reads the beginnings; None where there is none."""
        return await self._semantic.alike(one[:COMPARED], other[:COMPARED])

    def shared_flight(self) -> None:
        """Count a caller that shared another's call in flight."""
        self.counts.shared_flights += 1

    def saved(self, usd: Decimal) -> None:
        """Count what a hit saved."""
        self.counts.saved_usd += usd

    def stats(self) -> CacheStats:
        return statistics(
            counts=self.counts,
            disk=self._disk,
            semantic=self._semantic,
            front=self._front,
            near_misses=self._paraphrases.near_misses,
            now=self._wall.now(),
        )

    async def close(self) -> None:
        """Stop the semantic tier, write what is noted, end both threads."""
        await self._semantic.close()
        uses = self._taken_uses()
        await self._disk.call(lambda database: database.note_uses(uses))
        await self._disk.close()

    def _serves(self, request: Request) -> bool:
        if not lifetime.may_use(request) or not (self._settings.exact or self._settings.semantic):
            return False
        kept = self._agent(request).cache
        return kept == "on" or (kept == "encrypted" and self._encrypts)

    async def _found(self, request: Request, model_class: str) -> Hit | None:
        found = await self._keys(request, model_class)
        if found is None:
            return None
        part, key = found
        if self._settings.exact and (hit := await self._exact(request, key)):
            return hit
        question = keys.question(request)
        if self._agent(request).cache == "encrypted" or lifetime.asks_for_now(question):
            return None  # a question without the "now" may have been kept
        alike = await self._paraphrases.find(part, question, agent=request.agent, request_id=request.id)
        for entry, similarity, score in alike:
            if hit := self._hit(request, entry, similarity=similarity, score=score):
                return hit
        return None

    async def _keys(self, request: Request, model_class: str) -> tuple[bytes, bytes] | None:
        scope = keys.scope_of(request.agent, self._agent(request).cache_scope)
        try:
            return await off_loop(size_of(request), lambda: _both_keys(request, model_class, scope))
        except UnicodeEncodeError:
            return None  # lone surrogates have no bytes to key by

    async def _exact(self, request: Request, key: bytes) -> Hit | None:
        entry = self._front.get(key)
        if entry is None and self._disk.may_have(key):
            entry = await self._disk.get(key)
        return self._hit(request, entry) if entry is not None else None

    def _hit(
        self, request: Request, entry: Entry, *, similarity: float | None = None, score: float | None = None
    ) -> Hit | None:
        """A hit on `entry`, unless it is too old, or from a time that has not come."""
        now = self._wall.now()
        if not entry.stored_at <= now < entry.expires_at:
            self._front.drop((entry.key,))
            return None
        self._front.put(replace(entry, hits=entry.hits + 1))
        _, hits = self._uses.get(entry.key, (now, 0))
        self._uses[entry.key] = (now, hits + 1)
        self._served.note(request.id, entry.key, score)
        return Hit(
            tier="exact" if similarity is None else "semantic",
            stored=entry.stored,
            age_s=now - entry.stored_at,
            similarity=similarity,
            score=score,
            entry=entry_id(entry.key),
            agent=entry.agent,
        )

    async def _write(self, entry: Entry) -> None:
        self._front.put(entry)
        uses = self._taken_uses()
        written = await self._disk.call(lambda database: database.put(entry, uses))
        if written is None:
            return
        self._forget(written.evicted)
        if written.size:
            self._semantic.add(entry)
            # By now it may have been used, replaced or flushed.
            kept = self._front.get(entry.key)
            if kept is not None and kept.stored_at == entry.stored_at:
                self._front.put(replace(kept, size=written.size))

    async def _rule(self, request_id: str, *, right: bool, by: By) -> None:
        if (serving := self._served.get(request_id)) is None:
            return
        verdict = Verdict(
            key=serving.key, at=self._wall.now(), score=serving.score, right=right, by=by, request=request_id
        )
        await self._disk.call(lambda database: database.verdicts.add(verdict))

    async def _drop(self, gone: list[bytes]) -> None:
        self._forget(gone)
        await self._disk.call(lambda database: database.delete(gone))
        self._forget(gone)

    def _taken_uses(self) -> dict[bytes, tuple[float, int]]:
        uses, self._uses = self._uses, {}
        return uses

    def _forget(self, gone: Iterable[bytes]) -> None:
        gone = set(gone)
        self._front.drop(gone)
        self._semantic.drop(gone)


def _both_keys(request: Request, model_class: str, scope: str) -> tuple[bytes, bytes]:
    part = keys.partition(request, model_class=model_class, scope=scope)
    return part, keys.exact_in(part, keys.question(request))


def _load(kind: str, ollama_url: str) -> "Embedder":
    from backends.cache.semantic import embedders

    return embedders.load(kind, ollama_url=ollama_url)
