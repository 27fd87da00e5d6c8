"""What must hold whatever fails: the ledger held against what callers heard and what the twins counted.

Each line must be 0; figures say how much there was to compare. A call that the ledger reports as counted by the engine
must be one of the twin's records, to the last token and digit. What is left of the records belongs to attempts that are
marked as estimated, and budgets were charged at least as much.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from backends.ledger.integrity_check import find_faults
from backends.ledger.sqlite_connection import connect_read_only
from backends.rehearsal.twin import Twin
from backends.rehearsal.usage_counts import ServedCall
from backends.self_test.callers import Heard

EMBED = "embed"
TOKENS = ("input", "output", "thinking", "cached_input")


class Limit(Struct, frozen=True):
    """A budget for all time; an empty `agent` counts every one."""

    agent: str
    usd: Decimal


class Compared(Struct, frozen=True):
    """`must_be_zero` is what was held against each other; `figures` say how much there was to compare."""

    must_be_zero: dict[str, Decimal | int]
    figures: dict[str, Any]
    details: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not any(self.must_be_zero.values())


class _Call(Struct, frozen=True):
    """An attempt in the ledger. `key` is what a twin's record of it looks like."""

    engine: str
    key: tuple[Any, ...]
    usd: Decimal
    estimated: bool
    counted: bool
    error: str


def compare(
    ledger: Path,
    twins: Mapping[str, Twin],
    *,
    heard: Sequence[Heard] | None = None,
    limits: Iterable[Limit] = (),
    earlier: Collection[str] = (),
) -> Compared:
    """Once all has ended and no core runs. `twins` are by engine; several engines may be one twin's.

    Rows and twins' records whose ids are `earlier` are left out, and so are embeddings, which the cache makes locally.
    Budgets count every charge.
    """
    with closing(connect_read_only(ledger)) as db:
        faults = list(find_faults(db, core_runs=False))
        rows = [row for row in db.execute(ROWS) if row["id"] not in earlier]
        charges = db.execute("SELECT id, agent, engine, usd FROM charges").fetchall()
    calls = [call for row in rows for call in _calls(row)]
    must: dict[str, Decimal | int] = {"faults that the ledger's own check finds": len(faults)}
    figures: dict[str, Any] = {
        "rows": len(rows),
        "rows by finish": dict(Counter(row["finish"] for row in rows).most_common()),
    }
    if heard is not None:
        must |= _callers(rows, heard)
        figures |= {"requests": len(heard), "how they ended": dict(Counter(each.end for each in heard).most_common())}
    for names, twin in _by_twin(twins):
        mine = [call for call in calls if call.engine in names]
        charged = _sum(charge for charge in charges if charge["engine"] in names and charge["id"] not in earlier)
        served = [call for call in twin.usage.calls if call.id not in earlier and call.endpoint != EMBED]
        found, figures[names[0]] = _engine(mine, charged, served, twin)
        must |= {f"{names[0]}: {what}": value for what, value in found.items()}
        if any(found.values()):
            faults += [f"{names[0]}: {each}" for each in _odd(mine, served)]
    for limit in limits:
        spent = _sum(charge for charge in charges if limit.agent in ("", charge["agent"]))
        must[f"USD over the budget of {limit.agent or 'all'}"] = max(Decimal(0), spent - limit.usd)
        figures[f"charged to {limit.agent or 'all'}, of its budget"] = [f"{spent:f}", f"{limit.usd:f}"]
    return Compared(must, figures, tuple(faults[:100]))


ROWS = "SELECT id, run, finish, attempts, attempts_estimated FROM requests"


def _by_twin(twins: Mapping[str, Twin]) -> Iterable[tuple[list[str], Twin]]:
    """Each twin once, with the names of all its engines."""
    engines: dict[int, list[str]] = {}
    for name, twin in twins.items():
        engines.setdefault(id(twin), []).append(name)
    return [(names, twins[names[0]]) for names in engines.values()]


def _sum(charges: Iterable[sqlite3.Row]) -> Decimal:
    return sum((Decimal(charge["usd"]) for charge in charges), Decimal(0))


