"""A core at the facade's edge that says what a test tells it to, and keeps what it was asked."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace

from backends.bus import Bus
from backends.errors import ClawError
from backends.events import Event, Settled
from backends.types import (
    Acted,
    Action,
    Attempt,
    BudgetState,
    Called,
    Chunk,
    Delta,
    Done,
    EngineState,
    EngineStatus,
    Estimate,
    Explanation,
    Outcome,
    Reason,
    Request,
    Review,
    Routed,
    Snapshot,
    Spend,
    Status,
    Timeline,
    Tokens,
)

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def explanation(**changes: Any) -> Explanation:
    plain = Explanation(
        agent="scout",
        engine="local",
        zone="local",
        model="qwen2.5:14b",
        intent="code",
        complexity=0.4,
        sensitive=False,
        reasons=(Reason(rule="policy", detail="local"),),
        decision_us=120.0,
        estimate=Estimate(cost_usd=Decimal(0), latency_ms=400.0),
    )
    return replace(plain, **changes)


def outcome(request: Request, **changes: Any) -> Outcome:
    plain = Outcome(
        id=request.id,
        agent=request.agent,
        started_at=AT,
        source=request.source,
        engine="local",
        zone="local",
        model="qwen2.5:14b",
        intent="code",
        complexity=0.4,
        sensitive=request.sensitive,
        reasons=(Reason(rule="policy", detail="local"),),
        cache="miss",
        tokens=Tokens(input=11, output=7, thinking=2, cached_input=3),
        cost_usd=Decimal("0.000123"),
        baseline_usd=Decimal("0.000456"),
        ttft_ms=12.0,
        latency_ms=80.0,
        finish="stop",
        attempts=(Attempt(engine="local", zone="local", model="qwen2.5:14b"),),
        notes=request.notes,
    )
    return _with_ignored(request, replace(plain, **changes))


Planned = TypeVar("Planned", Explanation, Outcome)


def _with_ignored(request: Request, planned: Planned) -> Planned:
    """As the core has them: what the request ignores already, then what the engine does."""
    return replace(planned, ignored=tuple(dict.fromkeys((*request.ignored, *planned.ignored))))


def status(**changes: Any) -> Status:
    local = EngineStatus(name="local", zone="local", health="up")
    plain = Status(
        at=AT, version="0.1.0", pid=1, started_at=AT, rehearsal=False, engines=(local,), today_usd=Decimal("1.25")
    )
    return replace(plain, **changes)


def snapshot(**changes: Any) -> Snapshot:
    local = EngineState(
        name="local", zone="local", kind="ollama", model="qwen2.5:14b", label="Ollama", health="up", in_flight=1
    )
    cloud = EngineState(
        name="cloud", zone="cloud", kind="gemini", model="gemini-3.5-flash-lite", label="Gemini", parallel=32, waiting=3
    )
    budget = BudgetState(
        scope="all",
        window="day",
        limit_usd=Decimal("5.00"),
        spent_usd=Decimal("1.25"),
        reserved_usd=Decimal("0.5"),
        left_usd=Decimal("3.25"),
        on_exceeded="local",
        resets_at=None,
    )
    spend = Spend(
        today_usd=Decimal("1.25"),
        today_baseline_usd=Decimal(2),
        month_usd=Decimal(3),
        month_baseline_usd=Decimal(4),
        today_requests=9,
        budgets=(budget,),
    )
    plain = Snapshot(
        at=AT,
        version="0.1.0",
        pid=1,
        started_at=AT,
        rehearsal=False,
        engines=(local, cloud),
        agents=(),
        spend=spend,
    )
    return replace(plain, **changes)


class ScriptedCore:
    """`says` is what an ask yields between Routed and Done: text, tool calls, or an event to wait for; `yielded` counts
    what was taken of it. `fails` are the places, among all asks, of those that end in an error.
    """

    def __init__(self, *says: str | Delta | Called | asyncio.Event) -> None:
        self.fails: set[int] = set()
        self.says: Sequence[str | Delta | Called | asyncio.Event] = says or ("Hello", " there")
        self.asked: list[Request] = []
        self.yielded = 0
        self.acted: list[Action] = []
        self.refuses: ClawError | None = None
        self.breaks: BaseException | None = None
        self.ends: dict[str, Any] | None = {}
        self.routed: dict[str, Any] = {}
        self.state: Callable[[], Snapshot] = snapshot
        self.status_now = status()
        self.bus = Bus()
        self.started = asyncio.Event()
        self.closed = asyncio.Event()
        self.watched = asyncio.Event()

    async def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        place = len(self.asked)
        self.asked.append(request)
        if self.refuses is not None:
            raise self.refuses
        self.closed.clear()
        self.started.set()
        try:
            routed = explanation(agent=request.agent, **self.routed)
            yield Routed(id=request.id, explanation=_with_ignored(request, routed))
            for said in self.says:
                if isinstance(said, asyncio.Event):
                    await said.wait()
                else:
                    yield Delta(said) if isinstance(said, str) else said
                    self.yielded += 1
            if self.breaks is not None:
                raise self.breaks
            if self.ends is not None:
                broken = {"finish": "error", "error": "it broke", "error_kind": "cut"} if place in self.fails else {}
                end = outcome(request, **(self.ends | broken))
                self.bus.publish(Settled(outcome=end))
                yield Done(end)
        finally:
            self.closed.set()

    async def explain(self, request: Request) -> Explanation:
        self.asked.append(request)
        if self.refuses is not None:
            raise self.refuses
        return explanation(agent=request.agent)

    async def snapshot(self, at: datetime | None = None) -> Snapshot:
        return self.state()

    async def status(self) -> Status:
        return self.status_now

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        raise NotImplementedError

    async def events(self) -> AsyncGenerator[Event]:
        self.watched.set()
        async for event in self.bus.events():
            yield event

    async def act(self, action: Action) -> Acted:
        if self.refuses is not None:
            raise self.refuses
        self.acted.append(action)
        return Acted(at=AT, action=action, detail="done", undo=None)

    async def review(self) -> Review:
        raise NotImplementedError
