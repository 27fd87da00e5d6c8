"""A provider's bill against the ledger, by day and model, with what explains each difference.

Google's days are Pacific time's. The reasons of a row add up to its difference, to the last digit.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from msgspec import Struct

from backends.catalogue.quota_day import PACIFIC
from backends.ledger.billing import Bill, BillLine, Kind
from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.request_rows import moment, stamp
from backends.ledger.tariff import Tariff, TokenPrices
from backends.settings.engines import CLOUD_ENGINE
from backends.types import ZERO, Tokens

MILLION = Decimal(1_000_000)
BILLED_BY = "Google"
"""The provider whose bills are read; calls of engines that others bill are not on them."""

TOKEN_KINDS: tuple[Kind, ...] = ("input", "cached", "output")
CENT = Decimal("0.01")

OTHER = "charges that no call of claw's makes: cache storage, search, credits"
PRICES = "other prices on the bill than in claw's table"
ESTIMATED = "calls whose usage the provider did not report to claw"
OUTSIDE = "calls that did not go through claw"
MISSING = "calls that are not on the bill, or not yet"
ROUNDED = "rounding on the bill"
UNEXPLAINED = "not as_ledger_error"


class ReconciledDay(Struct, frozen=True, kw_only=True):
    """One model on one day; `reasons` are those that are not 0."""

    day: date
    model: str
    billed_usd: Decimal
    booked_usd: Decimal
    calls: int
    estimated_calls: int
    reasons: tuple[tuple[str, Decimal], ...]

    @property
    def difference_usd(self) -> Decimal:
        return self.billed_usd - self.booked_usd


class Booked(Struct, kw_only=True):
    """What the ledger has for a model on a day. `reported` are tokens by kind with what they cost at today's table."""

    usd: Decimal = ZERO
    calls: int = 0
    estimated_usd: Decimal = ZERO
    estimated_calls: int = 0
    charged_usd: Decimal = ZERO
    tokens: dict[Kind, int]
    priced: dict[Kind, Decimal]


def reconcile(
    db: sqlite3.Connection, bill: Bill, prices: Prices, *, per_usd: Decimal = Decimal(1)
) -> tuple[ReconciledDay, ...]:
    """Compare on the days from the bill's first to its last. `per_usd` is what a dollar is in the bill's currency."""
    billed: dict[tuple[date, str], list[BillLine]] = defaultdict(list)
    for line in bill.lines:
        billed[line.day, line.model].append(line)
    if not billed:
        return ()
    days = sorted(day for day, _ in billed)
    booked = _booked(db, days[0], days[-1], prices)
    rows = []
    for day, model in sorted({*billed, *booked}):
        known = booked.get((day, model)) or _nothing()
        lines = billed.get((day, model), [])
        usd = sum((line.cost for line in lines), ZERO) / per_usd
        reasons = _reasons(lines, known, _token_prices(prices, model, day), per_usd, rounded=bill.rounded)
        rows.append(
            ReconciledDay(
                day=day,
                model=model,
                billed_usd=usd,
                booked_usd=known.usd,
                calls=known.calls,
                estimated_calls=known.estimated_calls,
                reasons=tuple((reason, amount) for reason, amount in reasons if amount),
            )
        )
    return tuple(rows)


def _reasons(
    lines: list[BillLine], known: Booked, token_prices: TokenPrices | None, per_usd: Decimal, *, rounded: bool
) -> Iterator[tuple[str, Decimal]]:
    """Reasons whose amounts add up to what the bill is above the totals; the last is what is left."""
    billed = sum((line.cost for line in lines), ZERO) / per_usd
    left = billed - known.usd
    other = sum((line.cost for line in lines if line.kind == "other"), ZERO) / per_usd
    yield OTHER, other
    left -= other
    kinds = [line for line in lines if line.kind != "other"]
    if token_prices is not None and all(line.tokens is not None for line in kinds):
        apart = counted = ZERO
        for kind in TOKEN_KINDS:
            cost = sum((line.cost for line in kinds if line.kind == kind), ZERO) / per_usd
            tokens = sum((line.tokens or ZERO for line in kinds if line.kind == kind), ZERO)
            price = _price(known, kind, token_prices)
            apart += cost - tokens * price
            counted += (tokens - known.tokens[kind]) * price
        small = rounded and abs(apart) <= CENT * max(1, len(kinds)) / 2
        yield (ROUNDED if small else PRICES), apart
        left -= apart
        for reason, amount in _calls(counted, known):
            yield reason, amount
            left -= amount
    yield (ROUNDED if abs(left) <= CENT else UNEXPLAINED), left


