"""The tariff of a model at one moment: what any number of its tokens costs, by the length of the input."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from backends.types import Tokens

MILLION = Decimal(1_000_000)
FINEST = Decimal("1E-12")
"""Sums of amounts no finer than this are exact in Decimal's 28 digits up to 10^16 dollars."""


class TokenPrices(Struct, frozen=True, kw_only=True):
    """US dollars for a million tokens of each kind; `thinking` tokens are never `output` tokens too."""

    input: Decimal
    cached: Decimal
    output: Decimal
    thinking: Decimal

    def discounted(self, discount: Decimal) -> "TokenPrices":
        """These prices with a share of them taken off."""
        paid = 1 - discount
        return TokenPrices(
            input=self.input * paid,
            cached=self.cached * paid,
            output=self.output * paid,
            thinking=self.thinking * paid,
        )


class PriceTier(Struct, frozen=True):
    """Prices for every token of a call with more than `above` input tokens."""

    above: int
    prices: TokenPrices


class Tariff(Struct, frozen=True):
    """`base` holds below every tier; `source` says where the prices come from."""

    source: str
    base: TokenPrices
    tiers: tuple[PriceTier, ...] = ()

    def cost(self, tokens: Tokens) -> Decimal:
        """US dollars, no finer than the ledger keeps them. More cached than input counts as all of it."""
        prices = self.prices(tokens.input)
        cached = min(tokens.cached_input, tokens.input)
        return rounded(
            (
                (tokens.input - cached) * prices.input
                + cached * prices.cached
                + tokens.output * prices.output
                + tokens.thinking * prices.thinking
            )
            / MILLION
        )

    def worst_case(self, *, input_tokens: int, answer_tokens: int) -> Decimal:
        """US dollars that no call within these counts exceeds, whatever kinds its tokens turn out to be."""
        reached = [self.base, *(tier.prices for tier in self.tiers if input_tokens > tier.above)]
        read = max(price for prices in reached for price in (prices.input, prices.cached))
        written = max(price for prices in reached for price in (prices.output, prices.thinking))
        return rounded((input_tokens * read + answer_tokens * written) / MILLION)

    def prices(self, input_tokens: int) -> TokenPrices:
        """Those of a call with so many input tokens."""
        found = self.base
        for tier in self.tiers:
            if input_tokens > tier.above:
                found = tier.prices
        return found


def tariff(source: str, base: TokenPrices, tiers: Sequence[PriceTier] = ()) -> Tariff:
    """A tariff with its tiers in the order of length."""
    return Tariff(source, base, tuple(sorted(tiers, key=lambda tier: tier.above)))


def rounded(usd: Decimal) -> Decimal:
    """The same amount, rounded where it is finer than the ledger keeps."""
    exponent = usd.as_tuple().exponent
    return usd.quantize(FINEST) if isinstance(exponent, int) and exponent < -12 else usd
