"""What upstream calls used and cost, counted as it happens.

A provider's own usage holds; where none came, prompt and output are counted and the attempt is marked as estimated.
Budgets are then charged the attempt's whole reservation, since the provider may bill what it never reported.
"""

from decimal import Decimal

from backends.clock import Clock
from backends.engines.base import Call
from backends.errors import EngineError
from backends.router.costs import Costs
from backends.router.tokens import count_text
from backends.types import ZERO, Attempt, EngineName, Tokens


class Meter:
    """One upstream call."""

    def __init__(self, engine: EngineName, call: Call, *, reserved_usd: Decimal, costs: Costs, clock: Clock) -> None:
        self.engine = engine
        self.call = call
        self.reserved_usd = reserved_usd
        self._costs = costs
        self._clock = clock
        self._reported: Tokens | None = None
        self._text: list[str] = []
        self.started = clock.monotonic()
        self.first_at: float | None = None

    def heard(self, text: str) -> None:
        if self.first_at is None:
            self.first_at = self._clock.monotonic()
        self._text.append(text)

    @property
    def text(self) -> str:
        return "".join(self._text)

    def used(self, tokens: Tokens) -> None:
        """A running total from the provider; one of zeros is no report."""
        if tokens != Tokens():
            self._reported = tokens

    def done(self) -> tuple[Attempt, Decimal]:
        """The attempt that ended with a terminal reason, and what budgets are charged for it."""
        return self._attempt(None, estimated=self._reported is None)

    def cut(self, error: str) -> tuple[Attempt, Decimal]:
        """The attempt that was left or broke in the middle: it may be billed."""
        return self._attempt(error, estimated=True)

    def failed(self, error: EngineError) -> tuple[Attempt, Decimal]:
        """The attempt that raised. One that cannot have been billed has no tokens and costs nothing."""
        if error.billed or self._text or self._reported:
            return self._attempt(f"{error.kind}: {error}", estimated=True)
        return Attempt(engine=self.engine, model=self.call.model, error=f"{error.kind}: {error}"), ZERO

    def _attempt(self, error: str | None, *, estimated: bool) -> tuple[Attempt, Decimal]:
        tokens = self._reported or Tokens(input=self.call.input_tokens, output=count_text(self.text))
        cost = self._costs.of(self.engine, self.call.model, tokens)
        attempt = Attempt(
            engine=self.engine, model=self.call.model, tokens=tokens, cost_usd=cost, error=error, estimated=estimated
        )
        return attempt, max(cost, self.reserved_usd) if estimated and self.engine == "cloud" else cost


class Tally:
    """All upstream calls of one request."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.charged_usd = ZERO

    def add(self, counted: tuple[Attempt, Decimal]) -> None:
        attempt, charged = counted
        self.attempts.append(attempt)
        self.charged_usd += charged

    @property
    def tokens(self) -> Tokens:
        return sum((attempt.tokens for attempt in self.attempts), Tokens())

    @property
    def cost_usd(self) -> Decimal:
        return sum((attempt.cost_usd for attempt in self.attempts), ZERO)

    @property
    def estimated(self) -> bool:
        return any(attempt.estimated for attempt in self.attempts)
