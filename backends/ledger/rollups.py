"""Rollups: sums by the hour, so that a report over years reads thousands of rows where the ledger has millions.

The writer adds rows in the order in which they were written, so none is missed or counted twice. A report is the sums
of whole hours, the few rows that are not yet added, and the rows of the partial hours at its ends.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from backends.ledger.request_rows import moment, stamp
from backends.ledger.running_totals import RunningTotals
from backends.types import ZERO

Discount = Callable[[sqlite3.Row], Decimal]
"""US dollars that a provider took off a request for cached input; the argument is a row of DISCOUNTED."""

By = Literal["hour", "day", "month", "agent", "engine", "zone", "model", "intent", "cache", "tag"]
KEYS: dict[By, str] = {"day": "substr(hour, 1, 10)", "month": "substr(hour, 1, 7)"}
"""The SQL of keys that are not columns; all are UTC."""

KEY: tuple[By, ...] = ("hour", "agent", "engine", "zone", "model", "intent", "cache", "tag")
COUNTS = ("requests", "failed", "input_tokens", "output_tokens", "thinking_tokens", "cached_input_tokens")
MONEY = ("cost_usd", "baseline_usd", "cached_baseline_usd", "own_cost_usd")
Key = tuple[str, ...]


class RollUp(Struct, frozen=True, kw_only=True):
    """Add the next `rows` final rows to the sums."""

    rows: int
    discount: Discount
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        seen_to, last = db.execute(NEXT, (self.rows,)).fetchone()
        if last is None:
            return
        span = {"after": seen_to, "to": last}
        discounts = _discounts(db, KEY, NEW, span, self.discount)
        added = db.execute(GROUPED.format(rows=NEW), span).fetchall()
        db.executemany(ADD, [dict(row) | {"provider_discount_usd": f"{discounts[_key(row, KEY)]:f}"} for row in added])
        db.execute("UPDATE rollups_reach SET seen_to = ?", (last,))


class RollupSum(Struct, frozen=True, kw_only=True):
    """The sum of the requests that share the keys that are set. `hour` ("2026-11-24T14"), `day` and `month` are UTC."""

    hour: str = ""
    day: str = ""
    month: str = ""
    agent: str = ""
    engine: str = ""
    zone: str = ""
    model: str = ""
    intent: str = ""
    cache: str = ""
    tag: str = ""
    requests: int
    failed: int = 0
    input_tokens: int
    output_tokens: int
    thinking_tokens: int
    cached_input_tokens: int
    cost_usd: Decimal
    baseline_usd: Decimal
    cached_baseline_usd: Decimal = ZERO
    own_cost_usd: Decimal = ZERO
    provider_discount_usd: Decimal = ZERO


def sums(
    db: sqlite3.Connection, *, since: datetime, until: datetime, discount: Discount, by: Sequence[By]
) -> list[RollupSum]:
    """Everything that started in [since, until), each request in one sum; what `by` does not name is "" in it.

    A bound in an hour whose rows have been deleted is moved to where that hour begins.
    """
    seen_to, rows_from = db.execute("SELECT seen_to, rows_from FROM rollups_reach").fetchone()
    since, until = (_hour(bound) if stamp(bound) < rows_from else bound for bound in (since, until))
    first, last = _hour(since - timedelta(microseconds=1)) + timedelta(hours=1), _hour(until)
    if first >= last:  # no whole hour: every row lies in a partial hour
        first = last = until
    span = {
        "since": stamp(since),
        "until": stamp(until),
        "first": stamp(first),
        "last": stamp(last),
        "first_hour": stamp(first)[:13],
        "last_hour": stamp(last)[:13],
        "after": seen_to,
    }
    keys, names = ", ".join(f"{KEYS.get(name, name)} AS {name}" for name in by), ", ".join(by)
    discounts: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for rows in LOOSE:
        for key, usd in _discounts(db, by, rows, span, discount).items():
            discounts[key] += usd
    parts = " UNION ALL ".join((ROLLED, *(PARTS.format(rows=rows) for rows in LOOSE)))
    found = db.execute(SUMMED.format(keys=keys, names=names, parts=parts), span)
    return [_sum(row, by, discounts[_key(row, by)]) for row in found]


def first_request(db: sqlite3.Connection) -> datetime | None:
    """When the hour began in which the first request of the ledger started; None where it has none."""
    (first,) = db.execute(FIRST).fetchone()
    return None if first is None else moment(f"{first}:00:00.000000Z")


def _sum(row: sqlite3.Row, by: Sequence[By], discount: Decimal) -> RollupSum:
    values: dict[str, Any] = {name: row[name] for name in (*by, *COUNTS)}
    values |= {name: Decimal(row[name]) for name in MONEY}
    return RollupSum(**values, provider_discount_usd=Decimal(row["provider_discount_usd"]) + discount)


def _discounts(
    db: sqlite3.Connection, by: Sequence[By], rows: str, span: dict[str, Any], discount: Discount
) -> defaultdict[Key, Decimal]:
    keys = ", ".join(f"{KEYS.get(name, name)} AS {name}" for name in by)
    found: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for row in db.execute(DISCOUNTED.format(keys=keys, rows=rows), span):
        found[_key(row, by)] += discount(row)
    return found


def _key(row: sqlite3.Row, by: Sequence[By]) -> Key:
    return tuple(row[name] for name in by)


def _hour(at: datetime) -> datetime:
    return moment(f"{stamp(at)[:13]}:00:00.000000Z")


FIRST = """
SELECT min(hour) FROM (
    SELECT min(hour) AS hour FROM rollups UNION ALL SELECT substr(min(started_at), 1, 13) AS hour FROM requests)
