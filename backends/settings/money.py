"""The tables of claw.toml that are about money: prices, budgets, currency, and what the own machine costs."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, field

from backends.settings.section import NotNegative, Positive, Section, Share


class Budget(Section, frozen=True, kw_only=True):
    scope: Annotated[str, Meta(description="all | agent:NAME | group:NAME | engine:NAME | model:NAME")] = "all"
    window: Annotated[
        Literal["hour", "day", "week", "month", "total"], Meta(description="begins and ends in its time zone")
    ] = "day"
    limit_usd: Annotated[
        Decimal, Meta(description="decimal text; never overrun, worst cases are reserved before a call")
    ]
    on_exceeded: Annotated[
        Literal["local", "refuse", "alert"], Meta(description="what happens to the call that would not fit")
    ] = "local"
    alert_at: Annotated[Share, Meta(description="share of the limit from which on an alert stands")] = 0.9
    timezone: Annotated[
        str | None, Meta(description="as Europe/Berlin; else money.timezone, else the machine's own")
    ] = None


class Tier(Section, frozen=True, kw_only=True):
    """Rates for a whole call whose input is longer than `above_input_tokens`."""

    above_input_tokens: Annotated[Positive, Meta(description="calls with more input tokens pay this tier for all")]
    input_usd: Annotated[Decimal, Meta(description="for a million input tokens")]
    output_usd: Annotated[Decimal, Meta(description="for a million output tokens")]
    cached_input_usd: Annotated[Decimal | None, Meta(description="for a million cached input tokens")] = None
    thinking_usd: Annotated[Decimal | None, Meta(description="for a million thinking tokens")] = None


class PriceFrom(Section, frozen=True, kw_only=True):
    """A later price of the same model."""

    valid_from: Annotated[datetime, Meta(tz=True, description="calls that begin at this moment or later pay it")]
    input_usd: Annotated[Decimal, Meta(description="for a million input tokens")]
    output_usd: Annotated[Decimal, Meta(description="for a million output tokens")]
    cached_input_usd: Annotated[Decimal | None, Meta(description="for a million cached input tokens")] = None
    thinking_usd: Annotated[Decimal | None, Meta(description="for a million thinking tokens")] = None
    tiers: Annotated[tuple[Tier, ...], Meta(description="dearer or cheaper rates for long prompts")] = ()


class Price(Section, frozen=True, kw_only=True):
    """US dollars for a million tokens, as decimal text; overrides the built-in table for one model."""

    input_usd: Annotated[Decimal, Meta(description="for a million input tokens")]
    output_usd: Annotated[Decimal, Meta(description="for a million output tokens, thinking included")]
    cached_input_usd: Annotated[
        Decimal | None, Meta(description="for a million cached input tokens; else they cost as much as others")
    ] = None
    thinking_usd: Annotated[
        Decimal | None, Meta(description="for a million thinking tokens, where they have a price of their own")
    ] = None
    tiers: Annotated[
        tuple[Tier, ...],
        Meta(description="tables of above_input_tokens and the rates that calls with more input tokens pay"),
    ] = ()
    valid_from: Annotated[
        Annotated[datetime, Meta(tz=True)] | None,
        Meta(description="calls that began before it are priced by the built-in table"),
    ] = None
    changes: Annotated[
        tuple[PriceFrom, ...],
        Meta(description="tables of valid_from and the rates from then on; what was booked before stays"),
    ] = ()


class Money(Section, frozen=True, kw_only=True):
    currency: Annotated[str, Meta(description="amounts are shown in it too, after ≈; they are kept in US dollars")] = (
        "USD"
    )
    rate: Annotated[Decimal, Meta(description="what one US dollar is in that currency, as decimal text")] = Decimal(1)
    rate_date: Annotated[date | None, Meta(description="the day of that rate, shown with it")] = None
    timezone: Annotated[
        str | None, Meta(description="where days and months begin, as Europe/Berlin; else the machine's own")
    ] = None


class LocalCosts(Section, frozen=True, kw_only=True):
    power_w: Annotated[
        NotNegative | None, Meta(description="watts while the local engine works, where no GPU says what it draws")
    ] = None
    kwh_usd: Annotated[Decimal | None, Meta(description="US dollars for a kilowatt-hour")] = None
    hardware_usd: Annotated[Decimal | None, Meta(description="what the machine cost, spread over its lifetime")] = None
    lifetime_months: Annotated[Positive, Meta(description="how long the hardware is to last")] = 36
    rent_usd_month: Annotated[Decimal | None, Meta(description="its rent for a month, where it is rented")] = None


class Costs(Section, frozen=True, kw_only=True):
    """What is never billed by a provider, and so is kept apart from what is."""

    local: LocalCosts = field(default_factory=LocalCosts)
