"""What calls cost by engine: the local one nothing that is billed, the cloud's by the ledger's prices."""

from collections.abc import Sequence
from decimal import Decimal

from backends.clock import Clock
from backends.engines.base import Call
from backends.ledger.prices import Prices
from backends.router.tokens import most
from backends.types import ZERO, Attempt, EngineName, Tokens


class Costs:
    def __init__(self, prices: Prices, clock: Clock, *, cloud_model: str) -> None:
        self._prices = prices
        self._clock = clock
        self._cloud_model = cloud_model

    def of(self, engine: EngineName, model: str, tokens: Tokens) -> Decimal:
        """US dollars for `tokens` now. Raises UnknownPrice."""
        return self._prices.cost(model, tokens, self._clock.now()).usd if engine == "cloud" else ZERO

    def source(self, attempts: Sequence[Attempt]) -> str | None:
        """Where the price of the last cloud attempt comes from; None where none was made."""
        model = next((attempt.model for attempt in reversed(attempts) if attempt.engine == "cloud"), None)
        return None if model is None else self._prices.cost(model, Tokens(), self._clock.now()).source

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