"""

PARTS = """
SELECT substr(started_at, 1, 13) AS hour, agent, engine, zone, model, intent, cache, coalesce(tag, '') AS tag,
       1 AS requests, finish = 'error' AS failed, input_tokens, output_tokens, thinking_tokens, cached_input_tokens,
       cost_usd, baseline_usd, coalesce(cached_baseline_usd, baseline_usd) AS cached_baseline_usd,
       coalesce(own_cost_usd, '0') AS own_cost_usd, '0' AS provider_discount_usd
FROM requests WHERE {rows}
"""

TOTALS = """
sum(requests) AS requests, sum(failed) AS failed, sum(input_tokens) AS input_tokens,
sum(output_tokens) AS output_tokens, sum(thinking_tokens) AS thinking_tokens,
sum(cached_input_tokens) AS cached_input_tokens, usd_sum(cost_usd) AS cost_usd, usd_sum(baseline_usd) AS baseline_usd,
usd_sum(cached_baseline_usd) AS cached_baseline_usd, usd_sum(own_cost_usd) AS own_cost_usd,
usd_sum(provider_discount_usd) AS provider_discount_usd
"""

NEW = "rowid > :after AND rowid <= :to"

LOOSE = (
    "rowid > :after AND +started_at >= :since AND +started_at < :until",
    "started_at >= :since AND started_at < :first AND rowid <= :after",
    "started_at >= :last AND started_at < :until AND rowid <= :after",
)
"""Rows that stand in no sum of a whole hour. The plus sign keeps SQLite from walking all of the span's rows by time."""

GROUPED = f"SELECT {', '.join(KEY)}, {TOTALS} FROM ({PARTS}) GROUP BY {', '.join(KEY)}"  # noqa: S608 — our own columns

ROLLED = """
SELECT hour, agent, engine, zone, model, intent, cache, tag, requests, failed, input_tokens, output_tokens,
       thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, cached_baseline_usd, own_cost_usd,
       provider_discount_usd
FROM rollups WHERE hour >= :first_hour AND hour < :last_hour
"""

SUMMED = f"SELECT {{keys}}, {TOTALS} FROM ({{parts}}) GROUP BY {{names}}"  # noqa: S608 — our own columns

DISCOUNTED = """
SELECT {keys}, started_at, cost_usd, baseline_usd, attempts FROM (
    SELECT substr(started_at, 1, 13) AS hour, agent, engine, zone, model, intent, cache, coalesce(tag, '') AS tag,
           started_at, cost_usd, baseline_usd, attempts
    FROM requests WHERE {rows} AND cached_input_tokens > 0 AND cache IN ('miss', 'bypass'))
"""

NEXT = """
SELECT seen_to, (SELECT max(rowid) FROM (SELECT rowid FROM requests WHERE rowid > seen_to ORDER BY rowid LIMIT ?))
FROM rollups_reach
"""

ADD = """
INSERT INTO rollups (hour, agent, engine, zone, model, intent, cache, tag, requests, failed, input_tokens,
                     output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, cached_baseline_usd,
                     own_cost_usd, provider_discount_usd)
VALUES (:hour, :agent, :engine, :zone, :model, :intent, :cache, :tag, :requests, :failed, :input_tokens,
        :output_tokens, :thinking_tokens, :cached_input_tokens, :cost_usd, :baseline_usd, :cached_baseline_usd,
        :own_cost_usd, :provider_discount_usd)
ON CONFLICT DO UPDATE SET
    requests = requests + excluded.requests,
    failed = failed + excluded.failed,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    thinking_tokens = thinking_tokens + excluded.thinking_tokens,
    cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
    cost_usd = usd_add(cost_usd, excluded.cost_usd),
    baseline_usd = usd_add(baseline_usd, excluded.baseline_usd),
    cached_baseline_usd = usd_add(cached_baseline_usd, excluded.cached_baseline_usd),
    own_cost_usd = usd_add(own_cost_usd, excluded.own_cost_usd),
    provider_discount_usd = usd_add(provider_discount_usd, excluded.provider_discount_usd)
"""