def _calls(counted: Decimal, known: Booked) -> Iterator[tuple[str, Decimal]]:
    """`counted` is what the bill's tokens cost beyond the reported ones: first the unreported calls', then others'."""
    if counted < 0:
        yield ESTIMATED, -known.estimated_usd
        yield MISSING, counted
        return
    unreported = min(counted, max(known.charged_usd, known.estimated_usd))
    yield ESTIMATED, unreported - known.estimated_usd
    yield OUTSIDE, counted - unreported


def _price(known: Booked, kind: Kind, token_prices: TokenPrices) -> Decimal:
    """US dollars a token: as these calls had it, long prompts and all; where there were none, for a short one."""
    if known.tokens[kind]:
        return known.priced[kind] / known.tokens[kind]
    return {"input": token_prices.input, "cached": token_prices.cached, "output": token_prices.output}[kind] / MILLION


def _token_prices(prices: Prices, model: str, day: date) -> TokenPrices | None:
    try:
        return prices.tariff(CLOUD_ENGINE, model, datetime.combine(day, time(12), PACIFIC)).base
    except UnknownPrice:
        return None


def _booked(db: sqlite3.Connection, first: date, last: date, prices: Prices) -> dict[tuple[date, str], Booked]:
    since = datetime.combine(first, time(), PACIFIC)
    until = datetime.combine(last + timedelta(days=1), time(), PACIFIC)
    found: dict[tuple[date, str], Booked] = defaultdict(_nothing)
    for row in db.execute(CALLS, (stamp(since), stamp(until))):
        at = moment(row["started_at"])
        day = at.astimezone(PACIFIC).date()
        costs: dict[str, Decimal] = defaultdict(Decimal)
        answered: dict[str, str] = {}
        for call, estimated in zip(json.loads(row["attempts"]), json.loads(row["attempts_estimated"]), strict=True):
            if prices.provider(call["engine"]) == BILLED_BY:
                _book(found[day, call["model"]], call, estimated, at, prices)
                asked = call.get("model_asked", call["model"])
                costs[asked] += Decimal(call["cost_usd"])
                answered[asked] = call["model"]
        for engine, model, charged in db.execute(CHARGED, (row["id"],)):
            if prices.provider(engine) == BILLED_BY:
                found[day, answered.get(model, model)].charged_usd += Decimal(charged) - costs[model]
    for booked in found.values():  # what unreported calls may have cost at the most
        booked.charged_usd += booked.estimated_usd
    return found


def _book(booked: Booked, call: dict[str, object], estimated: bool, at: datetime, prices: Prices) -> None:
    usd = Decimal(str(call["cost_usd"]))
    booked.usd += usd
    booked.calls += 1
    if estimated:
        booked.estimated_usd += usd
        booked.estimated_calls += 1
        return
    tokens = Tokens(**call["tokens"])  # type: ignore[arg-type]  # as the ledger wrote it
    counts: dict[Kind, int] = {
        "input": tokens.input - tokens.cached_input,
        "cached": tokens.cached_input,
        "output": tokens.output + tokens.thinking,
    }
    tariff = _tariff(prices, at, str(call["engine"]), str(call["model"]), str(call.get("model_asked", "")))
    if tariff is None:
        return
    token_prices = tariff.prices(tokens.input)
    priced = {
        "input": counts["input"] * token_prices.input,
        "cached": counts["cached"] * token_prices.cached,
        "output": tokens.output * token_prices.output + tokens.thinking * token_prices.thinking,
    }
    for kind in TOKEN_KINDS:
        booked.tokens[kind] += counts[kind]
        booked.priced[kind] += priced[kind] / MILLION


def _tariff(prices: Prices, at: datetime, engine: str, *models: str) -> Tariff | None:
    """Of the first of `models` that has one: the model that answered, else the one asked for, as it was booked."""
    for model in filter(None, models):
        try:
            return prices.tariff(engine, model, at)
        except UnknownPrice:
            continue
    return None


def _nothing() -> Booked:
    return Booked(tokens=dict.fromkeys(TOKEN_KINDS, 0), priced=dict.fromkeys(TOKEN_KINDS, ZERO))


# Every call in the cloud has this word among its values: as its zone, in earlier rows as its engine.
CALLS = """
SELECT id, started_at, attempts, attempts_estimated FROM requests
WHERE started_at >= ? AND started_at < ? AND attempts LIKE '%"cloud"%'
"""

# What budgets were charged, by the model asked for; above the calls' cost it is what unreported calls may have used.
CHARGED = "SELECT engine, model, usd FROM charges WHERE id = ?"