def _callers(rows: Sequence[sqlite3.Row], heard: Sequence[Heard]) -> dict[str, Decimal | int]:
    """What callers heard to the end has its row, whose finish says the same; no request has two."""
    ids, runs = {row["id"]: row["finish"] for row in rows}, Counter(row["run"] for row in rows)
    answered = [each for each in heard if each.end == "answered"]
    failed = [each for each in heard if each.end == "failed"]
    return {
        "acknowledged requests without a row": sum(each.id not in ids for each in answered),
        "acknowledged requests whose row says otherwise": sum(ids.get(each.id) == "error" for each in answered),
        "errors told in a stream, without a row": sum(each.id not in ids for each in failed),
        "requests with two rows": sum(count - 1 for count in runs.values()),
        "rows of no request": len(runs.keys() - {f"n{each.number}" for each in heard}),
        "answers with neither an end nor an error, or with both": sum(each.end == "unclear" for each in heard),
    }


def _engine(
    mine: Sequence[_Call], charged: Decimal, served: Sequence[ServedCall], twin: Twin
) -> tuple[dict[str, Decimal | int], dict[str, Any]]:
    records = Counter(_key(one) for one in served if _counted(one))
    reported = Counter(call.key for call in mine if not call.estimated and call.counted)
    left = records - reported
    estimated = [call for call in mine if call.estimated]
    sure = sum((call.usd for call in mine if not call.estimated), Decimal(0))
    unbooked = sum((key[-1] * number for key, number in left.items()), Decimal(0))
    failed = sum(bool(call.error) for call in mine)
    free = sum(bool(call.error) and not call.counted for call in mine) if twin.provider is None else 0
    must: dict[str, Decimal | int] = {
        "calls reported otherwise than the twin counted": (reported - records).total(),
        "calls of the twin in no row": max(0, len(served) - len(mine)),
        "attempts that were answered and no twin counted": max(0, len(mine) - failed - len(served)),
        "calls neither reported nor marked as estimated": max(0, left.total() - len(estimated) - free),
        "USD billed for estimated calls, beyond what was charged": max(Decimal(0), unbooked - (charged - sure)),
        "calls still open at the twin": twin.usage.open,
    }
    return must, {
        "attempts": len(mine),
        "calls at the twin": len(served),
        "reported": reported.total(),
        "reported USD": f"{sure:f}",
        "estimated": len(estimated),
        "charged for estimated, USD": f"{charged - sure:f}",
        "billed for estimated, USD": f"{unbooked:f}",
    }


def _counted(one: ServedCall) -> bool:
    return one.end != "refused" and bool(one.input or one.output or one.thinking)


def _key(one: ServedCall) -> tuple[Any, ...]:
    return one.model, one.input, one.output, one.thinking, one.cached, one.usd


def _odd(mine: Sequence[_Call], served: Sequence[ServedCall]) -> Iterable[str]:
    """The twin's records that are no reported call, and the attempts that have no record."""
    keys = Counter(call.key for call in mine if not call.estimated and call.counted)
    for one in served:
        if keys[_key(one)]:
            keys[_key(one)] -= 1
        elif _counted(one):
            yield f"the twin counted {_key(one)}, {one.end} with {one.status}"
    for key in keys.elements():
        yield f"the ledger alone has {key}"
    for call in mine:
        if call.estimated or not call.counted:
            yield f"{'estimated' if call.estimated else 'not counted'}: {call.key}, {call.error}"


def _calls(row: sqlite3.Row) -> Iterable[_Call]:
    for one, estimated in zip(json.loads(row["attempts"]), json.loads(row["attempts_estimated"]), strict=True):
        tokens, usd = one["tokens"], Decimal(one["cost_usd"])
        yield _Call(
            engine=one["engine"],
            key=(one["model"], *(tokens[name] for name in TOKENS), usd),
            usd=usd,
            estimated=estimated,
            counted=any(tokens[name] for name in TOKENS),
            error=one["error"] or "",
        )


def overrun(ledger: Path, limits: Iterable[Limit]) -> Decimal:
    """How far spent and reserved together are beyond a budget at the newest commit; 0 while the file cannot be read."""
    try:
        with closing(connect_read_only(ledger)) as db:
            taken = [(row["agent"], Decimal(row["usd"])) for row in db.execute(TAKEN)]
    except sqlite3.Error:
        return Decimal(0)
    over = [
        sum((usd for agent, usd in taken if limit.agent in ("", agent)), Decimal(0)) - limit.usd for limit in limits
    ]
    return max(Decimal(0), *over)


TAKEN = """
SELECT agent, usd_sum(usd) AS usd FROM charges GROUP BY agent
UNION ALL
SELECT agent, usd_sum(usd) AS usd FROM reservations JOIN admissions USING (id) GROUP BY agent
"""


def files_with(text: str, folder: Path) -> list[str]:
    """The files below a folder that contain this text."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes()
    ]
