"""The forecast of the month's end: what was spent, what days like the last ones cost, and an interval around it.

The level of a day's spend is a mean in which a day counts half as much as one ten days later; weekdays get a factor of
their own once three of each were seen. The interval covers three doubts: days scatter around the level, the level is
known from few days, and it wanders. It is meant to contain the true value nine times in ten. Spend that a person starts
or stops tomorrow is in no history.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import sqrt

from msgspec import Struct

from backends.types import Forecast

HALF_LIFE_DAYS = 10
LOOKS_BACK_DAYS = 70
WEEKDAYS_FROM_DAYS = 21
LEAST_DAYS = 3
"""With fewer whole days no forecast is made."""

SURE = 1.9
"""Standard deviations to either side: spend has longer tails than a normal distribution."""

WANDERS = 0.1
"""How far the level moves in a day, as a share of itself, in the mean of what agents' traffic does."""

DAMPED_DAYS = 14
DISBELIEF = 4.0
"""Squared standard errors that a slope must reach to be half believed."""

LEAST_USD = 1e-9
"""Changes a day below this are none."""

FRESH_TWINS = 2.0
"""Days that a weekday's factor is drawn towards 1 by."""


class DaySpend(Struct, frozen=True):
    """One whole local day's spend in US dollars."""

    on: date
    usd: float


def forecast(days: Sequence[DaySpend], *, month_so_far: Decimal, today: date, today_so_far: Decimal) -> Forecast | None:
    """The month's end as of now; None before there are three whole days.

    `days` are consecutive, ending yesterday, days without spend included. `month_so_far` includes `today_so_far`.
    """
    if len(days) < LEAST_DAYS:
        return None
    days = days[-LOOKS_BACK_DAYS:]
    factors = _weekday_factors(days)
    flat = [day.usd / factors[day.on.weekday()] for day in days]
    # A day of a quiet weekday tells less of the level than one of a busy weekday.
    weights = [
        factors[day.on.weekday()] * 0.5 ** ((len(days) - 1 - index) / HALF_LIFE_DAYS) for index, day in enumerate(days)
    ]
    line = _line(flat, weights)
    left = list(_days_left(today))
    ahead = [max(0.0, line.at(index)) * factors[on.weekday()] for index, on in enumerate(left, start=1)]
    # Today's rest is what an ordinary day still brings, never less than nothing.
    ahead[0] = max(0.0, ahead[0] - float(today_so_far))
    count = len(left)
    doubt = sqrt(
        count * line.scatter**2 * (1 + line.echo) / (1 - line.echo)
        + (count * line.scatter) ** 2 / _effective(weights)
        + (WANDERS * line.level) ** 2 * count**3 / 3
    )
    end = float(month_so_far) + sum(ahead)
    return Forecast(
        month_end_usd=_cents(end),
        low_usd=max(month_so_far, _cents(end - SURE * doubt)),
        high_usd=max(month_so_far, _cents(end + SURE * doubt * line.tail)),
        days=len(days),
    )


class TrendLine(Struct, frozen=True):
    """The level now, its change a day, and how days scatter around it; dollars, weekdays taken out."""

    level: float
    slope: float
    scatter: float
    echo: float

    @property
    def tail(self) -> float:
        """How much further up than down: the more days scatter, the longer is their upper tail."""
        return 1 + 0.4 * min(1.5, self.scatter / self.level) if self.level > 0 else 1.6

    def at(self, days: int) -> float:
        """The level expected `days` ahead: a change fades, by half in DAMPED_DAYS."""
        keep: float = 0.5 ** (1 / DAMPED_DAYS)
        return float(self.level + self.slope * keep * (1 - keep**days) / (1 - keep))


def _line(values: Sequence[float], weights: Sequence[float]) -> TrendLine:
    """A weighted line through the days, believed as far as its slope stands out from the scatter."""
    mean = _mean(values, weights)
    ages = [index - len(values) + 1.0 for index in range(len(values))]
    middle = _mean(ages, weights)
    spread = _mean([(age - middle) ** 2 for age in ages], weights)
    slope = _mean([(age - middle) * (usd - mean) for age, usd in zip(ages, values, strict=True)], weights) / spread
    off = [usd - mean - slope * (age - middle) for age, usd in zip(ages, values, strict=True)]
    scatter = sqrt(_mean([one**2 for one in off], weights) * _few(weights))
    error = scatter / sqrt(spread * _effective(weights))
    belief = 1 / (1 + DISBELIEF * (error / slope) ** 2) if abs(slope) > LEAST_USD else 0.0
    slope *= belief
    return TrendLine(level=mean - slope * middle, slope=slope, scatter=scatter, echo=_echo(off))


def _weekday_factors(days: Sequence[DaySpend]) -> list[float]:
    mean = sum(day.usd for day in days) / len(days)
    if len(days) < WEEKDAYS_FROM_DAYS or not mean:
        return [1.0] * 7
    factors = []
    for weekday in range(7):
        same = [day.usd / mean for day in days if day.on.weekday() == weekday]
        factors.append(max(0.05, (sum(same) + FRESH_TWINS) / (len(same) + FRESH_TWINS)))
    return factors


def _days_left(today: date) -> Sequence[date]:
    """Today and every day to the month's end."""
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return [today + timedelta(days=index) for index in range((following - today).days)]


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def _effective(weights: Sequence[float]) -> float:
    """How many equally weighted days would tell as much."""
    return float(sum(weights) ** 2 / sum(weight**2 for weight in weights))


def _few(weights: Sequence[float]) -> float:
    """What a scatter seen in few days is multiplied by, squared: few days look more alike than they are."""
    known = _effective(weights)
    return known / max(1.0, known - 1) * (1 + 4 / known)


def _echo(off: Sequence[float]) -> float:
    """How much of a day's deviation the next day has again, 0 to 0.6."""
    whole = sum(one**2 for one in off)
    if len(off) < WEEKDAYS_FROM_DAYS or not whole:
        return 0.2
    return min(0.6, max(0.0, sum(one * two for one, two in pairwise(off)) / whole))


def _cents(usd: float) -> Decimal:
    return Decimal(round(usd, 2)).quantize(Decimal("0.01"))
