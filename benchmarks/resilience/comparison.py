"""The ledger held against what callers heard and what the twins counted: each line that must be 0, and figures beside.

A call that the ledger reports as counted by the engine must be one of the twin's records, to the last token and digit.
What is left of the records belongs to attempts that are marked as estimated, and budgets were charged at least as much.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from backends.ledger.integrity_check import find_faults
from backends.ledger.sqlite_connection import connect_read_only
from backends.rehearsal.twin import Twin
from benchmarks.resilience.callers import Heard

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


def compare(ledger: Path, heard: Sequence[Heard], twins: Mapping[str, Twin], limits: Iterable[Limit]) -> Compared:
    """Once all has ended and no core runs."""
    with closing(connect_read_only(ledger)) as db:
        faults = list(find_faults(db, core_runs=False))
        rows = db.execute("SELECT id, run, finish, attempts, attempts_estimated FROM requests").fetchall()
        charges = [(row["agent"], row["engine"], Decimal(row["usd"])) for row in db.execute("SELECT * FROM charges")]
    calls = [call for row in rows for call in _calls(row)]
    must: dict[str, Decimal | int] = {"faults that the ledger's own check finds": len(faults)}
    must |= _callers(rows, heard)
    figures: dict[str, Any] = {
        "requests": len(heard),
        "how they ended": dict(Counter(each.end for each in heard).most_common()),
        "rows": len(rows),
        "rows by finish": dict(Counter(row["finish"] for row in rows).most_common()),
    }
    for name, twin in twins.items():
        mine = [call for call in calls if call.engine == name]
        charged = sum((usd for _, engine, usd in charges if engine == name), Decimal(0))
        found, figures[name] = _engine(mine, charged, twin)
        must |= {f"{name}: {what}": value for what, value in found.items()}
        if any(found.values()):
            faults += [f"{name}: {each}" for each in _odd(mine, twin)]
    for limit in limits:
        spent = sum((usd for agent, _, usd in charges if limit.agent in ("", agent)), Decimal(0))
        must[f"USD over the budget of {limit.agent or 'all'}"] = max(Decimal(0), spent - limit.usd)
        figures[f"charged to {limit.agent or 'all'}, of its budget"] = [f"{spent:f}", f"{limit.usd:f}"]
    return Compared(must, figures, tuple(faults[:100]))


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


def _engine(mine: Sequence[_Call], charged: Decimal, twin: Twin) -> tuple[dict[str, Decimal | int], dict[str, Any]]:
    records = Counter(
        (one.model, one.input, one.output, one.thinking, one.cached, one.usd)
        for one in twin.usage.calls
        if one.end != "refused" and (one.input or one.output or one.thinking)
    )
    reported = Counter(call.key for call in mine if not call.estimated and call.counted)
    left = records - reported
    estimated = [call for call in mine if call.estimated]
    sure = sum((call.usd for call in mine if not call.estimated), Decimal(0))
    unbooked = sum((key[-1] * number for key, number in left.items()), Decimal(0))
    failed = sum(bool(call.error) for call in mine)
    free = sum(bool(call.error) and not call.counted for call in mine) if twin.provider is None else 0
    calls = len(twin.usage.calls)
    must: dict[str, Decimal | int] = {
        "calls reported otherwise than the twin counted": (reported - records).total(),
        "calls of the twin in no row": max(0, calls - len(mine)),
        "attempts that were answered and no twin counted": max(0, len(mine) - failed - calls),
        "calls neither reported nor marked as estimated": max(0, left.total() - len(estimated) - free),
        "USD billed for estimated calls, beyond what was charged": max(Decimal(0), unbooked - (charged - sure)),
        "calls still open at the twin": twin.usage.open,
    }
    return must, {
        "attempts": len(mine),
        "calls at the twin": calls,
        "reported": reported.total(),
        "reported USD": f"{sure:f}",
        "estimated": len(estimated),
        "charged for estimated, USD": f"{charged - sure:f}",
        "billed for estimated, USD": f"{unbooked:f}",
    }


def _odd(mine: Sequence[_Call], twin: Twin) -> Iterable[str]:
    """The twin's records that are no reported call, and the attempts that have no record."""
    keys = Counter(call.key for call in mine if not call.estimated and call.counted)
    for one in twin.usage.calls:
        key = (one.model, one.input, one.output, one.thinking, one.cached, one.usd)
        if keys[key]:
            keys[key] -= 1
        elif one.end != "refused" and (one.input or one.output or one.thinking):
            yield f"the twin counted {key}, {one.end} with {one.status}"
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
