"""Sums by the hour hold every request once, whatever was added when and whatever has been deleted since."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.ledger import migrations
from backends.ledger.retention import Prune
from backends.ledger.rollups import KEY, RollUp, RollupSum, sums
from backends.ledger.running_totals import RunningTotals
from backends.ledger.sqlite_connection import extend
from backends.ledger.write_commands import Settle
from backends.ledger.writer import commit
from backends.types import ZERO, Outcome
from tests.backends.ledger.samples import COST, attempt, outcome

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LATER = START + timedelta(days=40)


def one_cent(_row: sqlite3.Row) -> Decimal:
    return Decimal("0.01")


def opened() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrations.migrate(db)
    extend(db)
    return db


def write(db: sqlite3.Connection, *commands: Settle | RollUp | Prune) -> None:
    assert commit(db, RunningTotals([], LATER, UTC), commands) == [None] * len(commands)


def settled(*outcomes: Outcome) -> list[Settle]:
    return [Settle(outcome=each, charged_usd=each.cost_usd) for each in outcomes]


def total(parts: Sequence[RollupSum]) -> tuple[int, Decimal, int, Decimal]:
    return (
        sum(part.requests for part in parts),
        sum((part.cost_usd for part in parts), ZERO),
        sum(part.input_tokens for part in parts),
        sum((part.provider_discount_usd for part in parts), ZERO),
    )


def by_agent(db: sqlite3.Connection, since: datetime, until: datetime) -> dict[str, int]:
    found: defaultdict[str, int] = defaultdict(int)
    for part in sums(db, since=since, until=until, discount=one_cent, by=KEY):
        found[part.agent] += part.requests
    return dict(found)


@given(
    minutes=st.lists(st.integers(0, 600), min_size=1, max_size=30),
    steps=st.lists(st.integers(1, 12), max_size=4),
    bounds=st.tuples(st.integers(0, 600), st.integers(0, 600)),
)
@settings(deadline=None, max_examples=60)
def test_any_span_is_the_same_before_and_after_rolling_up(
    minutes: list[int], steps: list[int], bounds: tuple[int, int]
) -> None:
    since, until = (START + timedelta(minutes=bound) for bound in sorted(bounds))
    with closing(opened()) as db:
        for index, minute in enumerate(minutes):
            agent, at = f"agent{index % 3}", START + timedelta(minutes=minute)
            write(db, *settled(outcome(str(index), attempt(), agent=agent, at=at, tag="x" if index % 2 else None)))
        before = total(list(sums(db, since=since, until=until, discount=one_cent, by=KEY))), by_agent(db, since, until)
        for step in steps:
            write(db, RollUp(rows=step, discount=one_cent))
        after = total(list(sums(db, since=since, until=until, discount=one_cent, by=KEY))), by_agent(db, since, until)
    assert after == before
    inside = sum(since <= START + timedelta(minutes=minute) < until for minute in minutes)
    assert before[0][:2] == (inside, inside * COST)


def test_a_row_that_came_late_joins_its_hour() -> None:
    with closing(opened()) as db:
        write(db, *settled(outcome("a", attempt(), at=START)), RollUp(rows=10, discount=one_cent))
        write(db, *settled(outcome("b", attempt(), at=START)), RollUp(rows=10, discount=one_cent))
        assert db.execute("SELECT count(*), sum(requests) FROM rollups").fetchone()[:] == (1, 2)


def test_rolling_up_nothing_changes_nothing() -> None:
    with closing(opened()) as db:
        write(db, RollUp(rows=10, discount=one_cent))
        assert list(sums(db, since=START, until=LATER, discount=one_cent, by=KEY)) == []


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_what_is_pruned_stays_in_the_sums(batch: int) -> None:
    with closing(opened()) as db:
        write(db, *settled(*(outcome(str(i), attempt(), at=START + timedelta(minutes=20 * i)) for i in range(9))))
        write(db, RollUp(rows=100, discount=one_cent))
        before = total(list(sums(db, since=START - timedelta(hours=1), until=LATER, discount=one_cent, by=KEY)))
        charged = db.execute("SELECT usd_sum(usd) FROM charges").fetchone()[0]
        for _ in range(10):
            write(db, Prune(before=START + timedelta(minutes=100), rows=batch))
        assert db.execute("SELECT count(*) FROM requests").fetchone()[0] == 4
        assert total(list(sums(db, since=START - timedelta(hours=1), until=LATER, discount=one_cent, by=KEY))) == before
        assert db.execute("SELECT usd_sum(usd) FROM charges").fetchone()[0] == charged
        # 09:30 lies in an hour whose rows are gone: it counts from 09:00.
        assert total(list(sums(db, since=START, until=LATER, discount=one_cent, by=KEY))) == before


def test_rows_that_are_not_in_the_sums_yet_are_not_pruned() -> None:
    with closing(opened()) as db:
        write(db, *settled(outcome("a", attempt(), at=START)), Prune(before=LATER, rows=10))
        assert db.execute("SELECT count(*) FROM requests").fetchone()[0] == 1
