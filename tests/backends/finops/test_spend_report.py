"""Golden sums: what a small ledger costs and saves, to the last digit, by every key."""

import asyncio
from collections import Counter
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.finops.spend_report import KEYS, By, ReportLine, SpendReport, report
from backends.ledger.prices import Prices
from backends.ledger.request_rows import stamp
from backends.ledger.sqlite_connection import connect_read_only, open_read_only
from backends.settings.money import Price
from backends.types import Outcome, SavedBy
from tests.backends.ledger.samples import AT, COST, MODEL, TOKENS, attempt, opened, outcome, paths

D = Decimal
UNDISCOUNTED = D("0.000675")
"""COST without the provider's discount on 200 cached tokens."""

OUTCOMES = (
    outcome("cloud", attempt(), baseline_usd=UNDISCOUNTED, agent="writer"),
    outcome("cloud, all-cloud price has the discount", attempt(), baseline_usd=COST, agent="writer"),
    outcome("local", attempt("0", "local", "qwen2.5:14b"), baseline_usd=D("0.5"), intent="code"),
    outcome("failover", attempt("0", "local", "qwen2.5:14b", error="busy"), attempt("0.25"), baseline_usd=D("0.125")),
    outcome("exact", baseline_usd=D("0.0625")),
    outcome("semantic", baseline_usd=D("2"), cache="semantic", at=AT - timedelta(days=1)),
    outcome("long ago", baseline_usd=D("100"), at=AT - timedelta(days=40)),
)


async def fill(home: Path, *outcomes: Outcome) -> None:
    async with opened(home) as ledger:
        for one in outcomes:
            await ledger.settle(one)


def over(home: Path, *outcomes: Outcome, by: By = "agent", prices: Prices | None = None) -> SpendReport:
    asyncio.run(fill(home, *outcomes))
    with closing(connect_read_only(paths(home).ledger)) as db:
        return report(
            db, since=AT - timedelta(days=30), until=AT + timedelta(seconds=1), by=by, prices=prices or Prices({})
        )


def test_the_golden_sums(home: Path) -> None:
    found = over(home, *OUTCOMES)
    writer, scout = sorted(found.rows, key=lambda line: line.key, reverse=True)
    assert writer == ReportLine(
        key="writer",
        requests=2,
        cost_usd=2 * COST,
        baseline_usd=COST + UNDISCOUNTED,
        cached_baseline_usd=COST + UNDISCOUNTED,
        saved_by=SavedBy(provider_cache=D("0.000054")),
        input_tokens=2000,
        cached_input_tokens=400,
        output_tokens=200,
    )
    assert scout == ReportLine(
        key="scout",
        requests=4,
        cost_usd=D("0.25"),
        baseline_usd=D("2.6875"),
        cached_baseline_usd=D("2.6875"),
        saved_by=SavedBy(routing=D("0.375"), exact_cache=D("0.0625"), semantic_cache=D("2")),
        input_tokens=3000,
        cached_input_tokens=600,
        output_tokens=300,
    )
    assert found.rows == (scout, writer)
    assert found.total.requests == 6
    assert found.total.saved_usd == D("2.437554")


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("engine", ["cloud", "cache", "local"]),
        ("model", [MODEL, "qwen2.5:14b"]),
        ("intent", ["chat", "code"]),
        ("day", ["2026-01-14", "2026-01-15"]),
    ],
)
def test_every_key_adds_up_to_the_same_total(home: Path, by: By, keys: list[str]) -> None:
    found = over(home, *OUTCOMES, by=by)
    assert [line.key for line in found.rows] == keys
    assert found.total == over(home, by="agent").total


def test_no_discount_is_claimed_where_prices_have_changed_since(home: Path) -> None:
    changed = Prices({MODEL: Price(input_usd=D(9), output_usd=D(9), cached_input_usd=D(1))})
    found = over(home, OUTCOMES[0], prices=changed)
    assert found.total.saved_by == SavedBy(routing=D("0.000054"))


def test_no_discount_is_claimed_for_a_model_without_a_price(home: Path) -> None:
    found = over(home, outcome("a", attempt(model="gemini-99"), baseline_usd=UNDISCOUNTED))
    assert found.total.saved_by == SavedBy(routing=D("0.000054"))


def test_an_empty_ledger_is_all_zero(home: Path) -> None:
    with open_read_only(paths(home).ledger) as db:
        found = report(db, since=AT, until=AT, by="agent", prices=Prices({}))
    assert found.rows == ()
    assert found.total == ReportLine(key="total")
    assert not home.exists()


amounts = st.decimals(0, 50, places=9)


