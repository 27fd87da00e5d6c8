"""Commands of the writer. Each is applied whole: first its rows, then the totals, which refuse before they change."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec
from msgspec import Struct, field

from backends.errors import LedgerError, WrongUse
from backends.ledger.request_rows import (
    AdmissionRow,
    ChargeRow,
    FinalRow,
    ReservationRow,
    RowWrite,
    encode,
    stamp,
    storable,
    usd_text,
)
from backends.ledger.reservations import Charge, OpenCall, Payer, Reservation
from backends.ledger.running_totals import RunningTotals
from backends.ledger.session_sums import added
from backends.ledger.totals_loader import load_members
from backends.types import CLOUD, ZERO, Acted, Action, EngineName, Outcome, Source, Zone


class Admission(Struct, frozen=True, kw_only=True):
    """A request about to be sent, with what its first call may cost at most."""

    id: str
    agent: str
    started_at: datetime
    source: Source
    engine: EngineName
    zone: Zone
    model: str
    intent: str
    complexity: float
    sensitive: bool
    prompt_hash: str | None = None
    reserved_usd: Decimal
    input_tokens: int
    session: str = ""
    run: str = ""

    @property
    def payer(self) -> Payer:
        return Payer(self.agent, self.session, self.run)


class WriteCommand(Protocol):
    """`guaranteed` ones are applied also after their caller has gone, and later where the file cannot be written."""

    @property
    def guaranteed(self) -> bool: ...

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        """Inside a transaction and a savepoint. What it raises undoes its rows; `totals` are then as before."""
        ...


class DeferrableWrite(WriteCommand, Protocol):
    """A command whose rows can wait: they are made first, and the totals may be changed before they are in the file."""

    def rows(self, totals: RunningTotals) -> RowWrite: ...

    def enter(self, totals: RunningTotals) -> None:
        """Change the totals. What it raises leaves them as they were."""
        ...


class Admit(Struct, frozen=True):
    admission: Admission
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        if not self.rows(totals).write(db):
            raise admitted_before(self.admission.id)
        load_members(db, totals, self.admission.payer)
        self.enter(totals)

    def rows(self, totals: RunningTotals) -> AdmissionRow:
        admission, payer = self.admission, self.admission.payer
        row = {
            "id": admission.id,
            "started_at": stamp(admission.started_at),
            "charged_at": stamp(totals.moment),
            "source": admission.source,
            "agent": storable(admission.agent),
            "engine": admission.engine,
            "model": storable(admission.model),
            "intent": storable(admission.intent),
            "complexity": admission.complexity,
            "sensitive": int(admission.sensitive),
            "prompt_hash": admission.prompt_hash,
            "input_tokens": admission.input_tokens,
            "session": payer.session,
            "run": payer.run,
        }
        return AdmissionRow(admission.id, row, _held(admission.id, self._reservation))

    def enter(self, totals: RunningTotals) -> None:
        if totals.open_call(self.admission.id) is not None:
            raise admitted_before(self.admission.id)
        totals.admit(self.admission.id, self.admission.payer, self._reservation)

    @property
    def _reservation(self) -> Reservation:
        admission = self.admission
        return Reservation(admission.engine, admission.zone, admission.model, admission.reserved_usd)


class Reserve(Struct, frozen=True):
    id: str
    reservation: Reservation
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        self.rows(totals).write(db)
        self.enter(totals)

    def rows(self, totals: RunningTotals) -> ReservationRow:
        if totals.open_call(self.id) is None:
            raise LedgerError(f"request {self.id} is not open: admit it before it reserves more")
        return _held(self.id, self.reservation)

    def enter(self, totals: RunningTotals) -> None:
        totals.reserve(self.id, self.reservation)


class Settle(Struct, frozen=True, kw_only=True):
    """A request's end. `charged_usd` is what budgets pay, never less than the cost."""

    outcome: Outcome
    charged_usd: Decimal
    prompt_hash: str | None = None
    price_source: str | None = None
    prompt: str | None = None
    answer: str | None = None
    guaranteed = True

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        if self.rows(totals).write(db):  # else it has its final row already
            self.enter(totals)

    def rows(self, totals: RunningTotals) -> FinalRow:
        outcome = self.outcome
        at = stamp(self._charged_at(totals))
        row = encode(outcome) | {"charged_at": at, "prompt_hash": self.prompt_hash, "price_source": self.price_source}
        charges = tuple(
            ChargeRow(
                id=outcome.id,
                charged_at=at,
                agent=row["agent"],
                engine=one.engine,
                model=storable(one.model),
                usd=usd_text(one.usd),
                beyond_usd=usd_text(one.beyond),
                session=row["session"],
                run=row["run"],
            )
            for one in self._charges(totals)
        )
        kept = self.prompt is not None or self.answer is not None
        body = (storable(self.prompt), storable(self.answer)) if kept else None
        return FinalRow(outcome.id, row, charges, body, added(outcome, row) if outcome.session else None)

    def enter(self, totals: RunningTotals) -> None:
        outcome, charges, charged_at = self.outcome, self._charges(totals), self._charged_at(totals)
        if totals.open_call(outcome.id) is not None:
            totals.settle(outcome.id, charges)
        else:
            totals.charge(Payer(outcome.agent, outcome.session, outcome.run), charges)
        totals.count(outcome.agent, charged_at, outcome.cost_usd, outcome.baseline_usd, charges)

    def _charged_at(self, totals: RunningTotals) -> datetime:
        call = totals.open_call(self.outcome.id)
        return call.charged_at if call else totals.moment

    def _charges(self, totals: RunningTotals) -> Sequence[Charge]:
        charged = max(self.outcome.cost_usd, self.charged_usd)
        return _charges(self.outcome, charged, totals.open_call(self.outcome.id))


