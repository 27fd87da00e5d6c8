"""What upstream calls used and cost, counted as it happens.

A provider's own usage holds; where none came, prompt and output are counted and the attempt is marked as estimated.
Budgets are then charged what it can have cost: the whole reservation where an engine broke off or was never heard,
since it may have gone on; where a caller left in the middle, what was heard and a little ahead of it.
"""

from decimal import Decimal

from backends.clock import Clock
from backends.engines.base import Call
from backends.errors import EngineError
from backends.router.costs import Costs
from backends.router.tokens import count_text, most
from backends.types import ZERO, Attempt, EngineName, Tokens

ON_THE_WAY = 256  # tokens an engine may have made before it notices that nobody reads: the largest chunks seen, twice


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
        self._unreported_b = 0
        self.started = clock.monotonic()
        self.first_at: float | None = None

    def heard(self, text: str) -> None:
        if self.first_at is None:
            self.first_at = self._clock.monotonic()
        self._text.append(text)
        self._unreported_b += len(text.encode("utf-8", "surrogatepass"))

    @property
    def text(self) -> str:
        return "".join(self._text)

    def used(self, tokens: Tokens) -> None:
        """A running total from the provider; one of zeros is no report."""
        if tokens != Tokens():
            self._reported = tokens
            self._unreported_b = 0

    def done(self) -> tuple[Attempt, Decimal]:
        """The attempt that ended with a terminal reason, and what budgets are charged for it."""
        return self._attempt(None, estimated=self._reported is None)

    def left(self, why: str) -> tuple[Attempt, Decimal]:
        """The attempt whose caller went away: closing it ends the answer a little ahead of what was heard."""
        attempt, charged = self._attempt(why, estimated=True)
        return attempt, min(charged, self._ahead_usd()) if self.text else charged

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

    def _ahead_usd(self) -> Decimal:
        """The price of what was heard, with what may be on the way; thinking is over once text comes."""
        known = self._reported or Tokens()
        thinking = known.thinking if self._reported else self.call.thinking_budget or 0
        heard = known.output + self._unreported_b
        tokens = Tokens(input=known.input or most(self.call), output=heard + ON_THE_WAY, thinking=thinking)
        return self._costs.of(self.engine, self.call.model, tokens)


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
