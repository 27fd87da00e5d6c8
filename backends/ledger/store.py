"""The ledger: each admitted request and its final row, the budgets that they are charged to, and operators' actions.

A method that writes returns when its row is on the disk (WAL, synchronous=FULL). Reads have a connection of their own.
"""

import asyncio
import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec

from backends.clock import Clock
from backends.errors import LedgerError
from backends.ledger.answer_ratings import RateAnswer
from backends.ledger.budget_override import SetBudget
from backends.ledger.crash_recovery import unfinished
from backends.ledger.incident_rows import SINCE as INCIDENTS_SINCE
from backends.ledger.incident_rows import PruneIncidents, RecordIncidents, as_alert
from backends.ledger.integrity_check import check_file, refuse_network_filesystem
from backends.ledger.lock import Lock
from backends.ledger.minutes import Minute, RecordMinutes
from backends.ledger.notification_rows import OPEN as OPEN_NOTIFICATIONS
from backends.ledger.notification_rows import Notification, SettleNotifications, as_notification
from backends.ledger.refusal_counts import SINCE, CountRefusals, Key
from backends.ledger.request_rows import decode, moment, stamp, storable
from backends.ledger.reservations import Headroom, Payer, Reservation
from backends.ledger.retention import Prune
from backends.ledger.rollups import Discount, RollUp
from backends.ledger.running_totals import RunningTotals
from backends.ledger.sent_marks import SentMarks
from backends.ledger.spend_record import SpendRecord, carry_over
from backends.ledger.spill import Spill, SpillFile, merge
from backends.ledger.sqlite_connection import (
    WAITS,
    LedgerConnection,
    WriteWaits,
    as_ledger_error,
    connect_read_only,
    writable,
)
from backends.ledger.totals_loader import load
from backends.ledger.write_commands import Admission, Admit, Audit, Reserve, Settle
from backends.ledger.writer import CLOSED, Writer, commit
from backends.paths import Paths
from backends.settings.money import Budget
from backends.types import (
    ZERO,
    Acted,
    Action,
    Alert,
    BudgetState,
    EngineName,
    LedgerState,
    Outcome,
    Spend,
    Undoable,
    Zone,
)

__all__ = ["Admission", "Headroom", "Ledger"]

NO_CONTROLS: Mapping[str, str | None] = {}
ROLLED_AT_ONCE = 2_000  # rows; about 20 ms of the writer's time
PRUNED_GROUPS = 500


