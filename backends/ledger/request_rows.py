"""Rows of the ledger: outcomes as rows and back, and the writes that a spill can keep and do later.

Lists are JSON columns, money is plain decimal text, and text that UTF-8 cannot encode is replaced.
"""

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from backends.errors import SHORT
from backends.ledger.session_sums import ADD_TO_SESSION
from backends.types import CACHE, CLOUD, LOCAL, Attempt, EngineName, Outcome, Reason, Role, Served, Tokens, Zone

Value = str | int | float | None


class StoredAttempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt as `requests_v1.attempts` shows it; `role` only where it is not "answer".

    Earlier rows have no `model_asked` and no `zone`; the others always have both.
    """

    engine: EngineName
    model: str
    tokens: Tokens
    cost_usd: str
    error: str | None
    role: Role = "answer"
    model_asked: str = ""
    zone: Zone | None = None

    @property
    def place(self) -> Zone:
        """The zone that it was made in, also where the row does not say it."""
        return self.zone or zone_of(self.engine)


def encode(outcome: Outcome) -> dict[str, Any]:
    """The columns of `requests` that an outcome fills. Raises ValueError for an amount that is none."""
    return {
        "id": outcome.id,
        "started_at": stamp(outcome.started_at),
        "source": outcome.source,
        "agent": storable(outcome.agent),
        "engine": outcome.engine,
        "model": storable(outcome.model),
        "intent": storable(outcome.intent),
        "complexity": outcome.complexity,
        "sensitive": int(outcome.sensitive),
        "cache": outcome.cache,
        "finish": outcome.finish,
        "input_tokens": outcome.tokens.input,
        "output_tokens": outcome.tokens.output,
        "thinking_tokens": outcome.tokens.thinking,
        "cached_input_tokens": outcome.tokens.cached_input,
        "cost_usd": usd_text(outcome.cost_usd),
        "baseline_usd": usd_text(outcome.baseline_usd),
        "ttft_ms": outcome.ttft_ms,
        "latency_ms": outcome.latency_ms,
        "attempts": _json([_stored(attempt) for attempt in outcome.attempts]),
        "attempts_estimated": _json([attempt.estimated for attempt in outcome.attempts]),
        "usage_estimated": int(outcome.usage_estimated),
        "reasons": _json([{"rule": storable(one.rule), "detail": storable(one.detail)} for one in outcome.reasons]),
        "notes": _json([storable(note) for note in outcome.notes]),
        "error": storable(outcome.error),
        "error_kind": outcome.error_kind,
        "retry_after_s": outcome.retry_after_s,
        "tag": storable(outcome.tag),
        "p_local": outcome.p_local,
        "p_cloud": outcome.p_cloud,
        "weights": storable(outcome.weights) or None,
        "own_cost_usd": None if outcome.own_cost_usd is None else usd_text(outcome.own_cost_usd),
        "recorded_zone": outcome.zone,
        "session": outcome.session,
        "run": outcome.run,
        "cached_baseline_usd": None if outcome.cached_baseline_usd is None else usd_text(outcome.cached_baseline_usd),
    }


def decode(row: sqlite3.Row) -> Outcome:
    """A row of `requests` as the outcome it was."""
    attempts = zip(
        msgspec.json.decode(row["attempts"], type=list[StoredAttempt]),
        msgspec.json.decode(row["attempts_estimated"], type=list[bool]),
        strict=True,
    )
    return Outcome(
        id=row["id"],
        agent=row["agent"],
        started_at=moment(row["started_at"]),
        source=row["source"],
        engine=row["engine"],
        zone=row["zone"],
        model=row["model"],
        intent=row["intent"],
        complexity=row["complexity"],
        sensitive=bool(row["sensitive"]),
        reasons=msgspec.json.decode(row["reasons"], type=tuple[Reason, ...]),
        cache=row["cache"],
        tokens=Tokens(
            input=row["input_tokens"],
            output=row["output_tokens"],
            thinking=row["thinking_tokens"],
            cached_input=row["cached_input_tokens"],
        ),
        cost_usd=Decimal(row["cost_usd"]),
        baseline_usd=Decimal(row["baseline_usd"]),
        ttft_ms=row["ttft_ms"],
        latency_ms=row["latency_ms"],
        finish=row["finish"],
        attempts=tuple(_attempt(stored, estimated) for stored, estimated in attempts),
        usage_estimated=bool(row["usage_estimated"]),
        notes=msgspec.json.decode(row["notes"], type=tuple[str, ...]),
        error=row["error"],
        error_kind=row["error_kind"],
        short=SHORT.get(row["error_kind"] or "", ""),
        retry_after_s=row["retry_after_s"],
        tag=row["tag"],
        p_local=row["p_local"],
        p_cloud=row["p_cloud"],
        weights=row["weights"] or "",
        own_cost_usd=None if row["own_cost_usd"] is None else Decimal(row["own_cost_usd"]),
        session=row["session"],
        run=row["run"],
        cached_baseline_usd=None if row["cached_baseline_usd"] is None else Decimal(row["cached_baseline_usd"]),
    )


def stamp(at: datetime) -> str:
    """UTC in one width, so that text order is time order ("2026-11-24T11:02:00.000000Z")."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def moment(stamped: str) -> datetime:
    return datetime.fromisoformat(stamped)


def storable(foreign: Any) -> Any:
    """Text with half a surrogate pair cannot be written as UTF-8; the half becomes a question mark. None stays None."""
    return foreign if foreign is None else foreign.encode("utf-8", "replace").decode()


