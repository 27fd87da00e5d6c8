"""What an entry puts into the file, apart from how it changes the books: made once, written now or later, and once."""

import sqlite3

import msgspec
from msgspec import Struct

Value = str | int | float | None


class HeldRow(Struct, frozen=True, tag="held", array_like=True):
    """A reservation of an open request; `usd` is decimal text."""

    id: str
    engine: str
    model: str
    usd: str

    def write(self, db: sqlite3.Connection) -> bool:
        db.execute("INSERT INTO reservations VALUES (?, ?, ?, ?)", (self.id, self.engine, self.model, self.usd))
        return True


class AdmittedRow(Struct, frozen=True, tag="admitted", array_like=True):
    """An open request and its first reservation."""

    id: str
    row: dict[str, Value]
    held: HeldRow

    def write(self, db: sqlite3.Connection) -> bool:
        """False, and nothing is written, where the request is known already."""
        return bool(db.execute(ADMIT, self.row).rowcount) and self.held.write(db)


class FinalRow(Struct, frozen=True, tag="final", array_like=True):
    """A request's final row with what budgets were charged for it, and its texts where they are kept."""

    id: str
    row: dict[str, Value]
    charges: tuple[tuple[str, str, str, str, str, str, str], ...]
    body: tuple[str | None, str | None] | None

    def write(self, db: sqlite3.Connection) -> bool:
        """False, and nothing is written, where the request has its final row already."""
        if not db.execute(SETTLE, self.row).rowcount:
            return False
        db.executemany("INSERT INTO charges VALUES (?, ?, ?, ?, ?, ?, ?)", self.charges)
        if self.body is not None:
            db.execute("INSERT INTO bodies VALUES (?, ?, ?)", (self.id, *self.body))
        db.execute("DELETE FROM reservations WHERE id = ?", (self.id,))
        db.execute("DELETE FROM admissions WHERE id = ?", (self.id,))
        return True


Written = AdmittedRow | HeldRow | FinalRow

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Written] = msgspec.json.Decoder(Written)


def pack(written: Written) -> bytes:
    return _encoder.encode(written)


def unpack(packed: bytes) -> Written:
    """Raises msgspec.DecodeError for what `pack` did not make."""
    return _decoder.decode(packed)


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
