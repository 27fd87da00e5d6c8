"""A model's rates at one moment, by length of the input: what any number of its tokens costs."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from backends.types import Tokens

MILLION = Decimal(1_000_000)
FINEST = Decimal("1E-12")
"""Sums of amounts no finer than this are exact in Decimal's 28 digits up to 10^16 dollars."""


class TokenPrices(Struct, frozen=True, kw_only=True):
    """US dollars for a million tokens of each kind; `thinking` tokens are never `output` ones too."""

    input: Decimal
    cached: Decimal
    output: Decimal
    thinking: Decimal

    def off(self, discount: Decimal) -> "TokenPrices":
        """These rates with a share of them taken off."""
        paid = 1 - discount
        return TokenPrices(
            input=self.input * paid,
            cached=self.cached * paid,
            output=self.output * paid,
            thinking=self.thinking * paid,
        )


class Tier(Struct, frozen=True):
    """TokenPrices for every token of a call with more than `above` input tokens."""

    above: int
    rates: TokenPrices


class Tariff(Struct, frozen=True):
    """`base` holds below every tier; `source` says where the rates come from."""

    source: str
    base: TokenPrices
    tiers: tuple[Tier, ...] = ()

    def cost(self, tokens: Tokens) -> Decimal:
        """US dollars, no finer than the ledger keeps them. More cached than input counts as all of it."""
        rates = self.rates(tokens.input)
        cached = min(tokens.cached_input, tokens.input)
        return rounded(
            (
                (tokens.input - cached) * rates.input
                + cached * rates.cached
                + tokens.output * rates.output
                + tokens.thinking * rates.thinking
            )
            / MILLION
        )

    def most(self, *, input_tokens: int, answer_tokens: int) -> Decimal:
        """US dollars that no call within these counts exceeds, however its tokens turn out to be of which kind."""
        reached = [self.base, *(tier.rates for tier in self.tiers if input_tokens > tier.above)]
        read = max(rate for rates in reached for rate in (rates.input, rates.cached))
        written = max(rate for rates in reached for rate in (rates.output, rates.thinking))
        return rounded((input_tokens * read + answer_tokens * written) / MILLION)

    def rates(self, input_tokens: int) -> TokenPrices:
        """Those of a call with so many input tokens."""
        found = self.base
        for tier in self.tiers:
            if input_tokens > tier.above:
                found = tier.rates
        return found


def tariff(source: str, base: TokenPrices, tiers: Sequence[Tier] = ()) -> Tariff:
    """A tariff with its tiers in order of length."""
    return Tariff(source, base, tuple(sorted(tiers, key=lambda tier: tier.above)))


def rounded(usd: Decimal) -> Decimal:
    """The same amount, rounded where it is finer than the ledger keeps."""
    exponent = usd.as_tuple().exponent
    return usd.quantize(FINEST) if isinstance(exponent, int) and exponent < -12 else usd
