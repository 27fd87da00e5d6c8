"""The money invariants under every order of admissions, reservations, settlements, crashes, midnights, clock jumps, and
times in which another program holds the ledger's file.

I1: an admitted request has exactly one final row. I2: at every commit spent and reserved are not negative and their sum
is within each hard budget; with nothing in flight, reserved is 0. The ledger's total is the sum of its outcomes.
Whichever model answers, the budgets that held the call pay for it.
"""

import asyncio
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from backends.clock import ManualClock
from backends.errors import BudgetExceeded
from backends.ledger.sqlite_connection import WriteWaits, connect_read_only
from backends.ledger.store import Ledger
from backends.types import ZERO, EngineName, Outcome
from tests.backends.ledger.samples import MODEL, admission, attempt, daily, opened, outcome, paths
from tests.waiting import until

OTHER = "gemini-3.8-flash"
BUDGETS = (
    daily("3"),
    daily("1", "agent:ada", on_exceeded="refuse"),
    daily("2", "engine:cloud", window="hour"),
    daily("9", window="total"),
    daily("0.5", f"model:{MODEL}", on_exceeded="alert"),
    daily("2", "group:writers", timezone="America/Havana"),
    daily("1.5", f"model:{MODEL}", window="week"),
    daily("0.4", f"model:{OTHER}"),
    daily("1.1", "session"),
    daily("1.6", "run", window="total", on_exceeded="refuse"),
)
GROUPS = {"ada": "writers"}
SOON = WriteWaits(busy_s=0.001, retry_s=0.001)
SPILL = 1 << 20

amounts = st.decimals(0, 1, places=3)
agents = st.sampled_from(("ada", "scout"))
engines = st.sampled_from(("cloud", "local"))
models = st.sampled_from((MODEL, OTHER))

Conversation = tuple[str, str]
conversations: st.SearchStrategy[Conversation] = st.sampled_from((("s1", ""), ("s2", ""), ("s1", "nightly")))

Held = tuple[EngineName, Decimal, str]
"""What a call has reserved: at which engine, how much, for which model."""


