"""The ledger as its callers see it: rows as they were written, once, private, and there after a restart."""

import asyncio
import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.errors import ClawError, LedgerError, WrongUse
from backends.ledger.sqlite_connection import connect_read_only
from backends.ledger.store import Ledger
from backends.types import ZERO, Acted, Action, Outcome, Tokens
from tests.backends.ledger.samples import AT, COST, MODEL, TOKENS, admission, attempt, daily, opened, outcome, paths

COLUMNS = """
    id, started_at, agent, engine, model, intent, complexity, sensitive, cache, finish, input_tokens, output_tokens,
    thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, ttft_ms, latency_ms, attempts, usage_estimated,
    prompt_hash
""".replace(",", "").split()


def rows(home: Path, sql: str) -> list[sqlite3.Row]:
    db = connect_read_only(paths(home).ledger)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


async def test_an_outcome_comes_back_as_it_was(home: Path) -> None:
    full = outcome(
        "a",
        attempt("0", "local", "qwen2.5:14b", error="busy"),
        attempt(estimated=True),
        sensitive=True,
        finish="error",
        notes=("context cut",),
        error="the stream was cut",
        error_kind="cut",
        short="broke off",
        retry_after_s=1.5,
        ttft_ms=None,
        own_cost_usd=Decimal("0.000012"),
    )
    async with opened(home) as ledger:
        await ledger.admit(admission("a"))
        await ledger.settle(full)
        assert await ledger.recent(10) == (full,)


async def test_recent_is_oldest_first_and_no_longer_than_asked(home: Path) -> None:
    async with opened(home) as ledger:
        for name in "abc":
            await ledger.settle(outcome(name))
        assert [one.id for one in await ledger.recent(2)] == ["b", "c"]


async def test_the_view_is_the_contract(home: Path) -> None:
    async with opened(home) as ledger:
        await ledger.admit(admission("a"))
        await ledger.settle(outcome("a", attempt("0.0000001", error=None), agent="infra"))
        (row,) = rows(home, "SELECT * FROM requests_v1")
    assert row.keys()[: len(COLUMNS)] == COLUMNS
    assert row["started_at"] == "2026-01-15T12:00:00.000000Z"
    assert row["cost_usd"] == "0.0000001"
    assert json.loads(row["attempts"]) == [
        {
            "engine": "cloud",
            "model": MODEL,
            "tokens": {"input": 1000, "output": 100, "thinking": 50, "cached_input": 200},
            "cost_usd": "0.0000001",
            "error": None,
            "model_asked": MODEL,
            "zone": "cloud",
        }
    ]
    assert (row["sensitive"], row["usage_estimated"], row["prompt_hash"]) == (0, 0, "00ff")


async def test_an_open_request_is_in_no_view(home: Path) -> None:
    async with opened(home) as ledger:
        await ledger.admit(admission("a"))
        assert rows(home, "SELECT * FROM requests_v1") == []


async def test_a_cache_hit_has_its_row_whole(home: Path) -> None:
    async with opened(home, [daily("0")]) as ledger:
        await ledger.settle(outcome("hit"), prompt_hash="beef")
        (row,) = rows(home, "SELECT * FROM requests_v1")
    assert (row["engine"], row["cache"], row["cost_usd"], row["attempts"]) == ("cache", "exact", "0", "[]")
    assert row["prompt_hash"] == "beef"


