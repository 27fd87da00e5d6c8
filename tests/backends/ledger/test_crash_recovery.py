"""kill -9 in the middle of writes: what was acknowledged is there, what was open is settled at its reservation."""

import asyncio
import os
import signal
import sys
from decimal import Decimal
from pathlib import Path

from backends.types import ZERO, Attempt, Tokens
from tests.backends.ledger.samples import MODEL, admission, attempt, daily, opened, outcome, paths

WRITER = """
import asyncio, sys
from pathlib import Path
from tests.backends.ledger.samples import *

async def one(ledger, id):
    await ledger.admit(admission(id, "0.01"))
    print("admitted", id, flush=True)
    if int(id) % 3:
        await ledger.settle(outcome(id, attempt("0.001")))
        print("settled", id, flush=True)

async def main():
    async with opened(Path(sys.argv[1]), [daily("1000")]) as ledger:
        for start in range(0, 100_000, 20):
            await asyncio.gather(*(one(ledger, str(id)) for id in range(start, start + 20)))

asyncio.run(main())
"""


async def killed_after(home: Path, lines: int) -> list[tuple[str, str]]:
    """Run the writer, read `lines` of what it acknowledged, kill it, and return all that it acknowledged."""
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        str(home),
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert process.stdout
    try:
        heard = [await process.stdout.readline() for _ in range(lines)]
    finally:
        process.send_signal(signal.SIGKILL)
    heard += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    words = [line.decode().split() for line in heard if line.endswith(b"\n")]
    return [(word, id) for word, id in words]


async def test_nothing_acknowledged_is_lost(home: Path) -> None:
    heard = await killed_after(home, 300)
    admitted = {id for what, id in heard if what == "admitted"}
    settled = {id for what, id in heard if what == "settled"}
    async with opened(home, [daily("1000")]) as ledger:
        rows = {row.id: row for row in await ledger.recent(1_000_000)}
        (state,) = ledger.budgets()
        spend = ledger.spend()
        recovered = ledger.recovered
    assert admitted <= set(rows)
    assert all(rows[id].finish == "stop" for id in settled)
    errors = [row for row in rows.values() if row.finish == "error"]
    assert len(errors) == recovered > 0
    assert all(row.usage_estimated and row.cost_usd == Decimal("0.01") for row in errors)
    assert state.reserved_usd == ZERO
    assert state.spent_usd == spend.today_usd == sum((row.cost_usd for row in rows.values()), ZERO)


async def test_an_open_call_is_settled_at_its_reservations(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0", engine="small", zone="local", model="qwen2.5:3b", sensitive=True))
        await ledger.reserve("a", engine="backup", zone="cloud", model=MODEL, amount=Decimal("0.5"))
    async with opened(home, [daily("5")]) as ledger:
        (row,) = await ledger.recent(9)
        assert ledger.recovered == 1
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")
    why = "the core stopped during this call"
    once = Tokens(input=1000)
    assert row.attempts == (
        Attempt(
            engine="small", zone="local", model="qwen2.5:3b", tokens=once, cost_usd=ZERO, error=why, estimated=True
        ),
        Attempt(
            engine="backup", zone="cloud", model=MODEL, tokens=once, cost_usd=Decimal("0.5"), error=why, estimated=True
        ),
    )
    assert (row.finish, row.cost_usd, row.tokens) == ("error", Decimal("0.5"), once + once)
    assert (row.engine, row.zone) == ("backup", "cloud")
    assert row.usage_estimated
    assert row.sensitive
    assert row.error


async def test_a_second_settlement_of_a_recovered_call_changes_nothing(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0.5"))
    async with opened(home, [daily("5")]) as ledger:
        await ledger.settle(outcome("a", attempt("0.1")))
        assert [one.finish for one in await ledger.recent(9)] == ["error"]
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")


def test_the_lock_of_a_dead_core_is_no_lock(home: Path) -> None:
    asyncio.run(killed_after(home, 10))
    assert paths(home).lock.exists()

    async def start() -> None:
        async with opened(home):
            pass

    asyncio.run(start())
