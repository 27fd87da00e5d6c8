"""Spend profiles: what each agent usually spends, by the hour of the day, from its last two weeks in the ledger."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import log, sqrt

from msgspec import Struct

from backends.ledger.request_rows import stamp

LOOKS_BACK_DAYS = 14
BUCKET_MIN = 5
LEAST_DAYS = 1.0
LEAST_REQUESTS = 200
"""With less, nothing is usual yet."""


class SpendProfile(Struct, frozen=True, kw_only=True):
    """One agent. `per_minute` are its requests, and `paid_per_minute` those that cost something, by the hour (UTC).

    `paid_usd` is what a paid request costs in the mean, `spread` the standard deviation of its logarithm. `bursts` says
    how much more the number of paid requests scatters than if they came independently of each other, 1 or more.
    """

    per_minute: tuple[float, ...]
    paid_per_minute: tuple[float, ...]
    paid_usd: float
    spread: float
    bursts: float
    tokens: float
    cached: float
    """Mean tokens a request, and the share of requests that the cache answered."""

    traits: dict[str, int]
    """How many paid requests had a trait ("model gemini-2.5-pro", "retried", "cut"); "" counts all of them."""


class SpendProfiles(Struct, frozen=True, kw_only=True):
    """`day_usd` is what all agents together spend in a day."""

    agents: dict[str, SpendProfile]
    day_usd: float


class RequestBucket(Struct, frozen=True):
    """One agent's requests of five minutes; `slot` counts five minutes since 1970."""

    agent: str
    slot: int
    requests: int
    paid: int
    usd: float
    usd_squared: float
    tokens: int
    cached: int


def spend_profiles(db: sqlite3.Connection, now: datetime) -> SpendProfiles | None:
    """The profiles of all agents; None where the ledger is too young."""
    span = (stamp(now - timedelta(days=LOOKS_BACK_DAYS)), stamp(now))
    traits: Traits = defaultdict(Counter)
    for agent, model, retried, cut, count in db.execute(TRAITS, span):
        for trait in traits_of(model, retried=retried, cut=cut):
            traits[agent][trait] += count
    return profiles_from([RequestBucket(*row) for row in db.execute(BUCKETS, span)], traits, now)


Traits = defaultdict[str, Counter[str]]
"""By agent, what `SpendProfile.traits` holds."""


def traits_of(model: str, *, retried: bool, cut: bool) -> list[str]:
    return ["", f"model {model}", *(["retried"] if retried else []), *(["cut"] if cut else [])]


def profiles_from(buckets: Iterable[RequestBucket], traits: Traits, now: datetime) -> SpendProfiles | None:
    """The profiles from counts; None where those are too few. An agent's days are those of the whole ledger."""
    by_agent: defaultdict[str, list[RequestBucket]] = defaultdict(list)
    for bucket in buckets:
        by_agent[bucket.agent].append(bucket)
    if not by_agent:
        return None
    end = int(now.timestamp()) // (BUCKET_MIN * 60)
    first = min(bucket.slot for found in by_agent.values() for bucket in found)
    days = (end - first) * BUCKET_MIN / 1440
    requests = sum(bucket.requests for found in by_agent.values() for bucket in found)
    if days < LEAST_DAYS or requests < LEAST_REQUESTS:
        return None
    spent = sum(bucket.usd for found in by_agent.values() for bucket in found)
    return SpendProfiles(
        agents={agent: _profile(found, traits[agent], range(first, end)) for agent, found in by_agent.items()},
        day_usd=spent / days,
    )


def _profile(buckets: list[RequestBucket], traits: Counter[str], slots: range) -> SpendProfile:
    requests, paid = sum(bucket.requests for bucket in buckets), sum(bucket.paid for bucket in buckets)
    rates = _by_hour([(bucket.slot, bucket.paid) for bucket in buckets], slots)
    usd = sum(bucket.usd for bucket in buckets) / paid if paid else 0.0
    squared = sum(bucket.usd_squared for bucket in buckets) / paid if paid else 0.0
    return SpendProfile(
        per_minute=_by_hour([(bucket.slot, bucket.requests) for bucket in buckets], slots),
        paid_per_minute=rates,
        paid_usd=usd,
        spread=sqrt(max(0.0, log(squared / usd**2))) if usd else 0.0,
        bursts=_bursts({bucket.slot: bucket.paid for bucket in buckets}, rates, slots),
        tokens=sum(bucket.tokens for bucket in buckets) / requests,
        cached=sum(bucket.cached for bucket in buckets) / requests,
        traits=dict(traits),
    )


def _by_hour(counts: list[tuple[int, int]], slots: range) -> tuple[float, ...]:
    """Each hour with a part of its neighbours: what starts at five past the hour may once start at five to."""
    seen, minutes = [0.0] * 24, [0.0] * 24
    for slot in slots:
        minutes[_hour(slot)] += BUCKET_MIN
    for slot, count in counts:
        seen[_hour(slot)] += count
    rates = [count / length if length else 0.0 for count, length in zip(seen, minutes, strict=True)]
    return tuple(max(rates[hour], 0.5 * max(rates[hour - 1], rates[(hour + 1) % 24])) for hour in range(24))


def _bursts(paid: dict[int, int], rates: tuple[float, ...], slots: range) -> float:
    due = [rates[_hour(slot)] * BUCKET_MIN for slot in slots]
    if not (whole := sum(due)):
        return 1.0
    return max(1.0, sum((paid.get(slot, 0) - rate) ** 2 for slot, rate in zip(slots, due, strict=True)) / whole)


def _hour(slot: int) -> int:
    return slot * BUCKET_MIN // 60 % 24


BUCKETS = """
SELECT agent, CAST(strftime('%s', substr(started_at, 1, 19)) AS INTEGER) / 300, count(*),
       sum(CAST(cost_usd AS REAL) > 0),
       sum(CAST(cost_usd AS REAL)), sum(CAST(cost_usd AS REAL) * CAST(cost_usd AS REAL)),
       sum(input_tokens + output_tokens + thinking_tokens), sum(cache IN ('exact', 'semantic'))
FROM requests WHERE started_at >= ? AND started_at < ? GROUP BY 1, 2
"""

TRAITS = """
SELECT agent, model, attempts LIKE '%"error":"%', finish = 'length', count(*)
FROM requests WHERE started_at >= ? AND started_at < ? AND CAST(cost_usd AS REAL) > 0 GROUP BY 1, 2, 3, 4
"""
