"""What the cache counts while the core runs, and the snapshot that watchers see."""

import heapq
from collections import deque
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from backends.cache.disk_tier import DiskTier
from backends.cache.memory_tier import MemoryTier
from backends.cache.semantic.semantic_lookup import NearMiss
from backends.cache.semantic.semantic_tier import SemanticTier
from backends.cache.stored_answer import StoredEntry, entry_id
from backends.intervals import wilson
from backends.types import ZERO, CacheEntry, CacheStats, Outcome, PrefixUse

RECENT = 200  # look-ups that `recent_share` covers
TOP = 5  # most used entries in a snapshot
AGENTS = 100  # whose input tokens are counted each for itself, a day; the others are counted together
OTHERS = "others"

HitTier = Literal["exact", "semantic"]
Hit = Literal["exact", "semantic", "shared"]
"""What answered a look-up: a tier, or another's call in flight."""


class CacheCounts:
    """Counters since the core started; money in USD."""

    def __init__(self) -> None:
        self.lookups = self.shared_flights = self.flushes = 0
        self.hits: dict[HitTier, int] = {"exact": 0, "semantic": 0}
        self.saved_usd: Decimal = ZERO
        self.rechecked_usd: Decimal = ZERO
        self.provider_cached_tokens = 0
        self.provider_saved_usd: Decimal = ZERO
        self._day: date | None = None
        self._prefix: dict[str, PrefixUse] = {}
        self._recent: deque[Hit | None] = deque(maxlen=RECENT)

    def count_lookup(self, tier: HitTier | None) -> None:
        """Count a look-up by the tier that answered it, None for a miss."""
        self.lookups += 1
        self._recent.append(tier)
        if tier is not None:
            self.hits[tier] += 1

    def count_shared_flight(self, outcome: Outcome) -> None:
        """Count a caller that shared another's call in flight, once it has ended: a look-up, and a hit if it was
        answered.
        """
        self.lookups += 1
        self._recent.append("shared" if outcome.answered else None)
        if outcome.answered:
            self.shared_flights += 1
            self.count_saving(outcome.baseline_usd - outcome.cost_usd)

    def count_saving(self, usd: Decimal) -> None:
        """Count what a hit saved."""
        self.saved_usd += usd

    def count_prompt_cache(self, outcome: Outcome, saved_usd: Decimal) -> None:
        """Count input that the provider had cached itself, and what that took off its bill."""
        self.provider_cached_tokens += outcome.tokens.cached_input
        self.provider_saved_usd += saved_usd

    def count_prefix(self, outcome: Outcome, use: PrefixUse) -> None:
        """Count what engines have read of a request, for its agent and day."""
        day = outcome.started_at.astimezone(UTC).date()
        if self._day is None or day > self._day:
            self._day, self._prefix = day, {}
        if day < self._day or use == PrefixUse():
            return  # one that ran over midnight
        name = outcome.agent if outcome.agent in self._prefix or len(self._prefix) < AGENTS else OTHERS
        self._prefix[name] = self._prefix.get(name, PrefixUse()) + use

    def prefix_by_agent(self, today: date) -> dict[str, PrefixUse]:
        """What engines have read of each agent's requests on this day, in UTC, the most first."""
        if self._day != today:
            return {}
        return dict(sorted(self._prefix.items(), key=lambda each: -each[1].known_tokens - each[1].unknown_tokens))

    def recent_share(self, tier: Hit | None = None, *, least: int = 1) -> float | None:
        """The share of recent look-ups that `tier` answered, or any tier; None for fewer than `least` of them."""
        if len(self._recent) < least:
            return None
        hits = sum(each is not None if tier is None else each == tier for each in self._recent)
        return hits / len(self._recent)

    def usual_share(self, *, least: int) -> float | None:
        """The share of all look-ups before the recent ones that were hits; None for fewer than `least` of them."""
        earlier = self.lookups - len(self._recent)
        if earlier < least:
            return None
        hits = sum(self.hits.values()) + self.shared_flights - sum(each is not None for each in self._recent)
        return hits / earlier


def snapshot(
    *,
    counts: CacheCounts,
    disk: DiskTier,
    semantic: SemanticTier,
    memory: MemoryTier,
    near_misses: Iterable[NearMiss],
    now: float,
) -> CacheStats:
    """The cache at one moment; `now` is Unix seconds."""
    rechecked, wrong, complaints = disk.reviews
    prefix = counts.prefix_by_agent(datetime.fromtimestamp(now, UTC).date())
    top = heapq.nlargest(TOP, (entry for entry in memory if entry.hits), key=lambda entry: entry.hits)
    return CacheStats(
        lookups=counts.lookups,
        exact_hits=counts.hits["exact"],
        semantic_hits=counts.hits["semantic"],
        shared_flights=counts.shared_flights,
        saved_usd=counts.saved_usd,
        entries=disk.entries,
        bytes=disk.bytes,
        semantic=semantic.state,
        semantic_detail=semantic.detail,
        top=tuple(_summary(entry, now) for entry in top),
        near_misses=tuple(map(str, near_misses)),
        problem=disk.problem,
        memory_b=memory.bytes + semantic.nbytes,
        vectors=semantic.vectors,
        embedder=semantic.model,
        rechecked=rechecked,
        rechecked_wrong=wrong,
        rechecked_usd=counts.rechecked_usd,
        wrong_share=wilson(wrong, rechecked),
        complaints=complaints,
        provider_cached_tokens=counts.provider_cached_tokens,
        provider_saved_usd=counts.provider_saved_usd,
        prefix=sum(prefix.values(), PrefixUse()),
        prefix_by_agent=prefix,
    )


def _summary(entry: StoredEntry, now: float) -> CacheEntry:
    return CacheEntry(
        id=entry_id(entry.key),
        agent=entry.agent,
        intent=entry.stored.intent,
        hits=entry.hits,
        age_s=max(0.0, now - entry.stored_at),
        bytes=entry.size,
    )
