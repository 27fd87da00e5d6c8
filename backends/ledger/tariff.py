"""A model's rates at one moment, by length of the input: what any number of its tokens costs."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from backends.ledger.money import rounded
from backends.types import Tokens

MILLION = Decimal(1_000_000)


class Rates(Struct, frozen=True, kw_only=True):
    """US dollars for a million tokens of each kind; `thinking` tokens are never `output` ones too."""

    input: Decimal
    cached: Decimal
    output: Decimal
    thinking: Decimal

    def off(self, discount: Decimal) -> "Rates":
        """These rates with a share of them taken off."""
        paid = 1 - discount
        return Rates(
            input=self.input * paid,
            cached=self.cached * paid,
            output=self.output * paid,
            thinking=self.thinking * paid,
        )


class Tier(Struct, frozen=True):
    """Rates for every token of a call with more than `above` input tokens."""

    above: int
    rates: Rates


class Tariff(Struct, frozen=True):
    """`base` holds below every tier; `source` says where the rates come from."""

    source: str
    base: Rates
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

    def rates(self, input_tokens: int) -> Rates:
        """Those of a call with so many input tokens."""
        found = self.base
        for tier in self.tiers:
            if input_tokens > tier.above:
                found = tier.rates
        return found


def tariff(source: str, base: Rates, tiers: Sequence[Tier] = ()) -> Tariff:
    """A tariff with its tiers in order of length."""
    return Tariff(source, base, tuple(sorted(tiers, key=lambda tier: tier.above)))
