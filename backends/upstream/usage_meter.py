"""What upstream calls used and cost, measured while they run.

A provider's own usage counts. Where none was reported, prompt and output are counted and the attempt is marked as
estimated. Budgets are then charged what it can have cost: the whole reservation where an engine broke off or sent
nothing, since it may have gone on; where a caller left in the middle, what had arrived and a little more.
A report that cannot be true is not used; one that is strange, or bills more than the call's caps, is flagged.
A call is priced by the model that answered, as its provider names it.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from backends.catalogue import model_identity
from backends.clock import Clock
from backends.engines.base import Call, Kept, SendState
from backends.errors import EngineError
from backends.types import CLOUD, LOCAL, ZERO, Attempt, EngineName, PrefixUse, Role, Tokens, ToolCall, Zone
from backends.upstream.costs import Costs
from backends.upstream.token_count import count_text, most_read
from backends.upstream.usage_checks import UsageBounds, contradiction, odd, unusable

BEYOND = "beyond the caps it was given"
"""The end of a note on what a provider billed above a call's worst case."""

ON_THE_WAY = 256
"""Tokens that an engine may make before it notices that nobody reads: twice the largest chunks seen."""


LETTERS = 8
"""Characters of a tool call's arguments that are counted for each token of the cap."""


class UsageMeter:
    """One upstream call, priced as of the moment this is made."""

    def __init__(
        self,
        engine: EngineName,
        zone: Zone,
        call: Call,
        *,
        reserved_usd: Decimal,
        costs: Costs,
        clock: Clock,
        role: Role = "answer",
    ) -> None:
        self.engine = engine
        self.zone = zone
        self.call = replace(call, send_state=SendState())
        self.model = call.model
        self.reserved_usd = reserved_usd
        self.role = role
        self._costs = costs
        self._clock = clock
        self._kept = Kept()
        self._reported: Tokens | None = None
        self._text: list[str] = []
        self._called = 0  # tokens of tool calls, as counted here
        self._unreported_b = 0
        self._unusable: str | None = None
        self._cached_known = False
        self._bounds = UsageBounds(self.call)
        self._began = costs.self_hosted.begin() if zone == LOCAL and costs.self_hosted else None
        self._self_hosted_usd: Decimal | None = None
        self._at = clock.now()
        self.started = clock.monotonic()
        self.first_at: float | None = None

    def answered_by(self, model: str) -> None:
        """The provider names the model that answers. A prefix, a revision, or no name at all changes nothing."""
        name = model_identity.bare(model)
        if model_identity.usable(name) and not model_identity.same(self.call.model, name):
            self.model = name

    def add_text(self, text: str) -> None:
        if self.first_at is None:
            self.first_at = self._clock.monotonic()
        self._text.append(text)
        self._unreported_b += len(text.encode("utf-8", "surrogatepass"))

    def add_calls(self, calls: Sequence[ToolCall]) -> None:
        """Tool calls arrived, before the usage or after it."""
        self.add_text("")
        most = LETTERS * self.call.max_output
        self._called += sum(count_text(call.name) + count_text(call.arguments[:most]) for call in calls)
        if self._reported is not None and not self._reported.output + self._reported.thinking:
            self._unusable = "no output"

    def add_kept(self, kept: Kept) -> None:
        """What an explicit cache takes, at the most before the provider has said it."""
        self._kept = kept

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def cached_known(self) -> bool:
        """Did the engine say, in a report that can be true, how much of the prompt its prefix cache held?"""
        return self._cached_known and self._unusable is None

    def add_usage(self, tokens: Tokens, *, cached_known: bool = True) -> None:
        """A running total from the provider. One of zeros, or one that cannot be true, is not used.

        Where only input or output is counted, the other is estimated.
        """
        self._cached_known = cached_known and bool(tokens.input)
        if why := unusable(tokens) or self._bounds.beyond(tokens):
            self._unusable = why
        elif not tokens.input and tokens.output + tokens.thinking:
            self._unusable = "no input"
            self._reported = replace(tokens, input=self.call.input_tokens, cached_input=0)
            self._unreported_b = 0
        elif tokens.input and not tokens.output + tokens.thinking and (self.text or self._called):
            self._unusable = "no output"
            self._reported = tokens
        elif tokens != Tokens():
            self._unusable = contradiction(tokens)
            self._reported = tokens if self._unusable is None else replace(tokens, cached_input=0)
            self._unreported_b = 0

    def completed(self) -> tuple[Attempt, Decimal]:
        """The attempt that ended with a terminal reason, and what budgets are charged for it.

        Its usage is only known where the provider's report covers the end of its text.
        """
        known = self._reported is not None and self._unusable is None and not self._unreported_b
        return self._attempt(None, estimated=not known)

    def abandoned(self, why: str) -> tuple[Attempt, Decimal] | None:
        """The attempt whose caller left: the answer ends a little after what has arrived.

        None where nothing had been sent yet: then the engine knows of no call.
        """
        if self.call.send_state is not None and not self.call.send_state.sent:
            self._self_hosted_cost()
            return None if self._kept == Kept() else self._kept_alone(why)
        attempt, charged = self._attempt(why, estimated=True)
        return attempt, min(charged, self._ahead_usd() + self._kept_cost()) if self.text else charged

    def failed(self, error: EngineError) -> tuple[Attempt, Decimal]:
        """The attempt that raised. One that cannot have been billed has no tokens and costs nothing."""
        if error.billed or self._text or self._reported:
            return self._attempt(f"{error.kind}: {error}", estimated=True)
        return self._kept_alone(f"{error.kind}: {error}")

    def _kept_alone(self, error: str) -> tuple[Attempt, Decimal]:
        """The attempt of which nothing is billed but the explicit cache that was made for it, if any."""
        cost = self._kept_cost()
        return Attempt(
            engine=self.engine,
            zone=self.zone,
            model=self.model,
            model_asked=self._asked,
            cost_usd=cost,
            error=error,
            own_cost_usd=self._self_hosted_cost(),
            role=self.role,
        ), cost

    @property
    def _asked(self) -> str:
        return "" if self.model == self.call.model else self.call.model

    def _attempt(self, error: str | None, *, estimated: bool) -> tuple[Attempt, Decimal]:
        tokens = self._reported or Tokens(input=self.call.input_tokens)
        if estimated and not tokens.output:
            tokens = replace(tokens, output=count_text(self.text) + min(self._called, self.call.max_output))
        cost = self._cost(tokens) + self._kept_cost()
        attempt = Attempt(
            engine=self.engine,
            zone=self.zone,
            model=self.model,
            model_asked=self._asked,
            tokens=tokens,
            cost_usd=cost,
            error=error,
            estimated=estimated,
            flag=self._flag(tokens, cost),
            own_cost_usd=self._self_hosted_cost(),
            role=self.role,
        )
        return attempt, max(cost, self.reserved_usd) if estimated and self.zone == CLOUD else cost

    def _flag(self, tokens: Tokens, cost: Decimal) -> str:
        """What an operator should know about the provider's report and the model; "" where there is nothing."""
        flags = []
        if self._asked and self.zone == CLOUD and not self._costs.knows(self.engine, self.model, self._at):
            flags.append(f"{self.model} answered, which has no price: priced as {self.call.model}")
        if self._unusable is not None:
            flags.append(f"{self.model} reported {self._unusable}: its usage is estimated")
            return "; ".join(flags)
        if self._reported and (found := odd(tokens, self.call)):
            flags.append(f"{self.model} reported {found}")
        if cost > self.reserved_usd and self.zone == CLOUD:
            flags.append(f"{self.model} billed ${cost - self.reserved_usd:f} {BEYOND}")
        return "; ".join(flags)

    def _cost(self, tokens: Tokens) -> Decimal:
        model = self._costs.priced(self.engine, self.model, self.call.model, self._at)
        return self._costs.of(self.engine, model, tokens, self._at)

    def _kept_cost(self) -> Decimal:
        """The price of the explicit cache that was made or kept for it."""
        return self._costs.kept(self.engine, self.call.model, self._kept, self._at) if self._kept != Kept() else ZERO

    def _self_hosted_cost(self) -> Decimal | None:
        """What the call cost on the operator's own machine; the same when called again."""
        if self._began is not None and self._costs.self_hosted is not None:
            self._self_hosted_usd, self._began = self._costs.self_hosted.end(self._began), None
        return self._self_hosted_usd

    def _ahead_usd(self) -> Decimal:
        """The price of what has arrived, with what may be on the way; thinking has ended once text arrives."""
        known = self._reported or Tokens()
        thinking = known.thinking if self._reported else self.call.thinking_budget or 0
        heard = known.output + self._unreported_b
        tokens = Tokens(input=known.input or most_read(self.call), output=heard + ON_THE_WAY, thinking=thinking)
        return self._cost(tokens)