async def test_settling_twice_changes_nothing(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        await ledger.settle(outcome("a", attempt("0.5")))
        before = ledger.spend()
        await ledger.settle(outcome("a", attempt("0.7")))
        assert ledger.spend() == before
        assert before.today_usd == Decimal("0.5")
        assert before.today_requests == 1


@pytest.mark.parametrize("ended", [False, True])
async def test_an_id_is_admitted_once(home: Path, ended: bool) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        if ended:
            await ledger.settle(outcome("a", attempt("0")))
        before = ledger.budgets()
        with pytest.raises(WrongUse, match="admitted before"):
            await ledger.admit(admission("a"))
        assert ledger.budgets() == before


async def test_only_an_open_request_reserves_more(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        with pytest.raises(LedgerError, match="not open"):
            await ledger.reserve("a", engine="cloud", zone="cloud", model=MODEL, amount=Decimal(1))


async def test_bodies_are_stored_only_when_given(home: Path) -> None:
    async with opened(home) as ledger:
        await ledger.settle(outcome("quiet"))
        await ledger.settle(outcome("kept"), prompt="why?", answer="because \ud800")
        assert [tuple(row) for row in rows(home, "SELECT * FROM bodies")] == [("kept", "why?", "because ?")]


async def test_text_that_is_no_utf8_is_made_storable(home: Path) -> None:
    async with opened(home) as ledger:
        await ledger.settle(outcome("a", attempt(error="\udfff"), agent="sc\ud800ut", notes=("\ud800",)))
        (kept,) = await ledger.recent(1)
    assert (kept.agent, kept.notes, kept.attempts[0].error) == ("sc?ut", ("?",), "?")


@pytest.mark.parametrize(
    "broken",
    [
        outcome("a", attempt(), latency_ms=float("nan")),
        outcome("a", attempt(), cost_usd=Decimal("NaN")),
        outcome("a", attempt(tokens=Tokens(input=2**70))),
    ],
    ids=["not a number", "no amount", "too large"],
)
async def test_what_no_row_can_hold_fails_alone(home: Path, broken: Outcome) -> None:
    async with opened(home, [daily("5")]) as ledger:
        await ledger.admit(admission("a"))
        with pytest.raises(LedgerError, match="could not be written"):
            await ledger.settle(broken)
        await ledger.settle(outcome("a", attempt()))
        assert ledger.budgets()[0].reserved_usd == ZERO


async def test_switches_outlive_a_restart_and_are_audited(home: Path) -> None:
    def acted(verb: Any, detail: str, **more: Any) -> Acted:
        return Acted(at=AT, action=Action(verb=verb, actor="cli:op", **more), detail=detail)

    async with opened(home) as ledger:
        await ledger.set_control("cloud_stopped", "1", acted("stop-cloud", "cloud stopped"))
        await ledger.set_control("pin:scout", "local", acted("pin", "pinned", agent="scout", engine="local"))
        await ledger.set_control("pin:scout", "cloud", acted("pin", "pinned again", agent="scout", engine="cloud"))
        await ledger.set_control("cloud_stopped", None, acted("resume-cloud", "cloud on"))
        await ledger.audit(acted("cancel", "cancelled", id="r1"))
    async with opened(home) as ledger:
        assert await ledger.controls() == {"pin:scout": "cloud"}
    audit = [tuple(row) for row in rows(home, "SELECT * FROM audit_v1")]
    assert audit[1] == ("2026-01-15T12:00:00.000000Z", "cli:op", "pin scout local", "pinned", "")
    assert [action for _, _, action, *_ in audit] == [
        "stop-cloud",
        "pin scout local",
        "pin scout cloud",
        "resume-cloud",
        "cancel r1",
    ]


async def test_files_are_private_also_where_they_were_not(home: Path) -> None:
    state = paths(home).state
    await asyncio.to_thread(state.mkdir, mode=0o755, parents=True)
    await asyncio.to_thread(paths(home).ledger.touch, mode=0o666)
    async with opened(home) as ledger:
        await ledger.settle(outcome("a"))
        modes = await asyncio.to_thread(
            lambda: {path.name: path.stat().st_mode & 0o777 for path in (state, *state.iterdir())}
        )
    assert modes.pop("state") == 0o700
    files = [f"{name}.db{suffix}" for name in ("ledger", "spend") for suffix in ("", "-wal", "-shm")]
    assert modes == dict.fromkeys((*files, "core.lock", "calls.sent"), 0o600)


@pytest.fixture
def planted(home: Path, tmp_path: Path) -> Path:
    """Where a link in the ledger's place points to."""
    where = paths(home)
    where.make()
    target = tmp_path / "elsewhere"
    where.ledger.symlink_to(target)
    return target


async def test_a_planted_link_is_not_followed(home: Path, planted: Path) -> None:
    with pytest.raises(LedgerError, match="plain file"):
        await Ledger.open(paths(home), (), clock=ManualClock())
    assert not await asyncio.to_thread(planted.exists)


@pytest.mark.proves("D5")
async def test_a_second_core_is_told_who_holds_the_ledger(home: Path) -> None:
    async with opened(home) as ledger:
        with pytest.raises(LedgerError, match=r"another core \(pid \d+\) holds"):
            await Ledger.open(paths(home), (), clock=ManualClock())
        await ledger.settle(outcome("a"))
    async with opened(home) as ledger:
        assert len(await ledger.recent(5)) == 1


async def test_a_closed_ledger_says_so(home: Path) -> None:
    async with opened(home) as ledger:
        await ledger.close()
        with pytest.raises(LedgerError, match="closed"):
            await ledger.settle(outcome("a"))
        with pytest.raises(LedgerError, match="closed"):
            await ledger.recent(1)


async def test_spend_of_earlier_runs_is_there_after_a_restart(home: Path) -> None:
    async with opened(home, [daily("5")]) as ledger:
        for index, agent in enumerate(("scout", "ada", "writer")):
            await ledger.admit(admission(f"{index}", agent=agent))
            await ledger.settle(outcome(f"{index}", attempt(Decimal(index)), agent=agent))
        before = ledger.spend()
    assert before.today_usd == before.month_usd == Decimal(3)
    assert before.today_baseline_usd == before.month_baseline_usd == 3 * COST
    assert [one.agent for one in before.by_agent] == ["writer", "ada", "scout"]
    assert before.by_engine == {"cloud": Decimal(3)}
    async with opened(home, [daily("5")]) as ledger:
        assert ledger.spend() == before
        assert ledger.recovered == 0


async def test_a_folder_that_is_no_folder(home: Path) -> None:
    await asyncio.to_thread(home.mkdir)
    await asyncio.to_thread(paths(home).state.touch)
    with pytest.raises(ClawError, match="cannot be made"):
        await Ledger.open(paths(home), (), clock=ManualClock())


async def test_tokens_are_those_of_the_row(home: Path) -> None:
    both = outcome("a", attempt(), attempt())
    async with opened(home) as ledger:
        await ledger.settle(replace(both, notes=()))
        (kept,) = await ledger.recent(1)
    assert kept.tokens == TOKENS + TOKENS


async def test_any_engine_keeps_its_zone(home: Path) -> None:
    small = attempt("0", "small", "qwen2.5:3b", zone="local")
    async with opened(home) as ledger:
        await ledger.settle(outcome("a", small, attempt("0.25", "backup", "anthropic/claude-sonnet-4.5")))
        await ledger.settle(outcome("b", small))
        assert ledger.spend().by_engine == {"backup": Decimal("0.25")}
        found = await ledger.recent(9)
        await ledger.settle(outcome("c", attempt(), attempt()))
        assert await ledger.cloud_calls(AT) == {
            "backup": {"anthropic/claude-sonnet-4.5": (1, 1000)},
            "cloud": {MODEL: (2, 2000)},
        }
    assert [(one.engine, one.zone) for one in found] == [("backup", "cloud"), ("small", "local")]
    assert [(one.engine, one.zone) for one in found[0].attempts] == [("small", "local"), ("backup", "cloud")]
    assert [tuple(row) for row in rows(home, "SELECT engine, zone FROM requests_v1 ORDER BY id")] == [
        ("backup", "cloud"),
        ("small", "local"),
        ("cloud", "cloud"),
    ]


async def test_what_an_estimate_may_cost_more_is_charged_to_the_engine_that_bills(tmp_path: Path) -> None:
    """And not to a free one that answered in its place, whose usage is not known either."""
    budget = daily("1", scope="engine:cloud")
    async with opened(tmp_path, [budget]) as ledger:
        await ledger.admit(admission("a", "0.01"))
        calls = attempt("0.001", estimated=True), attempt("0", "local", "qwen2.5:14b", estimated=True)
        await ledger.settle(outcome("a", *calls), charged_usd=Decimal("0.01"))
        assert ledger.budgets()[0].spent_usd == Decimal("0.01")
