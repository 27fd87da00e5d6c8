"""Rows to write and a ledger to write them to."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.clock import ManualClock
from backends.ledger.store import Admission, Ledger
from backends.paths import Paths
from backends.settings.money import Budget
from backends.types import Attempt, EngineName, Outcome, Reason, Tokens, Zone

MODEL = "gemini-3.5-flash-lite"
TOKENS = Tokens(input=1000, output=100, thinking=50, cached_input=200)
COST = Decimal("0.000621")
"""What genai-prices asks for TOKENS of MODEL: 800 × 0.3 + 200 × 0.03 + 150 × 2.5 dollars a million."""
AT = ManualClock().now()


def paths(home: Path) -> Paths:
    return Paths(config=home / "claw.toml", state=home / "state", run=home / "run")


def daily(limit: str, scope: str = "all", **more: Any) -> Budget:
    return Budget(limit_usd=Decimal(limit), scope=scope, **more)


@asynccontextmanager
async def opened(
    home: Path,
    budgets: Sequence[Budget] = (),
    clock: ManualClock | None = None,
    timezone: tzinfo | None = None,
    **more: Any,
) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(paths(home), budgets, clock=clock or ManualClock(), timezone=timezone, **more)
    try:
        yield ledger
    finally:
        await ledger.close()


def admission(id: str, usd: str = "1", **more: Any) -> Admission:
    plain = Admission(
        id=id,
        agent="scout",
        started_at=AT,
        source="gateway",
        engine="cloud",
        zone="cloud",
        model=MODEL,
        intent="chat",
        complexity=0.25,
        sensitive=False,
        prompt_hash="00ff",
        reserved_usd=Decimal(usd),
        input_tokens=1000,
    )
    return replace(plain, **more)


def attempt(usd: Decimal | str = COST, engine: EngineName = "cloud", model: str = MODEL, **more: Any) -> Attempt:
    """In the cloud, unless it is of the engine "local" or `more` says otherwise."""
    zone: Zone = "local" if engine == "local" else "cloud"
    plain = Attempt(engine=engine, zone=zone, model=model, tokens=TOKENS, cost_usd=Decimal(usd))
    return replace(plain, **more)


def outcome(id: str, *attempts: Attempt, at: datetime = AT, **more: Any) -> Outcome:
    """An answer whose figures are the sums over its attempts; without any, it is a cache hit."""
    plain = Outcome(
        id=id,
        agent="scout",
        started_at=at,
        source="gateway",
        engine=attempts[-1].engine if attempts else "cache",
        zone=attempts[-1].zone if attempts else "local",
        model=attempts[-1].model if attempts else MODEL,
        intent="chat",
        complexity=0.25,
        sensitive=False,
        reasons=(Reason(rule="policy", detail="auto"),),
        cache="miss" if attempts else "exact",
        tokens=sum((one.tokens for one in attempts), Tokens()),
        cost_usd=sum((one.cost_usd for one in attempts), Decimal(0)),
        baseline_usd=COST,
        ttft_ms=12.5,
        latency_ms=250.0,
        finish="stop",
        attempts=attempts,
        usage_estimated=any(one.estimated for one in attempts),
    )
    return replace(plain, **more)
