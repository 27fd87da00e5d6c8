"""The cache at one moment."""

from decimal import Decimal

from msgspec import Struct

from backends.types.literals import ZERO, SemanticState


class CacheEntry(Struct, frozen=True, kw_only=True):
    """A stored answer without its text. `id` is what `claw cache inspect` and `kill` take."""

    id: str = ""
    agent: str
    intent: str
    hits: int
    age_s: float
    bytes: int


class PrefixUse(Struct, frozen=True, kw_only=True):
    """Input tokens that engines have read: `known_tokens` of calls whose engine said how many of them its own prefix
    cache held, `cached_tokens` of these, and `unknown_tokens` of the other calls.
    """

    known_tokens: int = 0
    cached_tokens: int = 0
    unknown_tokens: int = 0

    @property
    def share(self) -> float | None:
        """The share of input tokens that the prefix cache held, 0 to 1; None where no engine said."""
        return self.cached_tokens / self.known_tokens if self.known_tokens else None

    def __add__(self, other: "PrefixUse") -> "PrefixUse":
        return PrefixUse(
            known_tokens=self.known_tokens + other.known_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            unknown_tokens=self.unknown_tokens + other.unknown_tokens,
        )


class CacheStats(Struct, frozen=True, kw_only=True):
    """Counts since the core started; `entries` and `bytes` are what is stored now.

    `lookups` are requests that asked the cache, `hits` those that got their answer from it: from a tier, or as
    `shared_flights` from a call of another that was in flight and was answered.

    `problem` says in a line why the cache's file cannot be used, and is "" where it can. `memory_b` is what entries and
    `vectors` take in memory. `rechecked` semantic hits were asked again: `wrong_share` of them is (share, low, high),
    Wilson's interval at 95 %. `provider_cached_tokens` were input that the provider had cached itself.

    The tiers are exact, semantic and `prefix`: what engines have read today, and `prefix_by_agent`, the most first.
    """

    lookups: int = 0
    exact_hits: int = 0
    semantic_hits: int = 0
    shared_flights: int = 0
    saved_usd: Decimal = ZERO
    entries: int = 0
    bytes: int = 0
    semantic: SemanticState = "off"
    semantic_detail: str = ""
    top: tuple[CacheEntry, ...] = ()
    near_misses: tuple[str, ...] = ()
    problem: str = ""
    memory_b: int = 0
    vectors: int = 0
    embedder: str = ""
    rechecked: int = 0
    rechecked_wrong: int = 0
    rechecked_usd: Decimal = ZERO
    wrong_share: tuple[float, float, float] | None = None
    complaints: int = 0
    provider_cached_tokens: int = 0
    provider_saved_usd: Decimal = ZERO
    prefix: PrefixUse = PrefixUse()
    prefix_by_agent: dict[str, PrefixUse] = {}

    @property
    def hits(self) -> int:
        return self.exact_hits + self.semantic_hits + self.shared_flights

    @property
    def hit_share(self) -> float | None:
        """The share of look-ups that were hits, 0 to 1; None before the first."""
        return self.hits / self.lookups if self.lookups else None