class Ledger:
    """Made by `open`, ended by `close`. `recovered` counts calls that an earlier core left open; `carried_usd` is what
    budgets were charged again, as the file had lost it.
    """

    @classmethod
    async def open(
        cls,
        paths: Paths,
        budgets: Sequence[Budget],
        *,
        clock: Clock,
        timezone: tzinfo | None = None,
        groups: Mapping[str, str] | None = None,
        spill_bytes: int | None = None,
        if_spend_unknown: Mapping[str, str] | None = None,
        waits: WriteWaits = WAITS,
        connect: Callable[[Path, WriteWaits], sqlite3.Connection] = writable,
    ) -> "Ledger":
        """Take the lock, check the file, settle what a crash left open, and add the budgets up.

        `timezone` says when days begin; None is the machine's own. `groups` are the agents' groups. With `spill_bytes`
        rows go to a spill of that size while the file takes none; what an earlier core left in one is merged first.
        What the file lacks of the spend that is recorded apart from it is charged to its budgets again (`carried_usd`).
        Where an earlier ledger is gone and that record too, nobody knows what budgets have spent: the controls
        `if_spend_unknown` are then set. `connect` makes the connection that writes.
        Raises LedgerError: another core holds the ledger, or the file is damaged (and now lies beside), newer than this
        program, or cannot be read or written.
        """
        async with contextlib.AsyncExitStack() as stack:
            await asyncio.to_thread(_prepare, paths)
            lock = await asyncio.to_thread(Lock.take, paths.lock)
            stack.callback(lock.release)
            try:
                await asyncio.to_thread(check_file, paths.ledger)
                lost = await asyncio.to_thread(_spend_is_lost, paths)
                file = await asyncio.to_thread(_spill_file, paths, spill_bytes)
                if file is not None:
                    stack.callback(file.close)
                    await asyncio.to_thread(file.give_up_room)
                connection = LedgerConnection(lambda: connect(paths.ledger, waits))
                await stack.enter_async_context(connection)
                if file is not None:
                    await connection.run(merge, file)
                if lost and if_spend_unknown:
                    await connection.run(_set_controls, if_spend_unknown)
                record = await asyncio.to_thread(SpendRecord.open, paths.spend_record)
                stack.callback(record.close)
                carried_usd = await connection.run(_carry_over, record, clock)
                marks = await asyncio.to_thread(SentMarks.open, paths.sent_marks)
                stack.callback(marks.close)
                adding_up = partial(load, budgets=budgets, now=clock.now(), timezone=timezone, groups=groups)
                totals, recovered = await connection.run(_recover, adding_up, marks)
                reader = LedgerConnection(lambda: connect_read_only(paths.ledger))
                await stack.enter_async_context(reader)
            except sqlite3.Error as error:
                raise as_ledger_error(error, paths.ledger) from None
            spill = None
            if file is not None and spill_bytes is not None:
                await asyncio.to_thread(file.take_room, spill_bytes)
                spill = Spill(file, clock, waits)
            elif file is not None:
                await asyncio.to_thread(paths.spill.unlink)
            writer = Writer(connection, totals, clock, paths.ledger, spill=spill, waits=waits, committed=record.follow)
            stack.push_async_callback(writer.close)
            ledger = cls(paths.ledger, clock, writer, reader, marks, stack=stack.pop_all())
            ledger.recovered, ledger.carried_usd = recovered, carried_usd
            return ledger

    def __init__(
        self,
        path: Path,
        clock: Clock,
        writer: Writer,
        reader: LedgerConnection,
        marks: SentMarks,
        *,
        stack: contextlib.AsyncExitStack,
    ) -> None:
        self.recovered = 0
        self.carried_usd = ZERO
        self._path = path
        self._clock = clock
        self._writer = writer
        self._reader = reader
        self._marks = marks
        self._stack = stack

    async def admit(self, admission: Admission) -> None:
        """Reserve and open in one step. Raises BudgetExceeded where any hard budget that covers the call would overrun.

        A caller that is cancelled here cannot know whether the request was admitted: it settles it as cancelled all the
        same, which is right in both cases.
        """
        await self._writer.write(Admit(admission))

    async def reserve(self, id: str, *, engine: EngineName, zone: Zone, model: str, amount: Decimal) -> None:
        """Reserve for a further attempt of an open request, in the windows of its admission. Raises BudgetExceeded."""
        await self._writer.write(Reserve(id, Reservation(engine, zone, model, amount)))

    def sent(self, id: str, *, engine: EngineName, model: str) -> None:
        """Note, before its first byte leaves, that a call of an open request may be billed from here on. It outlives a
        kill -9 of this process, costs no disk write, and is forgotten once the request is settled.
        """
        self._marks.add(id, engine, storable(model), is_open=self._is_open)

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
        usage is estimated; never less than the cost. After a LedgerError the row is kept and written as soon as the
        file takes it; calling again does no harm.
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
        self._marks.remove(outcome.id)

    def state(self) -> LedgerState:
        """Whether rows reach the file."""
        return self._writer.state()

    def spill_status(self) -> str:
        """Why rows go to the spill now, and how full it is, in one line; "" while they go to the file."""
        spill = self._writer.spill
        return spill.status_line() if spill is not None else ""

    def on_spill_change(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the file takes no more rows, and when it does again."""
        self._writer.state_changed = tell

    def budgets(self) -> tuple[BudgetState, ...]:
        """In the order of the settings, as of the last commit."""
        return self._totals.states()

    def headroom(
        self,
        *,
        agent: str,
        engine: EngineName,
        model: str,
        session: str = "",
        run: str = "",
        known: dict[tuple[int, ...], Headroom] | None = None,
    ) -> Headroom:
        """What the tightest hard budget leaves for such a call. A session that was not used lately counts as new; its
        admission reads what it has spent. `known`, empty at first, spares the work where the same budgets cover several
        engines that are asked about for one request.
        """
        return self._totals.headroom(Payer(agent, session, run), engine, model, known)

    def spend(self) -> Spend:
        """Today and this month, from totals in memory."""
        return self._totals.spend()

    async def recent(self, limit: int) -> tuple[Outcome, ...]:
        """The last `limit` outcomes, oldest first."""
        rows = await self._read("SELECT * FROM requests ORDER BY rowid DESC LIMIT ?", limit)
        return tuple(decode(row) for row in reversed(rows))

    async def cloud_calls(self, since: datetime) -> dict[EngineName, dict[str, tuple[int, int]]]:
        """Cloud calls of requests that started at `since` or later, by engine and the model asked for: how many, and
        their input tokens.
        """
        found: defaultdict[EngineName, dict[str, tuple[int, int]]] = defaultdict(dict)
        for row in await self._read(CLOUD_CALLS, stamp(since)):
            found[row["engine"]][row["model"]] = row["calls"], row["input"] or 0
        return dict(found)

    async def controls(self) -> dict[str, str]:
        """The operators' controls, which outlive a restart."""
        return {row["key"]: row["value"] for row in await self._read("SELECT key, value FROM controls")}

    async def set_control(self, key: str, value: str | None, acted: Acted) -> None:
        """Set a control (None removes it) and write its audit row, both or neither."""
        await self.set_controls({key: value}, acted)

    async def set_controls(self, controls: Mapping[str, str | None], acted: Acted) -> None:
        """Set several controls (None removes one) and write one audit row, all or none."""
        switch = next(iter(controls)) if len(controls) == 1 else None
        value = None if switch is None else controls[switch]
        await self._writer.write(Audit(acted=acted, switch=switch, value=value, also=controls))

    async def set_budget(self, acted: Acted, *, also: Mapping[str, str | None] = NO_CONTROLS) -> None:
        """Give a budget another limit, as `override_budget` returned it, with its audit row. It outlives the core, and
        so do the controls in `also`; None removes one.
        """
        await self._writer.write(SetBudget(acted, also))

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
        await self._writer.write(PruneIncidents(before))
        for _ in range(PRUNED_GROUPS):
            if not await self._read("SELECT 1 FROM requests WHERE started_at < ? LIMIT 1", stamp(before)):
                return
            await self._writer.write(Prune(before=before, rows=ROLLED_AT_ONCE))

    async def count_refusals(self, counts: Mapping[Key, int]) -> None:
        """Add to the counts of refused requests."""
        await self._writer.write(CountRefusals(counts))

    async def refusals(self, since: datetime) -> list[sqlite3.Row]:
        """Refused requests of the hours from that of `since` on: agent, reason, count, last_hour."""
        return await self._read(SINCE, stamp(since)[:13])

    async def record_incidents(self, alerts: Sequence[Alert], notifications: Sequence[Notification] = ()) -> None:
        """Write alerts as they are now, over what their rows said before, with the messages that tell of them."""
        await self._writer.write(RecordIncidents(alerts=alerts, seen_at=self._clock.now(), notifications=notifications))

    async def notifications(self) -> tuple[Notification, ...]:
        """The messages that wait, and those that tell of incidents that stand, oldest first."""
        return tuple(map(as_notification, await self._read(OPEN_NOTIFICATIONS)))

    async def settle_notifications(self, delivered: Sequence[str], dropped: Sequence[str]) -> None:
        """Note which messages were delivered, and delete others that are not to be."""
        await self._writer.write(SettleNotifications(delivered=delivered, dropped=dropped, at=self._clock.now()))

    async def incidents(self, since: datetime) -> tuple[tuple[Alert, datetime], ...]:
        """Those that ended at `since` or later, or that stood when they were last written, oldest first; each with when
        it was last seen to stand.
        """
        rows = await self._read(INCIDENTS_SINCE, stamp(since))
        return tuple((as_alert(row), moment(row["seen_at"])) for row in rows)

    async def record_minutes(self, minutes: tuple[Minute, ...]) -> None:
        """Add to what is known of these minutes, and delete those of more than a week ago."""
        await self._writer.write(RecordMinutes(minutes))

    async def undoable(self, since: datetime) -> Undoable | None:
        """The last action since then that can be taken back and is not."""
        rows = await self._read(UNDOABLE, stamp(since))
        return next((_undoable(row) for row in rows), None)

    async def audit(self, acted: Acted) -> None:
        await self._writer.write(Audit(acted=acted))

    async def rate(self, acted: Acted) -> None:
        """Write an operator's verdict on an answer and its audit row. Raises WrongUse for a request without a row."""
        await self._writer.write(RateAnswer(acted))

    async def close(self) -> None:
        """Write what waits, close the file, release the lock. A second call does nothing."""
        await self._stack.aclose()

    def _is_open(self, id: str) -> bool:
        return self._writer.totals.open_call(id) is not None

    @property
    def _totals(self) -> RunningTotals:
        return self._writer.totals.at(self._clock.now())

    async def _read(self, sql: str, *values: object) -> list[sqlite3.Row]:
        try:
            return await self._reader.run(lambda db: db.execute(sql, values).fetchall())
        except sqlite3.Error as error:
            raise as_ledger_error(error, self._path) from None
        except ValueError:
            raise LedgerError(CLOSED) from None


def _prepare(paths: Paths) -> None:
    paths.make()
    try:
        paths.state.chmod(0o700)
    except OSError as error:
        raise LedgerError(f"{paths.state} is not yours ({error.strerror}): set CLAW_HOME to a folder that is") from None
    refuse_network_filesystem(paths.state)


def _spill_file(paths: Paths, size: int | None) -> SpillFile | None:
    """The spill's file where one is wanted or an earlier core left one."""
    return SpillFile.open(paths.spill, size or 0) if size is not None or paths.spill.exists() else None


def _spend_is_lost(paths: Paths) -> bool:
    """Was there a ledger before, of which neither the file nor the spend record is left?"""
    if SpendRecord.is_sound(paths.spend_record) or (paths.ledger.exists() and paths.ledger.stat().st_size):
        return False
    return paths.install_key.exists() or any(paths.state.glob(f"{paths.ledger.name}*.corrupt"))


def _set_controls(db: sqlite3.Connection, controls: Mapping[str, str]) -> None:
    db.executemany("INSERT OR IGNORE INTO controls VALUES (?, ?)", controls.items())


def _carry_over(db: sqlite3.Connection, record: SpendRecord, clock: Clock) -> Decimal:
    return carry_over(db, record.sync(db, clock.now()), clock.now())


def _recover(
    db: sqlite3.Connection, adding_up: Callable[[sqlite3.Connection], RunningTotals], marks: SentMarks
) -> tuple[RunningTotals, int]:
    totals = adding_up(db)
    left_open = unfinished(db, marks.was_sent)
    commit(db, totals, left_open)
    marks.begin()
    return totals, len(left_open)


def _undoable(row: sqlite3.Row) -> Undoable:
    return Undoable(
        number=row["rowid"],
        at=moment(row["at"]),
        actor=row["actor"],
        detail=row["detail"],
        undo=msgspec.json.decode(row["undo"], type=Action),
    )


UNDOABLE = """
SELECT rowid, at, actor, detail, undo FROM audit WHERE undo IS NOT NULL AND at >= ? ORDER BY rowid DESC LIMIT 1
"""

CLOUD_CALLS = """
SELECT json_extract(value, '$.engine') AS engine,
       coalesce(json_extract(value, '$.model_asked'), json_extract(value, '$.model')) AS model,
       count(*) AS calls, sum(json_extract(value, '$.tokens.input')) AS input
FROM requests, json_each(attempts)
WHERE started_at >= ? AND coalesce(json_extract(value, '$.zone'), json_extract(value, '$.engine')) = 'cloud'
GROUP BY 1, 2
"""
