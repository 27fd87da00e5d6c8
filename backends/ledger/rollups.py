"""Sums by the hour, so that a report over years reads thousands of rows where the ledger has millions.

Rows are added in the order in which they were written, by the writer, so no row is missed or counted twice. What a
report asks for is then the sums of whole hours, the few rows not yet added, and the rows of the broken hours at its
ends.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from backends.ledger.books import Books
from backends.ledger.rows import moment, stamp
from backends.types import ZERO

Discount = Callable[[sqlite3.Row], Decimal]
"""US dollars that a provider took off a request for what it had cached, from its row of DISCOUNTED."""

KEY = ("hour", "agent", "engine", "model", "intent", "cache", "tag")
COUNTS = ("requests", "input_tokens", "output_tokens", "thinking_tokens", "cached_input_tokens")
MONEY = ("cost_usd", "baseline_usd", "own_cost_usd")
Key = tuple[str, ...]


class RollUp(Struct, frozen=True, kw_only=True):
    """Add the next `rows` final rows to the sums."""

    rows: int
    discount: Discount
    owed = False

    def carry_out(self, db: sqlite3.Connection, books: Books) -> None:
        seen_to, last = db.execute(NEXT, (self.rows,)).fetchone()
        if last is None:
            return
        span = {"after": seen_to, "to": last}
        discounts = _discounts(db.execute(DISCOUNTED.format(rows=NEW), span), self.discount)
        added = db.execute(GROUPED.format(rows=NEW), span).fetchall()
        db.executemany(ADD, [dict(row) | {"provider_discount_usd": format(discounts[_key(row)], "f")} for row in added])
        db.execute("UPDATE rollups_reach SET seen_to = ?", (last,))


class Sum(Struct, frozen=True, kw_only=True):
    """Requests of one hour (UTC, "2026-11-24T14") that have everything else of the key in common."""

    hour: str
    agent: str
    engine: str
    model: str
    intent: str
    cache: str
    tag: str
    requests: int
    input_tokens: int
    output_tokens: int
    thinking_tokens: int
    cached_input_tokens: int
    cost_usd: Decimal
    baseline_usd: Decimal
    own_cost_usd: Decimal = ZERO
    provider_discount_usd: Decimal = ZERO


def sums(db: sqlite3.Connection, *, since: datetime, until: datetime, discount: Discount) -> Iterator[Sum]:
    """Everything that started in [since, until), each request in one sum; a key may come twice.

    A bound in an hour whose rows have been deleted is moved to where that hour begins.
    """
    seen_to, rows_from = db.execute("SELECT seen_to, rows_from FROM rollups_reach").fetchone()
    since, until = (_hour(bound) if stamp(bound) < rows_from else bound for bound in (since, until))
    first, last = _hour(since - timedelta(microseconds=1)) + timedelta(hours=1), _hour(until)
    if first >= last:
        yield from _raw(db, BETWEEN, {"since": stamp(since), "until": stamp(until)}, discount)
        return
    whole = {"since": stamp(first), "until": stamp(last), "after": seen_to}
    for row in db.execute(ROLLED, (stamp(first)[:13], stamp(last)[:13])):
        yield _sum(row, Decimal(row["provider_discount_usd"]))
    yield from _raw(db, FRESH, whole, discount)
    for start, end in ((since, first), (last, until)):
        if start < end:
            yield from _raw(db, BETWEEN, {"since": stamp(start), "until": stamp(end)}, discount)


def _raw(db: sqlite3.Connection, rows: str, values: dict[str, object], discount: Discount) -> Iterator[Sum]:
    discounts = _discounts(db.execute(DISCOUNTED.format(rows=rows), values), discount)
    for row in db.execute(GROUPED.format(rows=rows), values):
        yield _sum(row, discounts[_key(row)])


def _sum(row: sqlite3.Row, discount: Decimal) -> Sum:
    values: dict[str, Any] = {name: row[name] for name in (*KEY, *COUNTS)}
    values |= {name: Decimal(row[name]) for name in MONEY}
    return Sum(**values, provider_discount_usd=discount)


def _discounts(rows: Iterable[sqlite3.Row], discount: Discount) -> defaultdict[Key, Decimal]:
    found: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[_key(row)] += discount(row)
    return found


def _key(row: sqlite3.Row) -> Key:
    return tuple(row[name] for name in KEY)


def _hour(at: datetime) -> datetime:
    return moment(f"{stamp(at)[:13]}:00:00.000000Z")


GROUPED = """
SELECT substr(started_at, 1, 13) AS hour, agent, engine, model, intent, cache, coalesce(tag, '') AS tag,
       count(*) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       sum(thinking_tokens) AS thinking_tokens, sum(cached_input_tokens) AS cached_input_tokens,
       usd_sum(cost_usd) AS cost_usd, usd_sum(baseline_usd) AS baseline_usd,
       usd_sum(coalesce(own_cost_usd, '0')) AS own_cost_usd
FROM requests WHERE {rows} GROUP BY 1, 2, 3, 4, 5, 6, 7
"""

DISCOUNTED = """
SELECT substr(started_at, 1, 13) AS hour, agent, engine, model, intent, cache, coalesce(tag, '') AS tag,
       started_at, cost_usd, baseline_usd, attempts
FROM requests WHERE {rows} AND cached_input_tokens > 0 AND cache IN ('miss', 'bypass')
"""

NEW = "rowid > :after AND rowid <= :to"
FRESH = "rowid > :after AND started_at >= :since AND started_at < :until"
BETWEEN = "started_at >= :since AND started_at < :until"

NEXT = """
SELECT seen_to, (SELECT max(rowid) FROM (SELECT rowid FROM requests WHERE rowid > seen_to ORDER BY rowid LIMIT ?))
FROM rollups_reach
"""

ADD = """
INSERT INTO rollups (hour, agent, engine, model, intent, cache, tag, requests, input_tokens, output_tokens,
                     thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, own_cost_usd, provider_discount_usd)
VALUES (:hour, :agent, :engine, :model, :intent, :cache, :tag, :requests, :input_tokens, :output_tokens,
        :thinking_tokens, :cached_input_tokens, :cost_usd, :baseline_usd, :own_cost_usd, :provider_discount_usd)
ON CONFLICT DO UPDATE SET
    requests = requests + excluded.requests,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    thinking_tokens = thinking_tokens + excluded.thinking_tokens,
    cached_input_tokens = cached_input_tokens + excluded.cached_input_tokens,
    cost_usd = usd_add(cost_usd, excluded.cost_usd),
    baseline_usd = usd_add(baseline_usd, excluded.baseline_usd),
    own_cost_usd = usd_add(own_cost_usd, excluded.own_cost_usd),
    provider_discount_usd = usd_add(provider_discount_usd, excluded.provider_discount_usd)
"""

ROLLED = "SELECT * FROM rollups WHERE hour >= ? AND hour < ?"
