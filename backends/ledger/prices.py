"""What tokens cost: the operator's price for a model, else the built-in table of genai-prices, each with its source."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING

from msgspec import Struct

from backends.errors import ClawError
from backends.ledger.money import rounded
from backends.settings import Price
from backends.types import Tokens

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

MILLION = Decimal(1_000_000)


class UnknownPrice(ClawError):
    """No price is known for a cloud model, so no budget could hold for it."""

    kind = "price"


class Priced(Struct, frozen=True, kw_only=True):
    """An amount and where its price comes from ("claw.toml", "genai-prices 0.2.3")."""

    usd: Decimal
    source: str


class Prices:
    """Prices of cloud models. The table is read at the first question, not at import: it takes 0.13 s."""

    def __init__(self, overrides: Mapping[str, Price]) -> None:
        self._overrides = dict(overrides)
        self._known: dict[str, tuple[ModelInfo, Provider]] = {}

    def cost(self, model: str, tokens: Tokens, at: datetime) -> Priced:
        """The price of `tokens` at the moment `at`, thinking as output. Raises UnknownPrice, never guesses."""
        cached = min(tokens.cached_input, tokens.input)
        if price := self._overrides.get(model):
            cached_usd = price.input_usd if price.cached_input_usd is None else price.cached_input_usd
            usd = _flat(tokens, cached, price.input_usd, cached_usd, price.output_usd)
            return Priced(usd=rounded(usd), source="claw.toml")
        info, provider = self._find(model)
        return Priced(usd=rounded(_listed(info, provider, tokens, cached, at)), source=SOURCE)

    def worst_case(
        self, model: str, *, input_tokens: int, max_output: int, thinking_budget: int | None, at: datetime
    ) -> Decimal:
        """The most one call can cost: nothing cached, every token used. `thinking_budget` None: it does not think."""
        most = Tokens(input=input_tokens, output=max_output, thinking=thinking_budget or 0)
        return self.cost(model, most, at).usd

    def _find(self, model: str) -> "tuple[ModelInfo, Provider]":
        if model not in self._known:
            from genai_prices import Usage, calc_price

            try:
                found = calc_price(Usage(input_tokens=1), model.removeprefix("models/"), provider_id="google")
            except LookupError:
                raise UnknownPrice(
                    f'no price is known for {model}: add [prices."{model}"] with input_usd and output_usd to claw.toml'
                ) from None
            self._known[model] = found.model, found.provider
        return self._known[model]


def _listed(info: "ModelInfo", provider: "Provider", tokens: Tokens, cached: int, at: datetime) -> Decimal:
    """A flat price is multiplied here, a twentieth of the table's own time; tiers are left to the table."""
    price: ModelPrice = info.get_prices(at)
    rate, cached_rate, output_rate = price.input_mtok, price.cache_read_mtok, price.output_mtok
    if isinstance(rate, Decimal) and isinstance(output_rate, Decimal):
        if cached_rate is None:
            return _flat(tokens, cached, rate, rate, output_rate)
        if isinstance(cached_rate, Decimal):
            return _flat(tokens, cached, rate, cached_rate, output_rate)
    from genai_prices import Usage

    usage = Usage(input_tokens=tokens.input, cache_read_tokens=cached, output_tokens=tokens.output + tokens.thinking)
    return info.calc_price(usage, provider, genai_request_timestamp=at).total_price


def _flat(tokens: Tokens, cached: int, rate: Decimal, cached_rate: Decimal, output_rate: Decimal) -> Decimal:
    fresh = tokens.input - cached
    return (fresh * rate + cached * cached_rate + (tokens.output + tokens.thinking) * output_rate) / MILLION


SOURCE = f"genai-prices {version('genai-prices')}"