class Money(RuleBasedStateMachine):
    """`held` is the model: what each open request has reserved; `ended` what each settled one must look like."""

    open_ids = Bundle("open_ids")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.held: dict[str, list[Held]] = {}
        self.callers: dict[str, tuple[str, str, str]] = {}
        self.sessions: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.runs: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.ended: dict[str, Decimal] = {}
        self.charged = ZERO
        self.count = 0
        self.lock: sqlite3.Connection | None = None
        self.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def start(self) -> None:
        self.session: AbstractAsyncContextManager[Ledger] = opened(
            Path(self.folder.name), BUDGETS, self.clock, groups=GROUPS, spill_bytes=SPILL, waits=SOON
        )
        self.ledger = self.run(self.session.__aenter__())

    def stop(self) -> None:
        self.run(self.session.__aexit__(None, None, None))

    @rule(target=open_ids, agent=agents, engine=engines, amount=amounts, model=models, of=conversations)
    def admit(self, agent: str, engine: EngineName, amount: Decimal, model: str, of: Conversation) -> str:
        self.count += 1
        id = f"r{self.count}"
        call = admission(id, str(amount), agent=agent, engine=engine, model=model, session=of[0], run=of[1])
        try:
            self.run(self.ledger.admit(call))
        except BudgetExceeded:
            assert amount > 0
            return ""
        self.ledger.sent(id, engine=engine, model=model)
        self.held[id] = [(engine, amount, model)]
        self.callers[id] = (agent, *of)
        return id

    @rule(id=open_ids, amount=amounts, model=models)
    def reserve(self, id: str, amount: Decimal, model: str) -> None:
        if id in self.held:
            try:
                self.run(self.ledger.reserve(id, engine="cloud", zone="cloud", model=model, amount=amount))
            except BudgetExceeded:
                return
            self.ledger.sent(id, engine="cloud", model=model)
            self.held[id].append(("cloud", amount, model))

    @rule(
        id=consumes(open_ids),
        share=st.sampled_from((Decimal(0), Decimal("0.5"), Decimal(1))),
        unsure=st.booleans(),
        answering=st.none() | models,
    )
    def settle(self, id: str, share: Decimal, unsure: bool, answering: str | None) -> None:
        if id in self.held:
            held = self.held.pop(id)
            calls = [
                attempt(amount * share, engine, answering or asked, model_asked=asked, estimated=unsure)
                for engine, amount, asked in held
            ]
            agent, session, run = self.callers[id]
            ended = outcome(id, *calls, agent=agent, session=session, run=run, at=self.clock.now())
            charged = ended.cost_usd
            if unsure:  # the last call is charged at its upper bound
                charged += held[-1][1] * (1 - share)
            self.run(self.ledger.settle(ended, charged_usd=charged))
            self.ended[id] = ended.cost_usd
            self.charge(id, charged)

    def charge(self, id: str, usd: Decimal) -> None:
        self.charged += usd
        agent, session, run = self.callers[id]
        self.sessions[agent, session] += self.ended[id]
        self.runs[run or f"{agent} {session}"] += usd

    @rule()
    def settle_again(self) -> None:
        if self.ended:
            self.run(self.ledger.settle(outcome(next(iter(self.ended)), attempt("1"), at=self.clock.now())))

    @rule()
    def hit(self) -> None:
        self.count += 1
        self.run(self.ledger.settle(outcome(f"r{self.count}", at=self.clock.now())))
        self.ended[f"r{self.count}"] = ZERO

    @rule(seconds=st.sampled_from((60, 3600, 86_400)))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(hours=st.integers(-25, 25))
    def jump(self, hours: int) -> None:
        self.clock.jump(hours * 3600)

    @rule()
    def crash(self) -> None:
        """What is open at a crash ends at its reservation; what was spent is remembered.

        Where the clock went back and nothing was charged since, more may count than before, never less.
        """
        before = self.ledger.budgets()
        self.stop()
        self.let_go()
        self.start()
        assert self.ledger.recovered == len(self.held)
        for id, held in self.held.items():
            self.ended[id] = reserved(held)
            self.charge(id, self.ended[id])
        self.held.clear()
        after = self.ledger.budgets()
        assert all(now.left_usd <= then.left_usd for now, then in zip(after, before, strict=True))

    @rule()
    def hold(self) -> None:
        """Another program locks the file: from now on rows go to the spill."""
        if self.lock is None:
            self.lock = sqlite3.connect(paths(Path(self.folder.name)).ledger, isolation_level=None)
            self.lock.execute("BEGIN IMMEDIATE")

    @rule()
    def release(self) -> None:
        self.let_go()
        self.run(until(lambda: not self.ledger.spill_status()))

    def let_go(self) -> None:
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    @invariant()
    def budgets_hold(self) -> None:
        for state in self.ledger.budgets():
            assert state.spent_usd >= 0
            assert state.reserved_usd >= 0
            assert state.on_exceeded == "alert" or state.spent_usd + state.reserved_usd <= state.limit_usd
            assert self.held or state.reserved_usd == 0
        total = self.ledger.budgets()[3]
        assert total.spent_usd == self.charged
        assert total.reserved_usd == sum(map(reserved, self.held.values()), ZERO)
        assert all(usd <= BUDGETS[-1].limit_usd for usd in self.runs.values())

    @invariant()
    def rows_are_final_and_one_each(self) -> None:
        if self.lock is not None or self.ledger.spill_status():
            return
        rows: tuple[Outcome, ...] = self.run(self.ledger.recent(10_000))
        assert {row.id: row.cost_usd for row in rows} == self.ended
        assert len(rows) == len(self.ended)
        with closing(connect_read_only(paths(Path(self.folder.name)).ledger)) as db:
            found = db.execute("SELECT agent, session, turns, cost_usd FROM sessions_v1").fetchall()
        assert {(row["agent"], row["session"]): Decimal(row["cost_usd"]) for row in found} == self.sessions
        assert sum(row["turns"] for row in found) == sum(id in self.callers for id in self.ended)

    def teardown(self) -> None:
        self.stop()
        self.let_go()
        self.runner.close()
        self.folder.cleanup()


def reserved(held: list[Held]) -> Decimal:
    return sum((amount for _, amount, _ in held), ZERO)


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
