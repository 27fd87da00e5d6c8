"""What the ledger says of a session, also after a spill, a crash and a deletion of its rows."""

import asyncio
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.clock import ManualClock
from backends.ledger.integrity_check import find_faults
from backends.ledger.sqlite_connection import WriteWaits, connect_read_only
from backends.types import ZERO, Message, ToolCall
from tests.backends.ledger.samples import COST, MODEL, TOKENS, admission, attempt, opened, outcome, paths
from tests.core import ask, policy, prompt, stand
from tests.waiting import until


def sessions(file: Path) -> list[dict[str, Any]]:
    with closing(connect_read_only(file)) as db:
        assert list(find_faults(db, core_runs=False)) == []
        return [dict(row) for row in db.execute("SELECT * FROM sessions_v1 ORDER BY agent, session")]


def locked(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    return db


async def test_a_session_is_the_sum_of_its_rows_and_outlives_them(home: Path) -> None:
    clock = ManualClock()
    async with opened(home, clock=clock) as ledger:
        await ledger.settle(outcome("a", attempt(), session="s", client="pi", run="nightly"))
        await ledger.settle(outcome("b", attempt("0", "local"), session="s", continues=True))
        await ledger.settle(outcome("b", attempt("9"), session="s"))  # its second end changes nothing
        await ledger.settle(outcome("c", session="s"))
        await ledger.settle(outcome("shadow", attempt(), session="s", source="shadow", baseline_usd=ZERO))
        await ledger.settle(outcome("d", attempt(), session="s", agent="ada"))
        await ledger.settle(outcome("none", attempt()))
        await ledger.admit(admission("open", "0.5", session="t", run="nightly"))
        ledger.sent("open", engine="cloud", model=MODEL)
    async with opened(home, clock=clock) as ledger:
        assert ledger.recovered == 1
    ada, s, t = await asyncio.to_thread(sessions, paths(home).ledger)
    assert (ada["agent"], ada["turns"]) == ("ada", 1)
    assert (s["turns"], s["asks"], s["client"], s["run"], s["engines"]) == (3, 2, "pi", "nightly", "cloud,local,cache")
    assert Decimal(s["cost_usd"]) == 2 * COST
    assert Decimal(s["baseline_usd"]) == Decimal(s["cached_baseline_usd"]) == 3 * COST
    assert (s["input_tokens"], s["cached_share"]) == (3 * TOKENS.input, 0.2)
    assert (t["session"], t["run"], Decimal(t["cost_usd"])) == ("t", "nightly", Decimal("0.5"))
    async with opened(home, clock=clock) as ledger:
        await ledger.roll_up(lambda _: ZERO)
        clock.advance(3 * 86_400)
        await ledger.prune(1)
        assert await ledger.recent(9) == ()
    assert await asyncio.to_thread(sessions, paths(home).ledger) == [ada, s, t]


async def test_rows_of_a_spill_enter_their_session_once(home: Path) -> None:
    more: dict[str, Any] = {"spill_bytes": 1 << 20, "waits": WriteWaits(busy_s=0.001, retry_s=0.001)}
    async with opened(home, **more) as ledger:
        await ledger.settle(outcome("a", attempt(), session="s"))
        lock = await asyncio.to_thread(locked, paths(home).ledger)
        for id in ("b", "c"):
            await ledger.admit(admission(id, session="s"))
            await ledger.settle(outcome(id, attempt(), session="s"))
        assert ledger.spill_status()
        await asyncio.to_thread(lock.close)
        await until(lambda: not ledger.spill_status())
    (s,) = await asyncio.to_thread(sessions, paths(home).ledger)
    assert (s["turns"], Decimal(s["cost_usd"])) == (3, 3 * COST)


async def test_a_tool_loop_is_one_ask_of_one_session(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "ada", "local")) as it:
        first = prompt("what is the time in Oslo?", agent="ada", session="clock", cache=False)
        call = ToolCall(id="1", name="clock", arguments="{}")
        loop = (
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", text="12:24", tool_call_id="1", name="clock"),
        )
        await ask(it.core, first)
        await ask(it.core, replace(first, id="second", messages=(*first.messages, *loop)))
        row = it.rows()[-1]
    (s,) = await asyncio.to_thread(sessions, it.paths.ledger)
    assert (s["session"], s["turns"], s["asks"], s["engines"]) == ("clock", 2, 1, "local")
    assert (row["session"], list(row)[-2:]) == ("clock", ["session", "run"])
