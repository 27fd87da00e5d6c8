"""What local calls cost their operator: shares of the machine's time that add up to it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.clock import ManualClock
from backends.settings.money import LocalCosts
from backends.types import Gpu, GpuReading
from backends.upstream.self_hosted_cost import SelfHostedCost

D = Decimal
RENT = LocalCosts(rent_usd_month=D("2629800"))
"""A dollar a second."""
ENERGY = LocalCosts(kwh_usd=D("3600"), power_w=1000.0)
"""A kilowatt is a dollar a second."""


def reading(*watts: float | None, state: str = "ok") -> GpuReading:
    gpus = tuple(Gpu(index=index, name="gpu", power_w=one) for index, one in enumerate(watts))
    return GpuReading(at=ManualClock().now(), state=state, gpus=gpus)  # type: ignore[arg-type]


def test_a_call_alone_costs_its_time() -> None:
    clock = ManualClock()
    own = SelfHostedCost(RENT, clock)
    clock.advance(100)  # nobody's
    call = own.begin()
    clock.advance(5)
    assert own.end(call) == 5


def test_calls_at_the_same_time_share_it() -> None:
    clock = ManualClock()
    own = SelfHostedCost(RENT, clock)
    first = own.begin()
    clock.advance(4)
    second = own.begin()
    clock.advance(6)
    assert own.end(first) == 7
    clock.advance(1)
    assert own.end(second) == 4


@pytest.mark.parametrize(
    ("settings", "usd"),
    [
        (LocalCosts(), None),
        (LocalCosts(power_w=1000.0), None),
        (LocalCosts(hardware_usd=D("2629800"), lifetime_months=2), D("2.5")),
        (LocalCosts(rent_usd_month=D("2629800"), hardware_usd=D("2629800"), lifetime_months=1), D(10)),
        (ENERGY, D(5)),
        (LocalCosts(kwh_usd=D("3600")), None),
        (LocalCosts(kwh_usd=D("3600"), rent_usd_month=D("2629800")), None),
        (LocalCosts(kwh_usd=D(0), power_w=1.0), D(0)),
    ],
)
def test_what_no_setting_prices_is_unknown_and_not_free(settings: LocalCosts, usd: Decimal | None) -> None:
    clock = ManualClock()
    own = SelfHostedCost(settings, clock)
    call = own.begin()
    clock.advance(5)
    assert own.end(call) == usd


def test_measured_power_outranks_the_settings_and_holds_from_its_moment() -> None:
    clock = ManualClock()
    own = SelfHostedCost(ENERGY, clock)
    call = own.begin()
    clock.advance(1)
    own.record(reading(300.0, 200.0, None))
    clock.advance(2)
    own.record(reading(state="lost"))
    clock.advance(1)
    assert own.end(call) == 1 + 1 + 1


def test_a_call_whose_power_was_unknown_for_a_while_has_no_cost_and_the_next_one_has() -> None:
    clock = ManualClock()
    own = SelfHostedCost(LocalCosts(kwh_usd=D("3600")), clock)
    own.record(reading(1000.0))
    first = own.begin()
    clock.advance(1)
    own.record(None)
    clock.advance(1)
    own.record(reading(1000.0))
    second = own.begin()
    clock.advance(2)
    assert own.end(first) is None
    assert own.end(second) == 1


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=40))
def test_shares_add_up_to_the_time_in_which_anything_ran(steps: list[tuple[int, bool]]) -> None:
    clock = ManualClock()
    own = SelfHostedCost(RENT, clock)
    running, total, busy = [own.begin()], D(0), 0
    for seconds, more in steps:
        clock.advance(seconds)
        busy += seconds if running else 0
        if more or not running:
            running.append(own.begin())
        else:
            total += own.end(running.pop(0)) or 0
    for call in running:
        total += own.end(call) or 0
    assert total == pytest.approx(busy, abs=1e-6)
