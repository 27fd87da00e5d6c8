"""The tables of claw.toml that are about money: prices, budgets, currency, and what the own machine costs."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import asdict

from backends.settings.section import NotNegative, Positive, Section, Share

SCOPES = ("agent", "group", "engine", "model")
EACH = ("session", "run")
"""Scopes that limit each session or run by itself."""

LONGEST_NAME = 128

MOST, FINEST = 12, -12
"""Powers of ten that an amount may reach and be given to: beyond them sums lose digits, or take memory to write."""


def is_amount(usd: Decimal | None) -> bool:
    """Is it 0 or more, and no larger or finer than money is? None, for an amount that is not set, is one too."""
    if usd is None:
        return True
    exponent = usd.as_tuple().exponent  # a letter where it is not a number
    return isinstance(exponent, int) and exponent >= FINEST and usd.adjusted() <= MOST and usd >= 0


def is_scope(scope: str) -> bool:
    """Can a budget count that? A model, an agent or an engine may be added later."""
    kind, _, name = scope.partition(":")
    return scope in ("all", *EACH) or (kind in SCOPES and 0 < len(name) <= LONGEST_NAME and name.isprintable())


def _check_amounts(section: Section, example: str) -> None:
    """Raise ValueError for the first field of US dollars that is no amount."""
    for name, value in asdict(section).items():
        if "_usd" in name and not is_amount(value):
            raise ValueError(f'`{name}` must be 0 or more, with at most 12 decimals, as "{example}"')


def check_timezone(name: str | None) -> None:
    """Raise ValueError where `name` is no time zone of this machine; None is the machine's own."""
    if name is None:
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError('`timezone` must be a time zone of this machine, as "Europe/Berlin"') from None


class Budget(Section, frozen=True, kw_only=True):
    scope: Annotated[
        str,
        Meta(
            description="what it counts: all, agent:NAME, group:NAME, engine:NAME or model:NAME;"
            " session or run limits each session or run by itself"
        ),
    ] = "all"
    window: Annotated[
        Literal["hour", "day", "week", "month", "total"],
        Meta(description="hour, day, week, month or total, in its time zone"),
    ] = "day"
    limit_usd: Annotated[
        Decimal, Meta(description="limit as decimal text; the worst case of a call is reserved before it")
    ]
    on_exceeded: Annotated[
        Literal["local", "refuse", "alert"],
        Meta(description="what happens to a call that does not fit: local, refuse or alert"),
    ] = "local"
    alert_at: Annotated[Share, Meta(description="share of the limit at which an alert is raised")] = 0.9
    timezone: Annotated[
        str | None, Meta(description="time zone, as Europe/Berlin; not set means money.timezone, or the machine's own")
    ] = None

    def __post_init__(self) -> None:
        if not is_scope(self.scope):
            raise ValueError(
                f"`scope` is {json.dumps(self.scope)}: use all, agent:NAME, group:NAME, engine:NAME, model:NAME,"
                " session or run"
            )
        _check_amounts(self, "5.00")
        check_timezone(self.timezone)


class Tier(Section, frozen=True, kw_only=True):
    """Rates for a whole call whose input is longer than `above_input_tokens`."""

    above_input_tokens: Annotated[
        Positive, Meta(description="calls with more input tokens pay this tier for all their tokens")
    ]
    input_usd: Annotated[Decimal, Meta(description="US dollars for a million input tokens")]
    output_usd: Annotated[Decimal, Meta(description="US dollars for a million output tokens")]
    cached_input_usd: Annotated[Decimal | None, Meta(description="US dollars for a million cached input tokens")] = None
    thinking_usd: Annotated[Decimal | None, Meta(description="US dollars for a million thinking tokens")] = None

    def __post_init__(self) -> None:
        _check_amounts(self, "0.30")


