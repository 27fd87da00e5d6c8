"""Budgets that fill up or refuse, and quotas of a provider's day."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.monitoring.money_conditions import budget_refuses, budget_used, quota_nearly_used
from backends.monitoring.touched import EndedRequest
from backends.monitoring.watch import Holding
from backends.settings.alert_limits import AlertLimits
from backends.types import BudgetState, EngineState, QuotaLimit, QuotaState

AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LIMITS = AlertLimits()


def budget(spent: str, reserved: str = "0", **more: object) -> BudgetState:
    known = {"on_exceeded": "local", "resets_at": None} | more
    return BudgetState(
        scope="all",
        window="day",
        limit_usd=Decimal(5),
        spent_usd=Decimal(spent),
        reserved_usd=Decimal(reserved),
        left_usd=max(Decimal(0), 5 - Decimal(spent) - Decimal(reserved)),
        **known,  # type: ignore[arg-type]
    )


def levels(found: Iterable[Holding]) -> list[tuple[str, str | None]]:
    return [(each.key.rpartition(":")[2], each.severity) for each in found]


@pytest.mark.parametrize(
    ("spent", "reserved", "expected"),
    [
        ("2.49", "0", []),
        ("2.50", "0", [("50", None)]),
        ("2", "2", [("80", None)]),
        ("4.5", "0", [("90", None)]),
        ("4.5", "0.5", [("90", None)]),
        ("5", "0", [("100", "critical")]),
        ("6", "0", [("100", "critical")]),
    ],
)
def test_the_highest_level_that_a_budget_has_reached(
    spent: str, reserved: str, expected: list[tuple[str, str | None]]
) -> None:
    assert levels(budget_used(budget(spent, reserved), LIMITS, ())) == expected


@given(st.decimals(0, 6, places=2), st.sampled_from([(), ("budget:all:day:80",)]))
def test_a_level_stands_until_it_is_clearly_left(spent: Decimal, standing: tuple[str, ...]) -> None:
    found = levels(budget_used(budget(f"{spent}"), LIMITS, standing))
    least = Decimal("3.96") if standing else Decimal(4)
    assert (found == [("80", None)]) == (least <= spent < Decimal("4.5"))


def test_a_spent_budget_says_how_it_goes_on_and_offers_more() -> None:
    (found,) = budget_used(budget("5", on_exceeded="refuse", resets_at=AT), LIMITS, ())
    assert found.condition.text.format(**found.fields) == "budget all a day has reached 100 %: 0 of $5.00 left"
    assert found.condition.remedy.format(**found.fields).startswith("then requests are refused, anew at ")
    (choice,) = found.choices
    assert (choice.label, choice.action.limit_usd) == ("raise $5.00 → $10.00", Decimal(10))


def ended(how: str, kind: str) -> EndedRequest:
    return EndedRequest(at=1.0, began=AT, ended=AT, agent="ada", how=how, kind=kind)  # type: ignore[arg-type]


def test_a_budget_refuses_from_the_first_request_that_it_refused() -> None:
    others = [ended("refused", "rate_limit"), ended("cloud", "")]
    assert not list(budget_refuses(others, [budget("5")]))
    (found,) = budget_refuses([*others, ended("refused", "budget")], [budget("1"), budget("4.98")])
    assert found.since == AT
    assert found.condition.text.format(**found.fields) == "a budget refuses requests: all a day has $0.02 left"
    assert found.touches is not None
    assert found.touches.match(ended("refused", "session_budget"))
    assert not found.touches.match(ended("refused", "rate_limit"))


def engine(used: int, limit: int | None, reopens_at: datetime | None = None) -> EngineState:
    known = QuotaLimit(window="day", metric="requests", limit=limit, at=AT)
    quota = QuotaState(model="flash", day_requests=used, limits=(known,), resets_at=AT)
    return EngineState(
        name="cloud", zone="cloud", kind="gemini", model="flash", label="", quota=(quota,), reopens_at=reopens_at
    )


@pytest.mark.parametrize(
    ("state", "holds"),
    [
        (engine(224, 250), False),
        (engine(225, 250), True),
        (engine(225, None), False),
        (engine(250, 250, reopens_at=AT), False),
    ],
)
def test_a_providers_day_nears_its_end_where_its_limit_is_known(state: EngineState, holds: bool) -> None:
    found = list(quota_nearly_used(state, LIMITS, ()))
    assert bool(found) == holds
    if found:
        assert (
            found[0].condition.text.format(**found[0].fields).startswith("cloud: 225 of 250 calls of the day for flash")
        )
