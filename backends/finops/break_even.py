"""Break-even: from how many requests a month the own machine is cheaper than the cloud, for its present mix.

A machine costs its rent, or its price spread over its life, whether it works or not, and each request adds energy. The
cloud costs only requests. The lines cross at the volume that pays for the machine, if one machine can answer it.
"""

from decimal import ROUND_CEILING, Decimal

from backends.settings.money import LocalCosts
from backends.types import ZERO, BreakEven, CurvePoint

MONTH_S = Decimal(2_629_800)  # a twelfth of 365.25 days
JOULES_PER_KWH = Decimal(3_600_000)
RULE_OF_THUMB = 1_000_000
"""Requests a month from which, by a common rule of thumb, an own GPU pays off."""

VOLUMES = tuple(sorted({int(round(10 ** (step / 4), 0)) for step in range(12, 29)} | {RULE_OF_THUMB}))
"""Requests a month at which the curve is drawn, a thousand to ten million."""


def break_even(
    costs: LocalCosts, *, cloud_usd: Decimal | None, seconds: float | None, places: int, requests_month: int
) -> BreakEven:
    """`cloud_usd` is what a request of the mix costs in the cloud. On the own machine it takes `seconds`, and `places`
    requests are answered at once.
    """
    fixed, energy = fixed_usd_month(costs), energy_usd(costs, seconds, places)
    capacity = None if not seconds else int(MONTH_S * places / Decimal(seconds))
    at = _crossing(fixed, energy, cloud_usd)
    known = fixed is not None and cloud_usd is not None
    return BreakEven(
        fixed_usd_month=fixed,
        energy_usd=energy,
        cloud_usd=cloud_usd,
        seconds=seconds,
        requests_month=requests_month,
        at_requests=at,
        capacity=capacity,
        note=_note(fixed, energy, cloud_usd, at, capacity),
        curve=_curve(fixed or ZERO, energy or ZERO, cloud_usd or ZERO, capacity) if known else (),
    )


def fixed_usd_month(costs: LocalCosts) -> Decimal | None:
    """Rent and depreciation together; None where neither is set."""
    wear = None if costs.hardware_usd is None else costs.hardware_usd / costs.lifetime_months
    if wear is None and costs.rent_usd_month is None:
        return None
    return (wear or ZERO) + (costs.rent_usd_month or ZERO)


def energy_usd(costs: LocalCosts, seconds: float | None, places: int) -> Decimal | None:
    """One request's share of the power while the engine works."""
    if costs.kwh_usd is None or costs.power_w is None or seconds is None:
        return None
    return Decimal(costs.power_w) * Decimal(seconds) / places / JOULES_PER_KWH * costs.kwh_usd


def _crossing(fixed: Decimal | None, energy: Decimal | None, cloud: Decimal | None) -> int | None:
    if fixed is None or cloud is None or cloud <= (energy or ZERO):
        return None
    return int((fixed / (cloud - (energy or ZERO))).to_integral_value(ROUND_CEILING))


def _curve(fixed: Decimal, energy: Decimal, cloud: Decimal, capacity: int | None) -> tuple[CurvePoint, ...]:
    points = []
    for volume in VOLUMES:
        machines = 1 if not capacity else max(1, -(-volume // capacity))
        points.append(CurvePoint(volume, fixed * machines + energy * volume, cloud * volume))
    return tuple(points)


def _note(
    fixed: Decimal | None, energy: Decimal | None, cloud: Decimal | None, at: int | None, capacity: int | None
) -> str:
    if fixed is None:
        return "the cost of the machine is not known: set costs.local.rent_usd_month or hardware_usd"
    if cloud is None:
        return "no request was answered yet with a known price in the cloud"
    if at is None:
        return "a request costs less in the cloud than its energy here: the machine never pays off"
    if capacity is not None and at > capacity:
        return f"one machine answers at most {capacity:,} requests a month: it cannot pay off with this mix"
    thumb = fixed + (energy or ZERO) * RULE_OF_THUMB
    ahead = "holds" if thumb <= cloud * RULE_OF_THUMB else "does not hold"
    return f"the rule of a million requests a month {ahead} here: ${thumb:,.0f} against ${cloud * RULE_OF_THUMB:,.0f}"
