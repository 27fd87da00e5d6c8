"""The cache at one moment, as watchers see it."""

import heapq
from collections.abc import Iterable

from backends.cache.counts import Counts
from backends.cache.disk import Disk
from backends.cache.entry import Entry, entry_id
from backends.cache.front import Front
from backends.cache.semantic.paraphrases import NearMiss
from backends.cache.semantic.semantic import Semantic
from backends.intervals import wilson
from backends.types import CacheEntry, CacheStats

TOP = 5


def statistics(
    *, counts: Counts, disk: Disk, semantic: Semantic, front: Front, near_misses: Iterable[NearMiss], now: float
) -> CacheStats:
    """`now` is Unix seconds."""
    rechecked, wrong, complaints = disk.verdicts
    top = heapq.nlargest(TOP, (entry for entry in front if entry.hits), key=lambda entry: entry.hits)
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
        top=tuple(_face(entry, now) for entry in top),
        near_misses=tuple(map(str, near_misses)),
        problem=disk.problem,
        memory_b=front.bytes + semantic.nbytes,
        vectors=semantic.vectors,
        embedder=semantic.model,
        rechecked=rechecked,
        rechecked_wrong=wrong,
        rechecked_usd=counts.rechecked_usd,
        wrong_share=wilson(wrong, rechecked),
        complaints=complaints,
        provider_cached_tokens=counts.provider_cached_tokens,
        provider_saved_usd=counts.provider_saved_usd,
    )


def _face(entry: Entry, now: float) -> CacheEntry:
    return CacheEntry(
        id=entry_id(entry.key),
        agent=entry.agent,
        intent=entry.stored.intent,
        hits=entry.hits,
        age_s=max(0.0, now - entry.stored_at),
        bytes=entry.size,
    )
