"""What the cache counts since the core started."""

from collections import deque
from decimal import Decimal
from typing import Literal

from backends.types import ZERO, Outcome

RECENT = 200  # look-ups that a share now is taken over

Tier = Literal["exact", "semantic"]


class Counts:
    def __init__(self) -> None:
        self.lookups = self.shared_flights = self.flushes = 0
        self.hits: dict[Tier, int] = {"exact": 0, "semantic": 0}
        self.saved_usd: Decimal = ZERO
        self.rechecked_usd: Decimal = ZERO
        self.provider_cached_tokens = 0
        self.provider_saved_usd: Decimal = ZERO
        self._recent: deque[Tier | None] = deque(maxlen=RECENT)

    def looked_up(self, tier: Tier | None) -> None:
        """A look-up and the tier that answered it, None for a miss."""
        self.lookups += 1
        self._recent.append(tier)
        if tier is not None:
            self.hits[tier] += 1

    def provider(self, outcome: Outcome, saved_usd: Decimal) -> None:
        """Input that the provider had cached itself, and what that took off its bill."""
        self.provider_cached_tokens += outcome.tokens.cached_input
        self.provider_saved_usd += saved_usd

    def recent_share(self, tier: Tier | None = None) -> float | None:
        """Of the last look-ups those that `tier` answered, or any; None before the first."""
        if not self._recent:
            return None
        hits = sum(each is not None if tier is None else each == tier for each in self._recent)
        return hits / len(self._recent)