class PriceFrom(Section, frozen=True, kw_only=True):
    """A later price of the same model."""

    valid_from: Annotated[
        datetime, Meta(tz=True, description="from when on it applies, to calls that begin then or later")
    ]
    input_usd: Annotated[Decimal, Meta(description="US dollars for a million input tokens")]
    output_usd: Annotated[Decimal, Meta(description="US dollars for a million output tokens")]
    cached_input_usd: Annotated[Decimal | None, Meta(description="US dollars for a million cached input tokens")] = None
    thinking_usd: Annotated[Decimal | None, Meta(description="US dollars for a million thinking tokens")] = None
    tiers: Annotated[tuple[Tier, ...], Meta(description="other prices for long prompts")] = ()

    def __post_init__(self) -> None:
        _check_amounts(self, "0.30")


class Price(Section, frozen=True, kw_only=True):
    """US dollars for a million tokens, as decimal text; overrides the built-in table for one model."""

    input_usd: Annotated[Decimal, Meta(description="US dollars for a million input tokens")]
    output_usd: Annotated[Decimal, Meta(description="US dollars for a million output tokens, thinking included")]
    cached_input_usd: Annotated[
        Decimal | None, Meta(description="US dollars for a million cached input tokens; not set means the input price")
    ] = None
    thinking_usd: Annotated[
        Decimal | None, Meta(description="US dollars for a million thinking tokens, if they have their own price")
    ] = None
    tiers: Annotated[
        tuple[Tier, ...],
        Meta(description="tables of above_input_tokens and the prices for calls with more input tokens"),
    ] = ()
    valid_from: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="earlier calls are priced by the built-in table"),
    ] = None
    changes: Annotated[
        tuple[PriceFrom, ...],
        Meta(description="tables of valid_from and the prices from then on; booked rows keep theirs"),
    ] = ()

    def __post_init__(self) -> None:
        _check_amounts(self, "0.30")
        first = [] if self.valid_from is None else [self.valid_from]
        moments = [*first, *(change.valid_from for change in self.changes)]
        if moments != sorted(set(moments)):
            raise ValueError("`changes` must come in the order of their valid_from, each moment once")


class Money(Section, frozen=True, kw_only=True):
    currency: Annotated[
        str, Meta(description="another currency to show amounts in, after ≈; they are stored in US dollars")
    ] = "USD"
    rate: Annotated[Decimal, Meta(description="what one US dollar is in that currency, as decimal text")] = Decimal(1)
    rate_date: Annotated[date | None, Meta(description="the day of that rate, shown with it")] = None
    timezone: Annotated[
        str | None, Meta(description="time zone of days and months, as Europe/Berlin; not set means the machine's own")
    ] = None

    def __post_init__(self) -> None:
        if not (self.currency.isascii() and self.currency.isalpha() and len(self.currency) == 3):
            raise ValueError('`currency` must be three letters, as "EUR"')
        if not is_amount(self.rate) or self.rate == 0:
            raise ValueError('`rate` must be above 0, as "0.92"')
        check_timezone(self.timezone)


class LocalCosts(Section, frozen=True, kw_only=True):
    power_w: Annotated[
        NotNegative | None, Meta(description="watts while the local engine works, if no GPU reports its power")
    ] = None
    kwh_usd: Annotated[Decimal | None, Meta(description="US dollars for a kilowatt-hour")] = None
    hardware_usd: Annotated[
        Decimal | None, Meta(description="price of the machine in US dollars, spread over its lifetime")
    ] = None
    lifetime_months: Annotated[Positive, Meta(description="lifetime of the machine in months")] = 36
    rent_usd_month: Annotated[
        Decimal | None, Meta(description="rent for a month in US dollars, if the machine is rented")
    ] = None

    def __post_init__(self) -> None:
        _check_amounts(self, "0.30")


class Costs(Section, frozen=True, kw_only=True):
    """What is never billed by a provider, and so is kept apart from what is."""

    local: LocalCosts = field(default_factory=LocalCosts)
