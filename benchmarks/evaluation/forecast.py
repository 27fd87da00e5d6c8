"""How good is the forecast of the month's spend?

    python -m benchmarks.evaluation.forecast [--seeds 40] [--json]

Replays quarters (91 days after 28 days to learn from) of several kinds of spend. Each day forecasts the end of its
month from the days before; the true value is known at the end. The comparison is the month so far, extrapolated in
proportion; it has no interval, so only its error is shown.
"""

import argparse
import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from statistics import mean, median
from typing import Any

from backends.finops.forecast import DaySpend, forecast

FIRST = date(2026, 3, 4)
RUN_IN, QUARTER = 28, 91
Spend = Callable[[Random, list[date]], list[float]]


def steady(dice: Random, dates: list[date]) -> list[float]:
    return [(1.0 if on.weekday() < 5 else 0.4) * dice.gammavariate(8, 0.25) for on in dates]


def growing(dice: Random, dates: list[date]) -> list[float]:
    return [usd * 1.012**index for index, usd in enumerate(steady(dice, dates))]


def shrinking(dice: Random, dates: list[date]) -> list[float]:
    return [usd * 0.985**index for index, usd in enumerate(steady(dice, dates))]


def stepping(dice: Random, dates: list[date]) -> list[float]:
    return [usd * (1.0 if index < 70 else 1.8) for index, usd in enumerate(steady(dice, dates))]


def bursts(dice: Random, dates: list[date]) -> list[float]:
    return [usd * (dice.uniform(4, 10) if dice.random() < 0.04 else 1.0) for usd in steady(dice, dates)]


def sparse(dice: Random, dates: list[date]) -> list[float]:
    return [dice.expovariate(0.5) if dice.random() < 0.3 else 0.0 for _ in dates]


def wandering(dice: Random, dates: list[date]) -> list[float]:
    level, found = 1.0, []
    for usd in steady(dice, dates):
        level *= dice.lognormvariate(0, 0.06)
        found.append(usd * level)
    return found


KINDS: dict[str, Spend] = {
    kind.__name__: kind for kind in (steady, growing, shrinking, stepping, bursts, sparse, wandering)
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=40)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    figures = {kind: replayed(spend, given.seeds) for kind, spend in KINDS.items()}
    if given.json:
        print(json.dumps(figures))
        return
    print(f"{'spend':<12}{'days':>7}{'held':>8}{'worst quarter':>15}{'width':>8}{'error':>8}{'in proportion':>15}")
    for kind, row in figures.items():
        print(
            f"{kind:<12}{row['days']:>7}{row['held']:>8.3f}{row['worst_quarter']:>15.3f}{row['width']:>8.2f}"
            f"{row['error']:>8.3f}{row['error_in_proportion']:>15.3f}"
        )


def replayed(spend: Spend, seeds: int) -> dict[str, Any]:
    """Share of days whose interval held the truth, its median width and the median error as shares of the truth."""
    held, widths, errors, plain, quarters = [], [], [], [], []
    for seed in range(seeds):
        inside = []
        for low, end, high, truth, in_proportion in quarter(spend, Random(seed)):
            inside.append(low <= truth <= high)
            widths.append((high - low) / truth)
            errors.append(abs(end - truth) / truth)
            plain.append(abs(in_proportion - truth) / truth)
        held += inside
        quarters.append(mean(inside))
    return {
        "days": len(held),
        "held": mean(held),
        "worst_quarter": min(quarters),
        "width": median(widths),
        "error": median(errors),
        "error_in_proportion": median(plain),
    }


def quarter(spend: Spend, dice: Random) -> list[tuple[float, float, float, float, float]]:
    """Low, end, high, truth and the month so far in proportion, at the start of each day whose month is whole."""
    dates = [FIRST + timedelta(days=index) for index in range(RUN_IN + QUARTER + 31)]
    days = [DaySpend(on, usd) for on, usd in zip(dates, spend(dice, dates), strict=True)]
    found = []
    for index in range(RUN_IN, RUN_IN + QUARTER):
        today = days[index].on
        month = [day for day in days if (day.on.year, day.on.month) == (today.year, today.month)]
        truth, so_far = sum(day.usd for day in month), sum(day.usd for day in month if day.on < today)
        if truth < 0.01:
            continue
        said = forecast(days[:index], month_so_far=Decimal(so_far), today=today, today_so_far=Decimal(0))
        assert said is not None
        gone = max(1, today.day - 1)
        found.append(
            (
                float(said.low_usd) - 0.005,
                float(said.month_end_usd),
                float(said.high_usd) + 0.005,
                truth,
                so_far / gone * len(month),
            )
        )
    return found


if __name__ == "__main__":
    main()
