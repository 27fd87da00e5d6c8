"""The ledger: every admitted request and its one final row, the budgets they are charged to, and what operators did.

A method that writes returns when its row is on the disk (WAL, synchronous=FULL). Reads have a connection of their own.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path

from backends.clock import Clock
from backends.errors import LedgerError
from backends.ledger.amounts import Reservation, Room
from backends.ledger.books import Books
from backends.ledger.connection import Connection, explained, read_only, writable
from backends.ledger.damage import examine
from backends.ledger.disk import refuse_network
from backends.ledger.entries import Admission, Admit, Audit, Reserve, Settle
from backends.ledger.feedback import Rate
from backends.ledger.loading import load
from backends.ledger.lock import Lock
from backends.ledger.overflow import Overflow, merge
from backends.ledger.recovery import unfinished
from backends.ledger.relimiting import SetBudget
from backends.ledger.retention import Prune
from backends.ledger.rollups import Discount, RollUp
from backends.ledger.rows import decode, stamp
from backends.ledger.spill import Spill
from backends.ledger.writer import CLOSED, Writer, commit
from backends.paths import Paths
from backends.settings.money import Budget
from backends.types import Acted, BudgetState, EngineName, Outcome, Spend

__all__ = ["Admission", "Ledger", "Room"]

ROLLED_AT_ONCE = 2_000  # rows; about 20 ms of the writer's time
PRUNED_GROUPS = 500


class Ledger:
    """Made by `open`, ended by `close`. `recovered` counts calls that an earlier core left open."""

    @classmethod
    async def open(
        cls,
        paths: Paths,
        budgets: Sequence[Budget],
        *,
        clock: Clock,
        zone: tzinfo | None = None,
        groups: Mapping[str, str] | None = None,
        spill_bytes: int | None = None,
    ) -> "Ledger":
        """Take the lock, examine the file, settle what a crash left open, add the budgets up.

        `zone` is where days begin; None is the machine's own. `groups` are the agents' groups. With `spill_bytes` rows
        go to a spill of that size while the file takes none; what an earlier core left in one is taken in first.
        Raises LedgerError: another core holds the ledger, or the file is damaged (and now lies beside), newer than this
        program, or cannot be read or written.
        """
        async with contextlib.AsyncExitStack() as stack:
            await asyncio.to_thread(_prepare, paths)
            lock = await asyncio.to_thread(Lock.take, paths.lock)
            stack.callback(lock.release)
            try:
                await asyncio.to_thread(examine, paths.ledger)
                connection = Connection(lambda: writable(paths.ledger))
                await stack.enter_async_context(connection)
                spill = await asyncio.to_thread(_spill, paths, spill_bytes)
                if spill is not None:
                    stack.callback(spill.close)
                    await connection.run(merge, spill)
                books, recovered = await connection.run(_recover, budgets, clock, zone, groups or {})
                reader = Connection(lambda: read_only(paths.ledger))
                await stack.enter_async_context(reader)
            except sqlite3.Error as error:
                raise explained(error, paths.ledger) from None
            overflow = None
            if spill is not None and spill_bytes is not None:
                overflow = Overflow(spill, clock)
            elif spill is not None:
                await asyncio.to_thread(paths.spill.unlink)
            writer = Writer(connection, books, clock, paths.ledger, overflow)
            stack.push_async_callback(writer.close)
            return cls(paths.ledger, clock, writer, reader, recovered=recovered, stack=stack.pop_all())

    def __init__(
        self,
        path: Path,
        clock: Clock,
        writer: Writer,
        reader: Connection,
        *,
        recovered: int,
        stack: contextlib.AsyncExitStack,
    ) -> None:
        self.recovered = recovered
        self._path = path
        self._clock = clock
        self._writer = writer
        self._reader = reader
        self._stack = stack

    async def admit(self, admission: Admission) -> None:
        """Reserve and open in one step. Raises BudgetExceeded where any hard budget that covers the call would overrun.

        A caller that is cancelled here cannot know whether the request was admitted: it settles it as cancelled all the
        same, which is right in both cases.
        """
        await self._writer.write(Admit(admission))

    async def reserve(self, id: str, *, engine: EngineName, model: str, amount: Decimal) -> None:
        """Reserve for a further attempt of an open request, in the windows of its admission. Raises BudgetExceeded."""
        await self._writer.write(Reserve(id, Reservation(engine, model, amount)))

    async def settle(
        self,
        outcome: Outcome,
        *,
        charged_usd: Decimal | None = None,
        prompt_hash: str | None = None,
        price_source: str | None = None,
        prompt: str | None = None,
        answer: str | None = None,
    ) -> None:
        """Write the final row, charge the budgets, release the reservations. A second call for an id changes nothing.

        A request that was never admitted (a cache hit) gets its row whole. `charged_usd` is what budgets pay where the
        usage is estimated; never less than the cost. After a LedgerError the row is still owed: the ledger writes it as
        soon as it can, and calling again does no harm.
        """
        await self._writer.write(
            Settle(
                outcome=outcome,
                charged_usd=outcome.cost_usd if charged_usd is None else charged_usd,
                prompt_hash=prompt_hash,
                price_source=price_source,
                prompt=prompt,
                answer=answer,
            )
        )

    def trouble(self) -> str:
        """Why rows go to the spill now, and how full it is, in one line; "" while they go to the file."""
        overflow = self._writer.overflow
        return overflow.told() if overflow is not None else ""

    def on_trouble(self, tell: Callable[[], None]) -> None:
        """Call `tell` where the file takes no more rows, and where it does again."""
        self._writer.troubled = tell

    def budgets(self) -> tuple[BudgetState, ...]:
        """In the order of the settings, as of the last commit."""
        return self._books.states()

    def room(self, *, agent: str, engine: EngineName, model: str) -> Room:
        """What the tightest hard budget leaves for such a call."""
        return self._books.room(agent, engine, model)

    def spend(self) -> Spend:
        """Today and this month, from totals in memory."""
        return self._books.spend()

    async def recent(self, limit: int) -> tuple[Outcome, ...]:
        """The last `limit` outcomes, oldest first."""
        rows = await self._read("SELECT * FROM requests ORDER BY rowid DESC LIMIT ?", limit)
        return tuple(decode(row) for row in reversed(rows))

    async def cloud_calls(self, since: datetime) -> dict[str, tuple[int, int]]:
        """Cloud calls of requests that started at `since` or later, by the model asked for: how many, input tokens."""
        rows = await self._read(CLOUD_CALLS, stamp(since))
        return {row["model"]: (row["calls"], row["input"] or 0) for row in rows}

    async def controls(self) -> dict[str, str]:
        """The operators' switches that outlive a restart."""
        return {row["key"]: row["value"] for row in await self._read("SELECT key, value FROM controls")}

    async def set_control(self, key: str, value: str | None, acted: Acted) -> None:
        """Turn a switch (None takes it away) and write its audit row, both or neither."""
        await self._writer.write(Audit(acted=acted, switch=key, value=value))

    async def set_budget(self, acted: Acted) -> None:
        """Give a budget another limit, as `limits.change` found it to be, with its audit row; it outlives the core."""
        await self._writer.write(SetBudget(acted))

    async def roll_up(self, discount: Discount) -> None:
        """Add every row that is not yet in the sums by the hour, in groups that hold up no request for long."""
        rows = await self._read("SELECT (SELECT coalesce(max(rowid), 0) FROM requests) - seen_to FROM rollups_reach")
        for _ in range(-(-rows[0][0] // ROLLED_AT_ONCE)):
            await self._writer.write(RollUp(rows=ROLLED_AT_ONCE, discount=discount))

    async def prune(self, keep_days: int | None) -> None:
        """Delete rows older than `keep_days`; None keeps all. What is left for later is done at the next call."""
        if keep_days is None:
            return
        before = self._clock.now() - timedelta(days=keep_days)
        for _ in range(PRUNED_GROUPS):
            if not await self._read("SELECT 1 FROM requests WHERE started_at < ? LIMIT 1", stamp(before)):
                return
            await self._writer.write(Prune(before=before, rows=ROLLED_AT_ONCE))

    async def audit(self, acted: Acted) -> None:
        await self._writer.write(Audit(acted=acted))

    async def rate(self, acted: Acted) -> None:
        """Write an operator's word on an answer and its audit row. Raises WrongUse for a request without a row."""
        await self._writer.write(Rate(acted))

    async def close(self) -> None:
        """Write what waits, close the file, let the lock go. A second call does nothing."""
        await self._stack.aclose()

    @property
    def _books(self) -> Books:
        return self._writer.books.at(self._clock.now())

    async def _read(self, sql: str, *values: object) -> list[sqlite3.Row]:
        try:
            return await self._reader.run(lambda db: db.execute(sql, values).fetchall())
        except sqlite3.Error as error:
            raise explained(error, self._path) from None
        except ValueError:
            raise LedgerError(CLOSED) from None


def _prepare(paths: Paths) -> None:
    paths.make()
    try:
        paths.state.chmod(0o700)
    except OSError as error:
        raise LedgerError(f"{paths.state} is not yours ({error.strerror}): set CLAW_HOME to a folder that is") from None
    refuse_network(paths.state)


def _spill(paths: Paths, size: int | None) -> Spill | None:
    """The spill that is wanted, or else one that an earlier core left."""
    return Spill.open(paths.spill, size or 0) if size is not None or paths.spill.exists() else None


def _recover(
    db: sqlite3.Connection, budgets: Sequence[Budget], clock: Clock, zone: tzinfo | None, groups: Mapping[str, str]
) -> tuple[Books, int]:
    books = load(db, budgets, clock.now(), zone, groups=groups)
    left_open = unfinished(db)
    commit(db, books, left_open)
    return books, len(left_open)


CLOUD_CALLS = """
SELECT coalesce(json_extract(value, '$.model_asked'), json_extract(value, '$.model')) AS model, count(*) AS calls,
       sum(json_extract(value, '$.tokens.input')) AS input
FROM requests, json_each(attempts)
WHERE started_at >= ? AND json_extract(value, '$.engine') = 'cloud' GROUP BY 1
"""
