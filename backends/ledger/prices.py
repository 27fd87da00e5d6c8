"""What tokens cost at an engine: the operator's price for a model, else that of genai-prices, each with its source.

A price holds for the calls that begin while it is in force. What was booked is never priced again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from backends.errors import ClawError
from backends.ledger.tariff import PriceTier, Tariff, TokenPrices, tariff
from backends.settings.engines import CLOUD_ENGINE, LOCAL_ENGINE, EngineSettings
from backends.settings.model import Settings
from backends.settings.money import Price, PriceFrom
from backends.settings.money import Tier as TierSettings
from backends.types import LOCAL, ZERO, EngineName, Tokens

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

AHEAD = timedelta(hours=1)
"""A worst case also covers a call that begins this much later, when its price may have changed."""


class UnknownPrice(ClawError):
    """The price of a cloud model is not known, so no budget can cover it."""

    kind = "price"


class Priced(Struct, frozen=True, kw_only=True):
    """An amount and where its price comes from ("claw.toml", "genai-prices 0.2.3")."""

    usd: Decimal
    source: str


class PriceSource(Struct, frozen=True, kw_only=True):
    """Where the table's prices for an engine are, and the share that is taken off them.

    `provider` is an id of genai-prices. Without one, the provider is the one that `base_url` belongs to. At an address
    that the table does not know, a model has the price of its maker.
    """

    provider: str | None = None
    base_url: str | None = None
    discount: Decimal = ZERO


GEMINI = PriceSource(provider="google")
BUILT_IN_SOURCES: Mapping[EngineName, PriceSource | None] = {LOCAL_ENGINE: None, CLOUD_ENGINE: GEMINI}


class Prices:
    """Prices by engine and model. What runs in the local zone is not billed, so it costs 0.

    The table is read at the first question, not at import: it takes 0.13 s.
    """

    def __init__(
        self, overrides: Mapping[str, Price], sources: Mapping[EngineName, PriceSource | None] = BUILT_IN_SOURCES
    ) -> None:
        """`sources` holds None for an engine that is not billed; one that it lacks is priced by its model's name.

        `overrides` are the operator's prices by model. They are what is paid, whatever a source's discount.
        """
        self._own = {model: _own(price) for model, price in overrides.items()}
        self._sources = dict(sources)
        self._known: dict[tuple[PriceSource, str], tuple[ModelInfo, str]] = {}
        self._listed: dict[tuple[int, str, Decimal], tuple[ModelPrice, Tariff]] = {}

    @classmethod
    def of(cls, settings: Settings) -> "Prices":
        """Those of claw.toml's engines, with its own prices first."""
        billed = {name: engine for name, engine in settings.engines.items() if settings.zone(name) != LOCAL}
        unbilled = dict.fromkeys(settings.engines_in(LOCAL))
        return cls(settings.prices, unbilled | {name: _source(engine) for name, engine in billed.items()})

    def cost(self, engine: EngineName, model: str, tokens: Tokens, at: datetime) -> Priced:
        """The cost of `tokens` of a call that began at `at`. Raises UnknownPrice."""
        found = self.tariff(engine, model, at)
        return Priced(usd=found.cost(tokens), source=found.source)

    def worst_case(
        self,
        engine: EngineName,
        model: str,
        *,
        input_tokens: int,
        max_output: int,
        thinking_budget: int | None,
        at: datetime,
    ) -> Decimal:
        """The most one call can cost: every token used, at the dearest price that may apply to it.

        `thinking_budget` None: it does not think. Raises UnknownPrice.
        """
        answer_tokens = max_output + (thinking_budget or 0)
        now, soon = self.tariff(engine, model, at), self.tariff(engine, model, at + AHEAD)
        most = now.worst_case(input_tokens=input_tokens, answer_tokens=answer_tokens)
        return (
            most if soon is now else max(most, soon.worst_case(input_tokens=input_tokens, answer_tokens=answer_tokens))
        )

    def tariff(self, engine: EngineName, model: str, at: datetime) -> Tariff:
        """The tariff in force at `at`. Raises UnknownPrice."""
        source = self._sources.get(engine, BY_MODEL)
        if source is None:
            return FREE
        for valid_from, own in self._own.get(model, ()):
            if valid_from is None or valid_from <= at:
                return own
        return self._from_table(source, model, at)

    def bills(self, engine: EngineName) -> bool:
        """Do its calls cost anything that is billed?"""
        return self._sources.get(engine, BY_MODEL) is not None

    def provider(self, engine: EngineName) -> str | None:
        """Who bills an engine's calls, by name ("Google", "OpenRouter") or address; None where nobody does."""
        source = self._sources.get(engine, BY_MODEL)
        if source is None:
            return None
        found = _provider(source)
        return found.name if found is not None else urlsplit(source.base_url or "").hostname or engine

    def _from_table(self, source: PriceSource, model: str, at: datetime) -> Tariff:
        known, label = self._find(source, model)
        price = known.get_prices(at)
        key = id(price), label, source.discount
        kept = self._listed.get(key)
        if kept is None:
            listed = _listed(price, label, source.discount)
            if listed is None:
                raise _unknown(model)
            # The price is kept with its tariff: its id must not be given to another one.
            kept = self._listed[key] = price, listed
        return kept[1]

    def _find(self, source: PriceSource, model: str) -> "tuple[ModelInfo, str]":
        """The model in the table, and what a tariff from there is called."""
        if (source, model) not in self._known:
            from genai_prices import Usage, calc_price

            provider, name = _provider(source), model.removeprefix("models/")
            asked = provider.id if provider is not None else ROUTER if "/" in name else None
            try:
                found = calc_price(Usage(input_tokens=1), name, provider_id=asked)
            except LookupError:
                raise _unknown(model) from None
            label = SOURCE if found.provider.id == GEMINI.provider else f"{SOURCE}, {found.provider.name}"
            self._known[source, model] = found.model, label
        return self._known[source, model]


