"""The month's end: exact where nothing is in doubt, wide where days scatter, silent where nothing is known."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from backends.finops.forecast import DaySpend, forecast
from backends.types import Forecast

TODAY = date(2026, 6, 11)


def days(*usd: float) -> list[DaySpend]:
    return [DaySpend(TODAY - timedelta(days=len(usd) - index), one) for index, one in enumerate(usd)]


def said(past: list[DaySpend], *, so_far: str = "10", today: str = "0") -> Forecast:
    found = forecast(past, month_so_far=Decimal(so_far), today=TODAY, today_so_far=Decimal(today))
    assert found is not None
    return found


def test_a_steady_spend_goes_on() -> None:
    # Twenty days are left of June, today's whole.
    assert said(days(*[1.0] * 30)).month_end_usd == Decimal("30.00")


def test_what_today_has_spent_is_not_spent_twice() -> None:
    assert said(days(*[1.0] * 30), so_far="10.75", today="0.75").month_end_usd == Decimal("30.00")
    assert said(days(*[1.0] * 30), so_far="13", today="3").month_end_usd == Decimal("32.00")


def test_weekends_are_weekends() -> None:
    past = [DaySpend(day.on, 0.0 if day.on.weekday() > 4 else 1.0) for day in days(*[0.0] * 56)]
    # 14 working days and 6 of weekends are left.
    assert abs(said(past).month_end_usd - 24) < Decimal("1.2")


def test_growth_goes_on_for_a_while() -> None:
    assert said(days(*(0.5 + index / 60 for index in range(30)))).month_end_usd > Decimal("30.5")


def test_days_that_scatter_make_a_wide_interval() -> None:
    calm, wild = said(days(*[1.0] * 30)), said(days(*[0.1, 1.9] * 15))
    assert wild.high_usd - wild.low_usd > calm.high_usd - calm.low_usd


def test_fewer_than_three_days_say_nothing() -> None:
    assert forecast(days(1, 1), month_so_far=Decimal(2), today=TODAY, today_so_far=Decimal(0)) is None


@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=90),
    st.decimals(0, 10**6, places=2),
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
)
def test_low_never_lies_below_what_is_spent_and_the_order_holds(usd: list[float], so_far: Decimal, today: date) -> None:
    past = [DaySpend(today - timedelta(days=len(usd) - index), one) for index, one in enumerate(usd)]
    found = forecast(past, month_so_far=so_far, today=today, today_so_far=Decimal(0))
    assert found is not None
    assert so_far <= found.low_usd <= found.high_usd
    assert found.low_usd <= max(found.month_end_usd, so_far) <= found.high_usd
