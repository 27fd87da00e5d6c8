"""Whether the beginning of a session's prompts is worth keeping at its provider, under a name and for a price.

Gemini caches prefixes by itself, for nothing and without a promise. An explicit cache promises the cached price, and
costs the price of its tokens once and of their storage by the hour: it pays where many reads follow soon, and where the
provider's own cache was seen to hold little of them.
"""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from backends.engines.base import ExplicitCache
from backends.lru import LruDict
from backends.upstream.prefix_cache import Prefix

SECONDS = 300
"""How long one is kept after its last use but one. A session that ends costs this much storage for nothing."""

LEAST_TOKENS = 4096
"""The largest of the least lengths that Gemini's models take (ai.google.dev/gemini-api/docs/caching)."""

LEAST_READS = 4
"""Answers of a session that must have shown its pace, and what the provider caches by itself."""

LIKELY = Decimal("0.2")
"""Further calls that are expected for each that was seen, at the most. Sessions end unannounced, and a cache that
nobody reads any more has cost more than the session may save by it.
"""

MARGIN = 2
"""By how many times the expected saving must exceed the cost."""

STORAGE_USD: dict[str, Decimal] = {"pro": Decimal("4.50"), "": Decimal("1.00")}
"""US dollars for a million tokens and an hour, by a word of the model's name.
Source: https://ai.google.dev/gemini-api/docs/pricing, 2026-11-30."""

HOUR_S = 3600
SESSIONS = 1024
WEIGHT = Decimal("0.5")


class CachePrices(Struct, frozen=True, kw_only=True):
    """US dollars for one token: as input, as cached input, and stored for an hour."""

    input: Decimal
    cached: Decimal
    stored: Decimal


def storage_usd(model: str, token_seconds: int) -> Decimal:
    """US dollars for so many tokens times seconds of storage."""
    words = model.lower().split("-")
    price = next(usd for word, usd in STORAGE_USD.items() if not word or word in words)
    return price * token_seconds / HOUR_S / 1_000_000


def pays_to_make(tokens: int, *, reads: Decimal, held: Decimal, prices: CachePrices) -> bool:
    """Does a cache of so many tokens clearly save more than it costs, with `reads` expected while it lives?

    `held` is the share of these tokens that the provider's own cache holds anyway, 0 to 1.
    """
    cost = tokens * (prices.input + prices.stored * SECONDS / HOUR_S)
    return tokens >= LEAST_TOKENS and _saved(tokens, reads, held, prices) > MARGIN * cost


def pays_to_keep(tokens: int, *, reads: Decimal, held: Decimal, prices: CachePrices) -> bool:
    """The same of one that is there already: only its storage is to be paid."""
    return _saved(tokens, reads, held, prices) > MARGIN * tokens * prices.stored * SECONDS / HOUR_S


def _saved(tokens: int, reads: Decimal, held: Decimal, prices: CachePrices) -> Decimal:
    return reads * (1 - held) * tokens * (prices.input - prices.cached)


class Pace(Struct, frozen=True):
    """How fast a session's calls follow each other: seconds between them, and how many have been seen in a row."""

    at: float
    gap_s: Decimal = Decimal(0)
    seen: int = 1


class ReadRates:
    """By session, the last used of so many."""

    def __init__(self, monotonic: Callable[[], float], *, sessions: int = SESSIONS) -> None:
        self._monotonic = monotonic
        self._paces = LruDict[str, Pace](sessions)

    def read(self, session: str) -> None:
        """A call of the session was answered."""
        now, before = self._monotonic(), self._paces.get(session)
        if before is None or now - before.at > SECONDS:
            pace = Pace(now)
        else:
            gap = Decimal(now - before.at)
            mean = gap if before.seen == 1 else before.gap_s + WEIGHT * (gap - before.gap_s)
            pace = Pace(now, mean, before.seen + 1)
        self._paces.put(session, pace)

    def expected(self, session: str) -> Decimal:
        """Calls of the session in the next SECONDS; 0 where too few have been seen to tell, or the last is long ago."""
        pace = self._paces.get(session)
        if pace is None or pace.seen < LEAST_READS or self._monotonic() - pace.at > SECONDS:
            return Decimal(0)
        return min(Decimal(SECONDS) / max(pace.gap_s, Decimal(1)), pace.seen * LIKELY)

    def plan(
        self, agent: str, session: str, *, known: Prefix | None, held: Decimal, prices: CachePrices
    ) -> ExplicitCache:
        """What may be kept for a call of the session: of its prompt the `known` beginning, which was read before and so
        is likely to come again.
        """
        tokens, messages = (0, 0) if known is None else (known.tokens, known.messages)
        reads = self.expected(session)
        make = pays_to_make(tokens, reads=reads, held=held, prices=prices)
        keep = make or pays_to_keep(tokens, reads=reads, held=held, prices=prices)
        return ExplicitCache(owner=agent, seconds=SECONDS if keep else 0, make=make, messages=messages, tokens=tokens)
