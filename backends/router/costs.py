"""What calls cost by engine: the local one nothing that is billed, the cloud's by the ledger's prices."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from backends.clock import Clock
from backends.engines.base import Call
from backends.ledger.prices import Prices
from backends.router.own_cost import OwnCost
from backends.router.tokens import most
from backends.types import ZERO, Attempt, EngineName, Tokens


class Costs:
    """`own` is what local calls cost the operator; None where nobody asks."""

    def __init__(self, prices: Prices, clock: Clock, *, cloud_model: str, own: OwnCost | None = None) -> None:
        self._prices = prices
        self._clock = clock
        self._cloud_model = cloud_model
        self.own = own

    def of(self, engine: EngineName, model: str, tokens: Tokens, at: datetime | None = None) -> Decimal:
        """US dollars for `tokens` of a call that began at `at`, by default now. Raises UnknownPrice."""
        return self._prices.cost(model, tokens, at or self._clock.now()).usd if engine == "cloud" else ZERO

    def source(self, attempts: Sequence[Attempt]) -> str | None:
        """Where the price of the last cloud attempt comes from; None where none was made."""
        model = next((attempt.model for attempt in reversed(attempts) if attempt.engine == "cloud"), None)
        return None if model is None else self._prices.tariff(model, self._clock.now()).source

    def worst(self, engine: EngineName, call: Call) -> Decimal:
        """US dollars that `call` can cost at the most, whatever its prompt's true count is. Raises UnknownPrice."""
        if engine == "local":
            return ZERO
        return self._prices.worst_case(
            call.model,
            input_tokens=most(call),
            max_output=call.max_output,
            thinking_budget=call.thinking_budget or 0,
            at=self._clock.now(),
        )

    def baseline(self, tokens: Tokens) -> Decimal:
        """US dollars that `tokens` would cost all-cloud, uncached, at this moment's price. Raises UnknownPrice."""
        return self._prices.cost(
            self._cloud_model,
            Tokens(input=tokens.input, output=tokens.output, thinking=tokens.thinking),
            self._clock.now(),
        ).usd
