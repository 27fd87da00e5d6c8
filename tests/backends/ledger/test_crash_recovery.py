"""kill -9 in the middle of writes: what was acknowledged is there, and what may have been sent is settled at its
reservation.
"""

import asyncio
import os
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from backends.ledger.sent_marks import BOOT_ID, PLACES
from backends.types import ZERO, Attempt, Tokens
from tests.backends.ledger.samples import MODEL, admission, attempt, daily, opened, outcome, paths

WRITER = """
import asyncio, sys
from pathlib import Path
from tests.backends.ledger.samples import *

async def one(ledger, id):
    await ledger.admit(admission(id, "0.01"))
    if int(id) % 2:
        ledger.sent(id, engine="cloud", model=MODEL)
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


@pytest.mark.proves("P1", "I1")
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
    # An admission that was committed and not heard of here was not marked either.
    sent = [row for row in errors if row.cost_usd == Decimal("0.01")]
    assert sent
    assert all(int(row.id) % 2 and row.usage_estimated and row.attempts for row in sent)
    unsent = [row for row in errors if row not in sent]
    assert all(row.cost_usd == ZERO and not row.usage_estimated and not row.attempts for row in unsent)
    assert {row.id for row in unsent} & admitted
    assert all(int(row.id) % 2 == 0 for row in unsent if row.id in admitted)
    assert state.reserved_usd == ZERO
    assert state.spent_usd == spend.today_usd == sum((row.cost_usd for row in rows.values()), ZERO)


@pytest.mark.proves("P1")
async def test_an_open_call_is_settled_at_its_reservations(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0", engine="small", zone="local", model="qwen2.5:3b", sensitive=True))
        ledger.sent("a", engine="small", model="qwen2.5:3b")
        await ledger.reserve("a", engine="backup", zone="cloud", model=MODEL, amount=Decimal("0.5"))
        ledger.sent("a", engine="backup", model=MODEL)
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


@pytest.mark.proves("P1")
async def test_a_call_that_waited_for_its_turn_costs_nothing(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0.5"))
    async with opened(home, [daily("5")]) as ledger:
        (row,) = await ledger.recent(9)
        (budget,) = ledger.budgets()
    assert (budget.spent_usd, budget.reserved_usd) == (ZERO, ZERO)
    assert (row.finish, row.cost_usd, row.attempts, row.usage_estimated) == ("error", ZERO, (), False)
    assert (row.engine, row.model) == ("cloud", MODEL)
    assert row.error == "the core stopped before this call was sent: send it again"


async def test_of_two_calls_to_one_model_only_the_one_that_left_is_charged(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0.5"))
        ledger.sent("a", engine="cloud", model=MODEL)
        await ledger.reserve("a", engine="cloud", zone="cloud", model=MODEL, amount=Decimal("0.25"))
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")


@pytest.mark.parametrize("lost", ["the machine restarted", "the file is gone", "the file was cut"])
async def test_without_marks_of_this_boot_every_open_call_counts_as_sent(home: Path, lost: str) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0.5"))
    file = paths(home).sent_marks
    match lost:
        case "the machine restarted":
            file.write_bytes(file.read_bytes().replace(BOOT_ID.read_bytes().strip(), b"0" * 36))
        case "the file is gone":
            file.unlink()
        case "the file was cut":
            file.write_bytes(file.read_bytes()[:100])
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")


async def test_more_open_calls_than_places_count_as_sent(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0.5"))
        await ledger.admit(admission("b", "0.5"))
        for number in range(PLACES + 1):
            ledger.sent("b", engine="cloud", model=f"model {number}")
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.budgets()[0].spent_usd == Decimal(1)


async def test_places_of_ended_calls_are_used_again(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0.5"))
        for number in range(PLACES + 1):
            ledger.sent(f"ended {number}", engine="cloud", model=MODEL)
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.budgets()[0].spent_usd == ZERO


async def test_a_second_settlement_of_a_recovered_call_changes_nothing(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a", "0.5"))
        ledger.sent("a", engine="cloud", model=MODEL)
    async with opened(home, [daily("5")]) as ledger:
        await ledger.settle(outcome("a", attempt("0.1")))
        assert [one.finish for one in await ledger.recent(9)] == ["error"]
        assert ledger.budgets()[0].spent_usd == Decimal("0.5")


@pytest.mark.proves("P5")
def test_the_lock_of_a_dead_core_is_no_lock(home: Path) -> None:
    asyncio.run(killed_after(home, 10))
    assert paths(home).lock.exists()

    async def start() -> None:
        async with opened(home):
            pass

    asyncio.run(start())
