"""What calls cost, by the ledger's prices. An engine of the local zone bills nothing.

A provider may answer with another model than the one that was asked for, at that model's price. Where that is known
beforehand, from an earlier answer or from the catalogue, worst case and baseline use that price.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from msgspec.structs import replace

from backends.catalogue import Catalogue
from backends.clock import Clock
from backends.engines.base import Call, Kept
from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.tariff import MILLION, rounded
from backends.settings.engines import CLOUD_ENGINE
from backends.types import CLOUD, ZERO, Attempt, EngineName, Outcome, Tokens
from backends.upstream.explicit_cache import HOUR_S, CachePrices, storage_usd
from backends.upstream.self_hosted_cost import SelfHostedCost
from backends.upstream.token_count import most_read


class Costs:
    """`self_hosted` is what local calls cost the operator; None where that is not needed. `cloud_model` is what the
    built-in cloud engine is asked for.
    """

    def __init__(
        self,
        prices: Prices,
        clock: Clock,
        *,
        cloud_model: str,
        self_hosted: SelfHostedCost | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._prices = prices
        self._clock = clock
        self.cloud_model = cloud_model
        self._catalogue = catalogue or Catalogue()
        self._answering: dict[str, tuple[str, date]] = {}
        self.self_hosted = self_hosted

    def answered(self, asked: str, model: str) -> None:
        """`asked` was answered by `model`, and is expected to be from now on."""
        self._answering[asked] = model, self._clock.now().date()

    def expected(self, asked: str) -> str:
        """The model that will answer where `asked` is asked for.

        That it answered itself is remembered for the day only: at midnight its provider may retire it.
        """
        today = self._clock.now().date()
        model, learned = self._answering.get(asked, (asked, None))
        if model != asked or learned == today:
            return model
        return self._catalogue.successor(asked, today) or asked

    def knows(self, engine: EngineName, model: str, at: datetime | None = None) -> bool:
        """Has the model a price at that engine?"""
        try:
            self._prices.tariff(engine, model, at or self._clock.now())
        except UnknownPrice:
            return False
        return True

    def priced(self, engine: EngineName, model: str, asked: str, at: datetime | None = None) -> str:
        """The model by whose price a call is booked: the one that answered, and where it has none the one asked for."""
        return model if model == asked or self.knows(engine, model, at) else asked

    def of(self, engine: EngineName, model: str, tokens: Tokens, at: datetime | None = None) -> Decimal:
        """US dollars for `tokens` of a call that began at `at`, by default now. Raises UnknownPrice."""
        return self._prices.cost(engine, model, tokens, at or self._clock.now()).usd

    def quote(self, engine: EngineName, call: Call, tokens: Tokens) -> tuple[Decimal, Decimal]:
        """US dollars that `call` can cost at the most, and that `tokens` of it would, by the model that is expected to
        answer. Raises UnknownPrice.
        """
        if not self._prices.bills(engine):
            return ZERO, ZERO
        now = self._clock.now()
        model = self.priced(engine, self.expected(call.model), call.model, now)
        expected = self._prices.cost(engine, model, tokens, now).usd
        worst = self._worst(engine, model, call, now)
        return worst if model == call.model else max(worst, self._worst(engine, call.model, call, now)), expected

    def reread(self, engine: EngineName, call: Call, cached_input: int) -> Decimal:
        """US dollars that so many tokens of the prompt cost more where they are not cached. Raises UnknownPrice."""
        if not cached_input or not self._prices.bills(engine):
            return ZERO
        model, now = self.priced(engine, self.expected(call.model), call.model), self._clock.now()
        cold, warm = (Tokens(input=cached_input, cached_input=cached) for cached in (0, cached_input))
        return max(ZERO, self.of(engine, model, cold, now) - self.of(engine, model, warm, now))

    def saved_by_prompt_cache(self, outcome: Outcome) -> Decimal:
        """US dollars that the cached input of its cloud calls would have cost more at the full price."""
        saved = ZERO
        for attempt in outcome.attempts:
            if attempt.zone == CLOUD and attempt.tokens.cached_input:
                try:
                    model = self.priced(attempt.engine, attempt.model, attempt.model_asked or attempt.model)
                    full = self.of(attempt.engine, model, replace(attempt.tokens, cached_input=0))
                except UnknownPrice:
                    continue
                saved += max(ZERO, full - attempt.cost_usd)
        return saved

    def source(self, attempts: Sequence[Attempt]) -> str | None:
        """Where the price of the last cloud attempt comes from; None where none was made."""
        last = next((attempt for attempt in reversed(attempts) if attempt.zone == CLOUD), None)
        if last is None:
            return None
        model = self.priced(last.engine, last.model, last.model_asked or last.model)
        return self._prices.tariff(last.engine, model, self._clock.now()).source

    def worst(self, engine: EngineName, call: Call) -> Decimal:
        """US dollars that `call` can cost at the most, whatever its prompt's true count is. Raises UnknownPrice."""
        if not self._prices.bills(engine):
            return ZERO  # without a count of its tokens, which takes long
        now = self._clock.now()
        models = {call.model, self.priced(engine, self.expected(call.model), call.model, now)}
        return max(self._worst(engine, model, call, now) for model in models)

    def kept(self, engine: EngineName, model: str, kept: Kept, at: datetime | None = None) -> Decimal:
        """US dollars for an explicit cache that is made, or lives longer. Raises UnknownPrice."""
        stored = rounded(storage_usd(model, kept.token_seconds))
        return self.of(engine, model, Tokens(input=kept.written), at) + stored

    def cache_prices(self, engine: EngineName, model: str) -> CachePrices:
        """What weighs whether an explicit cache pays. Raises UnknownPrice."""
        prices = self._prices.tariff(engine, model, self._clock.now()).base
        return CachePrices(
            input=prices.input / MILLION, cached=prices.cached / MILLION, stored=storage_usd(model, HOUR_S)
        )

    def _worst(self, engine: EngineName, model: str, call: Call, now: datetime) -> Decimal:
        most, wanted = most_read(call), call.explicit_cache
        worst = self._prices.worst_case(
            engine,
            model,
            input_tokens=most,
            max_output=call.max_output,
            thinking_budget=call.thinking_budget or 0,
            at=now,
        )
        if wanted is None or not wanted.seconds:
            return worst
        return worst + self.kept(engine, model, Kept(most if wanted.make else 0, most * wanted.seconds), now)

    def baseline(self, tokens: Tokens, *, cached_input: int = 0) -> Decimal:
        """US dollars that `tokens` would cost all-cloud at this moment's price, with `cached_input` of them in the
        provider's cache. Raises UnknownPrice.
        """
        return self._prices.cost(
            CLOUD_ENGINE,
            self.priced(CLOUD_ENGINE, self.expected(self.cloud_model), self.cloud_model),
            replace(tokens, cached_input=cached_input),
            self._clock.now(),
        ).usd