def usd_text(usd: Decimal) -> str:
    """Decimal form without an exponent ("0.0000001"). Raises ValueError for a negative, NaN or infinite amount."""
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"{usd} is no amount of money")
    return format(usd, "f")


def _stored(attempt: Attempt) -> StoredAttempt:
    return StoredAttempt(
        engine=attempt.engine,
        model=storable(attempt.model),
        tokens=attempt.tokens,
        cost_usd=usd_text(attempt.cost_usd),
        error=storable(attempt.error),
        role=attempt.role,
        model_asked=storable(attempt.model_asked or attempt.model),
        zone=attempt.zone,
    )


def _attempt(stored: StoredAttempt, estimated: bool) -> Attempt:
    return Attempt(
        engine=stored.engine,
        zone=stored.place,
        model=stored.model,
        tokens=stored.tokens,
        cost_usd=Decimal(stored.cost_usd),
        error=stored.error,
        role=stored.role,
        estimated=estimated,
        model_asked="" if stored.model_asked == stored.model else stored.model_asked,
    )


def zone_of(engine: Served) -> Zone:
    """The zone of an engine in rows that do not say it: those are of the two built-in engines, or of the cache."""
    return LOCAL if engine in (LOCAL, CACHE) else CLOUD


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class ReservationRow(Struct, frozen=True, tag="held", array_like=True):
    """A reservation of an open request; `usd` is decimal text, `zone` None in a spill of an earlier version."""

    id: str
    engine: str
    model: str
    usd: str
    zone: Zone | None = None

    def write(self, db: sqlite3.Connection) -> bool:
        values = (self.id, self.engine, self.model, self.usd, self.zone)
        db.execute("INSERT INTO reservations (id, engine, model, usd, zone) VALUES (?, ?, ?, ?, ?)", values)
        return True


class AdmissionRow(Struct, frozen=True, tag="admitted", array_like=True):
    """An open request and its first reservation."""

    id: str
    row: dict[str, Value]
    held: ReservationRow

    def write(self, db: sqlite3.Connection) -> bool:
        """False, and nothing is written, where the request is known already."""
        return bool(db.execute(ADMIT, self.row).rowcount) and self.held.write(db)


class ChargeRow(Struct, frozen=True, array_like=True):
    """What budgets were charged for calls to one engine and model, in decimal text."""

    id: str
    charged_at: str
    agent: str
    engine: str
    model: str
    usd: str
    beyond_usd: str
    session: str = ""
    run: str = ""


class FinalRow(Struct, frozen=True, tag="final", array_like=True):
    """A request's final row with what budgets were charged for it, its texts where they are kept, and what it adds to
    the sums of its session, where it has one.
    """

    id: str
    row: dict[str, Value]
    charges: tuple[ChargeRow, ...]
    body: tuple[str | None, str | None] | None
    session: dict[str, Value] | None = None

    def write(self, db: sqlite3.Connection) -> bool:
        """False, and nothing is written, where the request has its final row already."""
        if not db.execute(SETTLE, self.row).rowcount:
            return False
        db.executemany("INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, self.charges))
        if self.session is not None:
            db.execute(ADD_TO_SESSION, self.session)
        if self.body is not None:
            db.execute("INSERT INTO bodies VALUES (?, ?, ?)", (self.id, *self.body))
        db.execute("DELETE FROM reservations WHERE id = ?", (self.id,))
        db.execute("DELETE FROM admissions WHERE id = ?", (self.id,))
        return True


RowWrite = AdmissionRow | ReservationRow | FinalRow

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[RowWrite] = msgspec.json.Decoder(RowWrite)


def pack(written: RowWrite) -> bytes:
    return _encoder.encode(written)


def unpack(packed: bytes) -> RowWrite:
    """Raises msgspec.DecodeError for what `pack` did not make."""
    written = _decoder.decode(packed)
    if isinstance(written, FinalRow):
        for column, value in UNKNOWN_EARLIER.items():
            written.row.setdefault(column, value)
    elif isinstance(written, AdmissionRow):
        for column in ("session", "run"):
            written.row.setdefault(column, "")
    return written


UNKNOWN_EARLIER: dict[str, Value] = {"recorded_zone": None, "session": "", "run": "", "cached_baseline_usd": None}
"""Columns that the spill of an earlier version does not have."""

ADMIT = """
INSERT INTO admissions
SELECT :id, :started_at, :charged_at, :source, :agent, :engine, :model, :intent, :complexity, :sensitive, :prompt_hash,
       :input_tokens, :session, :run
WHERE NOT EXISTS (SELECT 1 FROM requests WHERE id = :id)
ON CONFLICT (id) DO NOTHING
"""

SETTLE_COLUMNS = (
    "id, started_at, charged_at, source, agent, engine, model, intent, complexity, sensitive, cache, finish, "
    "input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, ttft_ms, latency_ms, "
    "attempts, attempts_estimated, usage_estimated, reasons, notes, error, error_kind, retry_after_s, price_source, "
    "tag, p_local, p_cloud, weights, own_cost_usd, recorded_zone, session, run, cached_baseline_usd"
)
SETTLE = f"""
INSERT INTO requests ({SETTLE_COLUMNS}, prompt_hash)
VALUES (:{SETTLE_COLUMNS.replace(", ", ", :")},
        coalesce(:prompt_hash, (SELECT prompt_hash FROM admissions WHERE id = :id)))
ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 — names of our own columns