@st.composite
def ended(draw: st.DrawFn) -> Outcome:
    kind = draw(st.sampled_from(["cloud", "local", "exact", "semantic", "bypass"]))
    plain = outcome(
        draw(st.uuids()).hex,
        baseline_usd=draw(amounts),
        agent=draw(st.sampled_from("abc")),
        session=draw(st.sampled_from("st")),
        provider_discount_usd=draw(st.just(D(0)) | amounts),
    )
    if kind in ("exact", "semantic"):
        return replace(plain, cache=kind)
    engine = "local" if kind == "local" else "cloud"
    calls = [attempt(draw(st.one_of(st.just(COST), amounts)), engine) for _ in range(draw(st.integers(1, 3)))]
    whole = outcome(plain.id, *calls, baseline_usd=plain.baseline_usd, agent=plain.agent, session=plain.session)
    whole = replace(whole, provider_discount_usd=plain.provider_discount_usd)
    return replace(whole, cache="bypass" if kind == "bypass" else "miss")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ended(), max_size=8), st.sampled_from(list(KEYS)))
def test_the_parts_of_a_saving_add_up_to_it(home: Path, outcomes: list[Outcome], by: By) -> None:
    found = over(home / str(len(list(home.glob("*"))) if home.exists() else 0), *outcomes, by=by)
    for line in (*found.rows, found.total):
        parts = line.saved_by
        total = parts.routing + parts.exact_cache + parts.semantic_cache + parts.provider_cache + parts.optimisation
        assert total == line.saved_usd == line.baseline_usd - line.cost_usd
    assert found.total.cost_usd == sum((one.cost_usd for one in outcomes), D(0))
    assert found.total.requests == len(outcomes)
    assert found.total.input_tokens == sum(one.tokens.input for one in outcomes)
    assert TOKENS.input * sum(len(one.attempts) for one in outcomes) == found.total.input_tokens


def test_a_session_is_a_row_with_all_that_saved_and_its_failures_are_counted(home: Path) -> None:
    whose: dict[str, Any] = {"session": "s1", "agent": "ada"}
    first = outcome("first", attempt(), baseline_usd=UNDISCOUNTED, provider_discount_usd=D("0.000054"), **whose)
    found = over(
        home,
        replace(first, cached_baseline_usd=COST),
        outcome("local", attempt("0", "local"), baseline_usd=D("0.5"), cached_baseline_usd=D("0.05"), **whose),
        outcome("exact", baseline_usd=D("0.25"), **whose),
        outcome("failed", attempt("0.125"), finish="error", baseline_usd=D("0.125"), **whose),
        outcome("another", baseline_usd=D("0.25"), session="s1", agent="scout"),
        outcome("none", baseline_usd=D("0.25")),
        by="session",
    )
    assert [line.key for line in found.rows] == ["ada/s1", "scout/s1"]
    line = found.rows[0]
    assert (line.requests, line.failed, line.cached_input_tokens) == (4, 1, 3 * TOKENS.cached_input)
    assert line.saved_by == SavedBy(routing=D("0.5"), exact_cache=D("0.25"), provider_cache=D("0.000054"))
    assert line.cached_baseline_usd == COST + D("0.425")
    assert line.saved_beside_cache_usd == D("0.3")


def test_refused_requests_stand_beside_their_agent_and_their_day(home: Path) -> None:
    async def run() -> None:
        async with opened(home) as ledger:
            await ledger.settle(outcome("a", attempt(), agent="ada"))
            hour = stamp(AT)[:13]
            await ledger.count_refusals({(hour, "ada", "refused"): 3, (hour, "infra", "budget"): 2})

    asyncio.run(run())
    with open_read_only(paths(home).ledger) as db:
        span: dict[str, Any] = {"since": AT - timedelta(days=1), "until": AT + timedelta(hours=1), "prices": Prices({})}
        by_agent = report(db, by="agent", **span)
        by_day, by_model = report(db, by="day", **span), report(db, by="model", **span)
    assert {line.key: (line.requests, line.refused) for line in by_agent.rows} == {"ada": (1, 3), "infra": (0, 2)}
    assert [line.refused for line in by_day.rows] == [5]
    assert [line.refused for line in by_model.rows] == [0]
    assert by_agent.total.refused == by_day.total.refused == by_model.total.refused == 5


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns"])
def test_days_are_those_of_budgets(home: Path, zone: str) -> None:
    timezone = ZoneInfo(zone)
    moments = [AT + timedelta(minutes=17 * number) for number in range(200)]
    asyncio.run(fill(home, *(outcome(f"r{number}", attempt("0.01"), at=at) for number, at in enumerate(moments))))
    with open_read_only(paths(home).ledger) as db:
        span: dict[str, Any] = {"since": AT, "until": moments[-1] + timedelta(seconds=1), "prices": Prices({})}
        days = report(db, by="day", timezone=timezone, **span)
        whole = report(db, by="agent", **span)
    expected = Counter(f"{at.astimezone(timezone):%Y-%m-%d}" for at in moments)
    assert {line.key: line.requests for line in days.rows} == expected
    assert days.total.cost_usd == whole.total.cost_usd == D("2.00")
