"""What tokens cost: the operator's price for a model, else the built-in table of genai-prices, each with its source.

A price holds for the calls that begin while it is in force. What was booked is never priced again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING

from msgspec import Struct

from backends.errors import ClawError
from backends.ledger.tariff import Tariff, Tier, TokenPrices, tariff
from backends.settings.money import Price, PriceFrom
from backends.settings.money import Tier as TierSettings
from backends.types import Tokens

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice

AHEAD = timedelta(hours=1)
"""A worst case also covers a call that begins this much later, when its price may have changed."""


class UnknownPrice(ClawError):
    """The price of a cloud model is not known, so no budget can cover it."""

    kind = "price"


class Priced(Struct, frozen=True, kw_only=True):
    """An amount and where its price comes from ("claw.toml", "genai-prices 0.2.3")."""

    usd: Decimal
    source: str


class Prices:
    """Prices of cloud models. The table is read at the first question, not at import: it takes 0.13 s."""

    def __init__(self, overrides: Mapping[str, Price], *, discount: Decimal = Decimal(0)) -> None:
        """`discount` is a share off the built-in table; the operator's own prices are what is paid."""
        self._own = {model: _own(price) for model, price in overrides.items()}
        self._discount = discount
        self._known: dict[str, ModelInfo] = {}
        self._listed: dict[int, tuple[ModelPrice, Tariff]] = {}

    def cost(self, model: str, tokens: Tokens, at: datetime) -> Priced:
        """The cost of `tokens` of a call that began at `at`. Raises UnknownPrice."""
        found = self.tariff(model, at)
        return Priced(usd=found.cost(tokens), source=found.source)

    def worst_case(
        self, model: str, *, input_tokens: int, max_output: int, thinking_budget: int | None, at: datetime
    ) -> Decimal:
        """The most one call can cost: every token used, at the dearest rate that may apply to it.

        `thinking_budget` None: it does not think.
        """
        answer_tokens = max_output + (thinking_budget or 0)
        now, soon = self.tariff(model, at), self.tariff(model, at + AHEAD)
        most = now.most(input_tokens=input_tokens, answer_tokens=answer_tokens)
        return most if soon is now else max(most, soon.most(input_tokens=input_tokens, answer_tokens=answer_tokens))

    def tariff(self, model: str, at: datetime) -> Tariff:
        """The rates in force at `at`. Raises UnknownPrice."""
        for valid_from, own in self._own.get(model, ()):
            if valid_from is None or valid_from <= at:
                return own
        return self._from_table(model, at)

    def _from_table(self, model: str, at: datetime) -> Tariff:
        price = self._find(model).get_prices(at)
        kept = self._listed.get(id(price))
        if kept is None:
            listed = _listed(price, self._discount)
            if listed is None:
                raise _unknown(model)
            # The price is kept with its tariff: its id must not be given to another one.
            kept = self._listed[id(price)] = price, listed
        return kept[1]

    def _find(self, model: str) -> "ModelInfo":
        if model not in self._known:
            from genai_prices import Usage, calc_price

            try:
                found = calc_price(Usage(input_tokens=1), model.removeprefix("models/"), provider_id="google")
            except LookupError:
                raise _unknown(model) from None
            self._known[model] = found.model
        return self._known[model]


def _unknown(model: str) -> UnknownPrice:
    return UnknownPrice(
        f'no price is known for {model}: add [prices."{model}"] with input_usd and output_usd to claw.toml'
    )


def _own(price: Price) -> tuple[tuple[datetime | None, Tariff], ...]:
    """The operator's prices of a model and the moments from which they hold, the latest first."""
    later = [(change.valid_from, _given(change)) for change in price.changes]
    return tuple(reversed([(price.valid_from, _given(price)), *later]))


def _given(price: Price | PriceFrom) -> Tariff:
    return tariff("claw.toml", _rates(price), [Tier(tier.above_input_tokens, _rates(tier)) for tier in price.tiers])


def _rates(given: Price | PriceFrom | TierSettings) -> TokenPrices:
    return TokenPrices(
        input=given.input_usd,
        cached=given.input_usd if given.cached_input_usd is None else given.cached_input_usd,
        output=given.output_usd,
        thinking=given.output_usd if given.thinking_usd is None else given.thinking_usd,
    )


def _listed(price: "ModelPrice", discount: Decimal) -> Tariff | None:
    """The tariff of a price of the table; None where input or output has no price, which means unknown, not free."""
    from genai_prices.types import TieredPrices

    read, cached, written = price.input_mtok, price.cache_read_mtok, price.output_mtok
    if read is None or written is None:
        return None

    def rate(of: Decimal | TieredPrices, above: int) -> Decimal:
        if isinstance(of, Decimal):
            return of
        reached = [tier.price for tier in of.tiers if tier.start <= above]
        return reached[-1] if reached else of.base

    def rates(above: int) -> TokenPrices:
        fresh, answer = rate(read, above), rate(written, above)
        kept = fresh if cached is None else rate(cached, above)
        return TokenPrices(input=fresh, cached=kept, output=answer, thinking=answer).off(discount)

    tiered = [one for one in (read, cached, written) if isinstance(one, TieredPrices)]
    starts = {tier.start for one in tiered for tier in one.tiers}
    source = SOURCE if not discount else f"{SOURCE}, {discount:%} off"
    return tariff(source, rates(-1), [Tier(start, rates(start)) for start in starts])


SOURCE = f"genai-prices {version('genai-prices')}"