class Audit(Struct, frozen=True, kw_only=True):
    """An operator's action, with the switch it turned, if any; `value` None takes the switch away. So it does in
    `also`, further controls that belong to it.

    Where it takes another action back, that one can be taken back no more. A switch that is turned for good, with no
    way back, leaves none to the actions before it either.
    """

    acted: Acted
    switch: str | None = None
    value: str | None = None
    also: Mapping[str, str | None] = field(default_factory=dict)
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        turned = {} if self.switch is None else {self.switch: self.value}
        for switch, value in {**turned, **self.also}.items():
            if value is None:
                db.execute("DELETE FROM controls WHERE key = ?", (storable(switch),))
            else:
                db.execute(
                    "INSERT INTO controls VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    (storable(switch), storable(value)),
                )
        action, undo = self.acted.action, self.acted.undo
        if undo is None and self.switch is not None:
            db.execute("UPDATE audit SET undo = NULL WHERE control = ?", (storable(self.switch),))
        if action.undoes is not None:
            db.execute("UPDATE audit SET undo = NULL WHERE rowid = ?", (action.undoes,))
            undo = None
        db.execute(
            "INSERT INTO audit (at, actor, action, detail, reason, control, undo) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                stamp(self.acted.at),
                storable(action.actor),
                storable(_words(action)),
                storable(self.acted.detail),
                storable(action.reason or ""),
                None if self.switch is None else storable(self.switch),
                None if undo is None else msgspec.json.encode(undo).decode(),
            ),
        )


class WriteProbe(Struct, frozen=True):
    """Writes and leaves nothing: does the file take rows again?"""

    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        db.execute("INSERT INTO controls VALUES ('probe', '')")
        db.execute("DELETE FROM controls WHERE key = 'probe'")


def _words(action: Action) -> str:
    """An action as it is written on the command line, the value that a setting is given included."""
    limit = None if action.limit_usd is None else f"{action.limit_usd:f}"
    span = None if action.minutes is None else f"for {action.minutes:g} min"
    target = (action.agent, action.engine, action.id, action.scope, action.window, limit, action.model)
    several = [f"{key} {value or 'default'}" for key, value in (action.values or {}).items()]
    return " ".join(word for word in (action.verb, *target, action.key, action.value, *several, span) if word)


def admitted_before(id: str) -> WrongUse:
    return WrongUse(f"request {id} was admitted before: give each request an id of its own")


def _held(id: str, reservation: Reservation) -> ReservationRow:
    model, usd = storable(reservation.model), usd_text(reservation.usd)
    return ReservationRow(id, reservation.engine, model, usd, reservation.zone)


def _charges(outcome: Outcome, charged: Decimal, call: OpenCall | None) -> Sequence[Charge]:
    """Charges by engine and the model asked for. What goes beyond the cost belongs to the last call whose usage is not
    known, of those that are billed.

    Budgets go by the model that was asked for, whichever answered: under its name a call was reserved for, and so no
    budget is charged that did not hold it. What an admitted `call` was charged above its reservations is what a
    provider billed beyond its caps.
    """
    costs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for attempt in outcome.attempts:
        costs[attempt.engine, attempt.model_asked or attempt.model] += attempt.cost_usd
    if beyond := charged - sum(costs.values(), ZERO):
        estimated = [attempt for attempt in outcome.attempts if attempt.estimated]
        unsure = [attempt for attempt in estimated if attempt.zone == CLOUD] or estimated or outcome.attempts
        if unsure:
            costs[unsure[-1].engine, unsure[-1].model_asked or unsure[-1].model] += beyond
        else:
            costs[outcome.engine, outcome.model] += beyond
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for reservation in call.reservations if call else ():
        held[reservation.engine, reservation.model] += reservation.usd
    return [
        Charge(engine, model, usd, max(ZERO, usd - held[engine, model]) if call else ZERO)
        for (engine, model), usd in costs.items()
        if usd > 0
    ]
