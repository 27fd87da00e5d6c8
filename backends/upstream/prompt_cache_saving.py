"""What a provider's own caching of input took off its bill."""

from decimal import Decimal

from msgspec.structs import replace

from backends.ledger.prices import UnknownPrice
from backends.types import ZERO, Outcome
from backends.upstream.costs import Costs


def saved_usd(outcome: Outcome, costs: Costs) -> Decimal:
    """US dollars that the cached input of its cloud calls would have cost more at the full price."""
    saved = ZERO
    for attempt in outcome.attempts:
        if attempt.engine == "cloud" and attempt.tokens.cached_input:
            try:
                model = costs.priced(attempt.model, attempt.model_asked or attempt.model)
                full = costs.of("cloud", model, replace(attempt.tokens, cached_input=0))
            except UnknownPrice:
                continue
            saved += max(ZERO, full - attempt.cost_usd)
    return saved