BY_MODEL = PriceSource()
FREE = Tariff("not billed", TokenPrices(input=ZERO, cached=ZERO, output=ZERO, thinking=ZERO))
ROUTER = "openrouter"
"""The provider whose models have their maker in their name, as "anthropic/claude-sonnet-4.5"."""


def _source(engine: EngineSettings) -> PriceSource:
    if engine.kind == "gemini":
        return PriceSource(provider=GEMINI.provider, discount=engine.discount)
    return PriceSource(base_url=next(iter(engine.addresses), None), discount=engine.discount)


def _provider(source: PriceSource) -> "Provider | None":
    from genai_prices.data_snapshot import get_snapshot

    if source.provider is None and source.base_url is None:
        return None
    try:
        return get_snapshot().find_provider(None, source.provider, source.base_url)
    except LookupError:
        return None


def _unknown(model: str) -> UnknownPrice:
    return UnknownPrice(
        f'no price is known for {model}: add [prices."{model}"] with input_usd and output_usd to claw.toml'
    )


def _own(price: Price) -> tuple[tuple[datetime | None, Tariff], ...]:
    """The operator's prices of a model and the moments from which they hold, the latest first."""
    later = [(change.valid_from, _given(change)) for change in price.changes]
    return tuple(reversed([(price.valid_from, _given(price)), *later]))


def _given(price: Price | PriceFrom) -> Tariff:
    return tariff(
        "claw.toml",
        _token_prices(price),
        [PriceTier(tier.above_input_tokens, _token_prices(tier)) for tier in price.tiers],
    )


def _token_prices(given: Price | PriceFrom | TierSettings) -> TokenPrices:
    return TokenPrices(
        input=given.input_usd,
        cached=given.input_usd if given.cached_input_usd is None else given.cached_input_usd,
        output=given.output_usd,
        thinking=given.output_usd if given.thinking_usd is None else given.thinking_usd,
    )


def _listed(price: "ModelPrice", label: str, discount: Decimal) -> Tariff | None:
    """The tariff of a price of the table; None where input or output has no price, which means unknown, not free."""
    from genai_prices.types import TieredPrices

    read, cached, written = price.input_mtok, price.cache_read_mtok, price.output_mtok
    if read is None or written is None:
        return None

    def price_of(of: Decimal | TieredPrices, above: int) -> Decimal:
        if isinstance(of, Decimal):
            return of
        reached = [tier.price for tier in of.tiers if tier.start <= above]
        return reached[-1] if reached else of.base

    def prices(above: int) -> TokenPrices:
        fresh, answer = price_of(read, above), price_of(written, above)
        kept = fresh if cached is None else price_of(cached, above)
        return TokenPrices(input=fresh, cached=kept, output=answer, thinking=answer).discounted(discount)

    tiered = [one for one in (read, cached, written) if isinstance(one, TieredPrices)]
    starts = {tier.start for one in tiered for tier in one.tiers}
    source = label if not discount else f"{label}, {discount:%} off"
    return tariff(source, prices(-1), [PriceTier(start, prices(start)) for start in starts])


SOURCE = f"genai-prices {version('genai-prices')}"
