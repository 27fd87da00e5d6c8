"""The response cache as the pipeline uses it: look up, store, and learn from reviewed hits.

An exact hit comes from memory in microseconds, or from the file in some more. Where there is none, the semantic tier
may find the same question in other words. Nothing here raises: a cache that fails is a miss.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from backends.cache import cache_key, lifetime
from backends.cache.cache_counts import CacheCounts, snapshot
from backends.cache.cache_key import Keys
from backends.cache.disk_tier import DiskTier
from backends.cache.encryption import BodyCipher
from backends.cache.hit_policy import HitReview, ReviewSource
from backends.cache.limits import LIMITS, CacheLimits
from backends.cache.memory_tier import MemoryTier
from backends.cache.self_contained import asks_for_now
from backends.cache.semantic.semantic_lookup import NearMiss, SemanticLookup
from backends.cache.semantic.semantic_tier import SemanticTier
from backends.cache.stored_answer import CacheHit, StoredAnswer, StoredEntry, entry_id
from backends.clock import Clock
from backends.lru import LruDict
from backends.off_loop import off_loop, size_of
from backends.settings import cache as settings_cache
from backends.settings.agents import Agent
from backends.types import CacheStats, Request

if TYPE_CHECKING:
    from backends.cache.semantic.embedders import Embedder

COMPARED = 4000  # characters of an answer; the model reads some 1,000
RECENT_HITS = 4096  # requests of which a wrong hit can still be reported


class RecentHit(NamedTuple):
    """The entry that answered a request, and the score that it was served at; None for an exact hit."""

    key: bytes
    score: float | None


class ResponseCache:
    """`agent` returns the settings of a request's agent. The pipeline counts in `counts` too."""

    def __init__(
        self,
        disk: DiskTier,
        semantic: SemanticTier,
        settings: settings_cache.Cache,
        *,
        agent: Callable[[Request], Agent],
        encrypts: bool,
        clock: Clock,
        memory: MemoryTier,
    ) -> None:
        self._disk = disk
        self._settings = settings
        self._agent = agent
        self._encrypts = encrypts
        self._clock = lifetime.MonotonicWallClock(clock)
        self._memory = memory
        self._semantic = semantic
        self._semantic_lookup = SemanticLookup(disk, semantic, risk=settings.risk)
        self._uses: dict[bytes, tuple[float, int]] = {}
        self._recent_hits = LruDict[str, RecentHit](RECENT_HITS)
        self.counts = CacheCounts()

    @classmethod
    async def open(
        cls,
        path: Path,
        settings: settings_cache.Cache,
        *,
        clock: Clock,
        agent: Callable[[Request], Agent] = lambda request: Agent(),
        secret: bytes | None = None,
        load_embedder: "Callable[[], Embedder] | None" = None,
        limits: CacheLimits = LIMITS,
    ) -> "ResponseCache":
        """Open or create the file at `path`. A file that cannot be used is no error: `stats().problem` says why.

        Without a `secret` of 32 bytes, nothing is stored for agents whose entries must be encrypted. `load_embedder`
        returns the embedding model and runs on a thread of its own; by default the settings name an installed one.
        """
        cipher = BodyCipher(secret) if secret is not None else None
        disk = DiskTier(path, max_bytes=settings.max_bytes, clock=clock, cipher=cipher)
        await disk.call(lambda database: None)
        semantic = SemanticTier(disk, load_embedder or partial(_load_embedder, settings.embedder), limits)
        return cls(
            disk,
            semantic,
            settings,
            agent=agent,
            encrypts=cipher is not None,
            clock=clock,
            memory=MemoryTier(limits.memory_bytes),
        )

    def start_semantic(self) -> None:
        """Start to load the embedding model in a thread, unless the setting is off or it was started before."""
        if self._settings.semantic and self._settings.risk > 0:
            self._semantic.start()

    def start_semantic_on_demand(self) -> None:
        """As `start_semantic`, but with the first look-up: until then the model takes no memory."""
        if self._settings.semantic and self._settings.risk > 0:
            self._semantic.await_demand()

    async def lookup(self, request: Request, *, model_class: str, own: Keys | None = None) -> CacheHit | None:
        """A stored answer that serves `request`, or None. `own` are its keys among its agent's own answers, where they
        are known already.
        """
        if request.refresh or not self._serves(request):
            return None
        hit = await self._found(request, model_class, own)
        self.counts.count_lookup(hit.tier if hit is not None else None)
        return hit

    def near_miss(self, request_id: str) -> NearMiss | None:
        """The nearest stored question that could not serve this request; returned once, None if none was near."""
        return self._semantic_lookup.near_miss(request_id)

    async def store(
        self, request: Request, stored: StoredAnswer, *, model_class: str, notes: tuple[str, ...] = ()
    ) -> None:
        """Store an answer, if it is whole, may be stored, and stays true for a while."""
        if not self._serves(request):
            return
        if not lifetime.may_store(finish=stored.finish, text=stored.text, called=bool(stored.tool_calls), notes=notes):
            return
        question, rules = cache_key.question_of(request), self._agent(request)
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
        now = self._clock.now()
        entry = StoredEntry(
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
        """Delete one agent's answers, or all for None; returns how many there were."""
        self.counts.flushes += 1
        self._memory.drop_agent(agent)
        gone = await self._disk.call(lambda database: database.flush(agent)) or []
        self._memory.drop_agent(agent)
        self._forget(gone)
        return len(gone)

    async def kill(self, id: str) -> list[str]:
        """Delete the entry whose id begins with `id`, unless several do. Returns the ids of all that match."""
        found = await self._disk.call(lambda database: database.keys_with_id(id)) or []
        if len(found) == 1:
            await self._delete(found)
        return [entry_id(key) for key in found]

    async def report_wrong_hit(self, request_id: str) -> str | None:
        """Delete the entry that answered this request, and count it as wrong. Returns the entry's id."""
        hit = self._recent_hits.get(request_id)
        if hit is None:
            return None
        await self._review(request_id, right=False, by="complaint")
        await self._delete([hit.key])
        return entry_id(hit.key)

    async def record_recheck(self, request_id: str, *, right: bool) -> None:
        """Record what asking again showed of this request's hit. A wrong one is not served at that score again."""
        await self._review(request_id, right=right, by="recheck")

    async def similarity(self, one: str, other: str) -> float | None:
        """The cosine of the beginnings of two answers, as far as the model reads; None if no model is loaded."""
        return await self._semantic.similarity(one[:COMPARED], other[:COMPARED])

    def wrong_hits(self) -> tuple[int, int]:
        """How many semantic hits were asked again, and how many of these were wrong."""
        rechecked, wrong, _ = self._disk.reviews
        return rechecked, wrong

    def stats(self) -> CacheStats:
        return snapshot(
            counts=self.counts,
            disk=self._disk,
            semantic=self._semantic,
            memory=self._memory,
            near_misses=self._semantic_lookup.near_misses,
            now=self._clock.now(),
        )

    async def close(self) -> None:
        """Stop the semantic tier, write the hits since the last write, end both threads."""
        await self._semantic.close()
        uses = self._take_uses()
        await self._disk.call(lambda database: database.write_uses(uses))
        await self._disk.close()

    def _serves(self, request: Request) -> bool:
        if not (self._settings.exact or self._settings.semantic):
            return False
        rules = self._agent(request)
        kept = rules.cache == "on" or (rules.cache == "encrypted" and self._encrypts)
        return kept and lifetime.may_use(request, with_tools=rules.cache_with_tools)

    async def _found(self, request: Request, model_class: str, own: Keys | None) -> CacheHit | None:
        shares = self._agent(request).cache_scope != "agent"
        found = await self._keys(request, model_class) if shares or own is None else own
        if found is None:
            return None
        part, key = found
        if self._settings.exact and (hit := await self._exact(request, key)):
            return hit
        question = cache_key.question_of(request)
        if self._agent(request).cache == "encrypted" or asks_for_now(question):
            return None  # the same question without "now" may be stored
        matches = await self._semantic_lookup.find(part, question, agent=request.agent, request_id=request.id)
        for entry, similarity, score in matches:
            if hit := self._hit(request, entry, similarity=similarity, score=score):
                return hit
        return None

    async def _keys(self, request: Request, model_class: str) -> Keys | None:
        scope = cache_key.scope_of(request.agent, self._agent(request).cache_scope)
        try:
            return await off_loop(
                size_of(request), lambda: cache_key.keys(request, model_class=model_class, scope=scope)
            )
        except UnicodeEncodeError:
            return None  # text with lone surrogates has no bytes to hash

    async def _exact(self, request: Request, key: bytes) -> CacheHit | None:
        entry = self._memory.get(key)
        if entry is None and self._disk.may_have(key):
            entry = await self._disk.get(key)
        return self._hit(request, entry) if entry is not None else None

    def _hit(
        self, request: Request, entry: StoredEntry, *, similarity: float | None = None, score: float | None = None
    ) -> CacheHit | None:
        """A hit on `entry`, unless it has expired or its time is in the future."""
        now = self._clock.now()
        if not entry.stored_at <= now < entry.expires_at:
            self._memory.drop((entry.key,))
            return None
        self._memory.put(replace(entry, hits=entry.hits + 1))
        _, hits = self._uses.get(entry.key, (now, 0))
        self._uses[entry.key] = (now, hits + 1)
        self._recent_hits.put(request.id, RecentHit(entry.key, score))
        return CacheHit(
            tier="exact" if similarity is None else "semantic",
            stored=entry.stored,
            age_s=now - entry.stored_at,
            similarity=similarity,
            score=score,
            entry=entry_id(entry.key),
            agent=entry.agent,
        )

    async def _write(self, entry: StoredEntry) -> None:
        self._memory.put(entry)
        uses = self._take_uses()
        written = await self._disk.call(lambda database: database.put(entry, uses))
        if written is None:
            return
        self._forget(written.evicted)
        if written.size:
            self._semantic.add(entry)
            # By now it may have been used, replaced or flushed.
            kept = self._memory.get(entry.key)
            if kept is not None and kept.stored_at == entry.stored_at:
                self._memory.put(replace(kept, size=written.size))

    async def _review(self, request_id: str, *, right: bool, by: ReviewSource) -> None:
        if (hit := self._recent_hits.get(request_id)) is None:
            return
        review = HitReview(key=hit.key, at=self._clock.now(), score=hit.score, right=right, by=by, request=request_id)
        await self._disk.call(lambda database: database.reviews.add(review))

    async def _delete(self, gone: list[bytes]) -> None:
        self._forget(gone)
        await self._disk.call(lambda database: database.delete(gone))
        self._forget(gone)

    def _take_uses(self) -> dict[bytes, tuple[float, int]]:
        uses, self._uses = self._uses, {}
        return uses

    def _forget(self, gone: Iterable[bytes]) -> None:
        gone = set(gone)
        self._memory.drop(gone)
        self._semantic.drop(gone)


def _load_embedder(kind: str) -> "Embedder":
    from backends.cache.semantic import embedders

    return embedders.load(kind)
