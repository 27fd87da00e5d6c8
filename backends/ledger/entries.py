"""What can be written, each entry whole: first its rows, then the books, which refuse before they change anything."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from backends.errors import LedgerError, WrongUse
from backends.ledger.amounts import Charge, OpenCall, Reservation
from backends.ledger.books import Books
from backends.ledger.money import text
from backends.ledger.rows import encode, stamp, storable
from backends.types import ZERO, Acted, EngineName, Outcome, Source


class Admission(Struct, frozen=True, kw_only=True):
    """A request about to be sent, with what its first call may cost at most."""

    id: str
    agent: str
    started_at: datetime
    source: Source
    engine: EngineName
    model: str
    intent: str
    complexity: float
    sensitive: bool
    prompt_hash: str | None = None
    reserved_usd: Decimal
    input_tokens: int


class Entry(Protocol):
    """`owed` entries are carried out even where their caller has gone or the file could not be written for a while."""

    @property
    def owed(self) -> bool: ...

    def carry_out(self, db: sqlite3.Connection, books: Books) -> None:
        """Inside a transaction and a savepoint. What it raises undoes its rows; `books` are then as before."""
        ...


class Admit(Struct, frozen=True):
    admission: Admission
    owed = False

    def carry_out(self, db: sqlite3.Connection, books: Books) -> None:
        admission = self.admission
        row = {
            "id": admission.id,
            "started_at": stamp(admission.started_at),
            "charged_at": stamp(books.moment),
            "source": admission.source,
            "agent": storable(admission.agent),
            "engine": admission.engine,
            "model": storable(admission.model),
            "intent": storable(admission.intent),
            "complexity": admission.complexity,
            "sensitive": int(admission.sensitive),
            "prompt_hash": admission.prompt_hash,
            "input_tokens": admission.input_tokens,
        }
        if not db.execute(ADMIT, row).rowcount:
            raise WrongUse(f"request {admission.id} was admitted before: give each request an id of its own")
        reservation = Reservation(admission.engine, admission.model, admission.reserved_usd)
        _hold(db, admission.id, reservation)
        books.admit(admission.id, admission.agent, reservation)


class Reserve(Struct, frozen=True):
    id: str
    reservation: Reservation
    owed = False

    def carry_out(self, db: sqlite3.Connection, books: Books) -> None:
        if books.open_call(self.id) is None:
            raise LedgerError(f"request {self.id} is not open: admit it before it reserves more")
        _hold(db, self.id, self.reservation)
        books.reserve(self.id, self.reservation)


class Settle(Struct, frozen=True, kw_only=True):
    """A request's end. `charged_usd` is what budgets pay, never less than the cost."""

    outcome: Outcome
    charged_usd: Decimal
    prompt_hash: str | None = None
    price_source: str | None = None
    prompt: str | None = None
    answer: str | None = None
    owed = True

    def carry_out(self, db: sqlite3.Connection, books: Books) -> None:
        outcome = self.outcome
        call = books.open_call(outcome.id)
        charged_at = call.charged_at if call else books.moment
        row = encode(outcome) | {
            "charged_at": stamp(charged_at),
            "prompt_hash": self.prompt_hash,
            "price_source": self.price_source,
        }
        if not db.execute(SETTLE, row).rowcount:
            return  # it has its final row already
        charges = _charges(outcome, max(outcome.cost_usd, self.charged_usd), call)
        at = stamp(charged_at)
        db.executemany(
            "INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (outcome.id, at, row["agent"], one.engine, storable(one.model), text(one.usd), text(one.beyond))
                for one in charges
            ],
        )
        if self.prompt is not None or self.answer is not None:
            body = (outcome.id, storable(self.prompt), storable(self.answer))
            db.execute("INSERT INTO bodies VALUES (?, ?, ?)", body)
        if call:
            db.execute("DELETE FROM reservations WHERE id = ?", (outcome.id,))
            db.execute("DELETE FROM admissions WHERE id = ?", (outcome.id,))
            books.settle(outcome.id, charges)
        else:
            books.charge(outcome.agent, charges)
        books.count(outcome.agent, charged_at, outcome.cost_usd, outcome.baseline_usd)


class Audit(Struct, frozen=True, kw_only=True):
    """An operator's action, with the switch it turned, if any; `value` None takes the switch away."""

    acted: Acted
    switch: str | None = None
    value: str | None = None
    owed = False

    def carry_out(self, db: sqlite3.Connection, books: Books) -> None:
        if self.switch is not None and self.value is None:
            db.execute("DELETE FROM controls WHERE key = ?", (storable(self.switch),))
        elif self.switch is not None:
            values = (storable(self.switch), storable(self.value))
            db.execute(
                "INSERT INTO controls VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", values
            )
        action = self.acted.action
        limit = None if action.limit_usd is None else f"{action.limit_usd:f}"
        words = (action.verb, action.agent, action.engine, action.id, action.scope, action.window, limit)
        db.execute(
            "INSERT INTO audit VALUES (?, ?, ?, ?)",
            (
                stamp(self.acted.at),
                storable(action.actor),
                storable(" ".join(word for word in words if word)),
                storable(self.acted.detail),
            ),
        )


def _hold(db: sqlite3.Connection, id: str, reservation: Reservation) -> None:
    values = (id, reservation.engine, storable(reservation.model), text(reservation.usd))
    db.execute("INSERT INTO reservations VALUES (?, ?, ?, ?)", values)


def _charges(outcome: Outcome, charged: Decimal, call: OpenCall | None) -> Sequence[Charge]:
    """Charges by engine and model. What goes beyond the cost belongs to the last call whose usage is not known.

    What an admitted `call` was charged above its reservations is what a provider billed beyond its caps.
    """
    costs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for attempt in outcome.attempts:
        costs[attempt.engine, attempt.model] += attempt.cost_usd
    if beyond := charged - sum(costs.values(), ZERO):
        unsure = [attempt for attempt in outcome.attempts if attempt.estimated] or outcome.attempts
        last = unsure[-1] if unsure else outcome
        costs[last.engine, last.model] += beyond
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for reservation in call.reservations if call else ():
        held[reservation.engine, reservation.model] += reservation.usd
    return [
        Charge(engine, model, usd, max(ZERO, usd - held[engine, model]) if call else ZERO)
        for (engine, model), usd in costs.items()
        if usd > 0
    ]


ADMIT = """
INSERT INTO admissions
SELECT :id, :started_at, :charged_at, :source, :agent, :engine, :model, :intent, :complexity, :sensitive, :prompt_hash,
       :input_tokens
WHERE NOT EXISTS (SELECT 1 FROM requests WHERE id = :id)
ON CONFLICT (id) DO NOTHING
"""

SETTLE_COLUMNS = (
    "id, started_at, charged_at, source, agent, engine, model, intent, complexity, sensitive, cache, finish, "
    "input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, ttft_ms, latency_ms, "
    "attempts, attempts_estimated, usage_estimated, reasons, notes, error, error_kind, retry_after_s, price_source, "
    "tag, p_local, p_cloud, weights, own_cost_usd"
)
SETTLE = f"""
INSERT INTO requests ({SETTLE_COLUMNS}, prompt_hash)
VALUES (:{SETTLE_COLUMNS.replace(", ", ", :")},
        coalesce(:prompt_hash, (SELECT prompt_hash FROM admissions WHERE id = :id)))
ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 — names of our own columns
