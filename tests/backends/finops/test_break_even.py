"""Where the lines cross: by hand for known costs, and honest where a cost is not known."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.finops.break_even import break_even
from backends.settings.money import LocalCosts
from backends.types import BreakEven

RENT = LocalCosts(rent_usd_month=Decimal(100), kwh_usd=Decimal("0.36"), power_w=100)


def said(costs: LocalCosts = RENT, *, cloud: str | None = "0.002", seconds: float | None = 10.0) -> BreakEven:
    usd = None if cloud is None else Decimal(cloud)
    return break_even(costs, cloud_usd=usd, seconds=seconds, places=2, requests_month=1000)


def test_rent_over_what_a_request_saves() -> None:
    found = said()
    # 100 W × 10 s over 2 places = 500 J, of 3.6 MJ a kWh at 36 cents: 0.00005 dollars.
    assert found.energy_usd == Decimal("0.00005")
    assert found.at_requests == 51_283  # 100 / 0.00195, rounded up
    assert found.capacity == 525_960


def test_hardware_is_spread_over_its_life() -> None:
    assert said(LocalCosts(hardware_usd=Decimal(3600), lifetime_months=36)).fixed_usd_month == 100


def test_what_is_not_known_is_said_and_no_curve_is_drawn() -> None:
    for found, word in (
        (said(LocalCosts()), "costs.local"),
        (said(cloud=None), "no request was answered"),
    ):
        assert (found.at_requests, found.curve) == (None, ())
        assert word in found.note


def test_a_cloud_that_asks_less_than_the_energy_is_never_beaten() -> None:
    found = said(cloud="0.00001")
    assert found.at_requests is None
    assert "never pays" in found.note


def test_a_machine_that_cannot_do_so_many_says_so() -> None:
    assert "at most" in said(cloud="0.0004", seconds=60).note


@pytest.mark.parametrize(("cloud", "word"), [("0.002", "holds"), ("0.0001", "does not hold")])
def test_the_rule_of_thumb_is_checked(cloud: str, word: str) -> None:
    assert f"a month {word} here" in said(cloud=cloud, seconds=1.0).note


@given(
    rent=st.decimals(1, 10_000, places=2),
    cloud=st.decimals("0.0001", 1, places=4),
    seconds=st.floats(0.1, 600),
)
def test_left_of_the_crossing_the_cloud_is_cheaper_and_right_of_it_the_machine(
    rent: Decimal, cloud: Decimal, seconds: float
) -> None:
    found = break_even(LocalCosts(rent_usd_month=rent), cloud_usd=cloud, seconds=seconds, places=1, requests_month=0)
    assert found.at_requests is not None
    assert found.capacity is not None
    for point in found.curve:
        if point.requests < found.at_requests:
            assert point.cloud_usd < point.local_usd
        elif point.requests <= found.capacity:
            assert point.local_usd <= point.cloud_usd