class RequestUsage:
    """All upstream calls of one request."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.charged_usd = ZERO
        self.prefix = PrefixUse()

    def add(self, counted: tuple[Attempt, Decimal] | None, *, cached_known: bool = False) -> None:
        """Add a call; None stands for one that was never sent. `cached_known` is as in `Usage`."""
        if counted is None:
            return
        attempt, charged = counted
        self.attempts.append(attempt)
        self.charged_usd += charged
        read = attempt.tokens.input
        known = PrefixUse(known_tokens=read, cached_tokens=min(read, attempt.tokens.cached_input))
        self.prefix += known if cached_known else PrefixUse(unknown_tokens=read)

    @property
    def tokens(self) -> Tokens:
        return sum((attempt.tokens for attempt in self.attempts), Tokens())

    @property
    def cost_usd(self) -> Decimal:
        return sum((attempt.cost_usd for attempt in self.attempts), ZERO)

    @property
    def own_cost_usd(self) -> Decimal | None:
        """None where it is known of no call."""
        known = [attempt.own_cost_usd for attempt in self.attempts if attempt.own_cost_usd is not None]
        return sum(known, ZERO) if known else None

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(attempt.flag for attempt in self.attempts if attempt.flag)

    @property
    def estimated(self) -> bool:
        return any(attempt.estimated for attempt in self.attempts)
