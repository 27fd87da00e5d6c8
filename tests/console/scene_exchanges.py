"""The requests of the fixed scene: one of each kind of end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from backends.types import (
    Alternative,
    Attempt,
    CacheResult,
    Classes,
    Estimate,
    Exchange,
    Explanation,
    Finish,
    Outcome,
    Reason,
    Served,
    Tokens,
    Verdict,
    Weighed,
)

NOW = datetime(2026, 11, 24, 14, 3, 12, tzinfo=UTC)
LOCAL_MODEL, CLOUD_MODEL = "qwen2.5:14b", "gemini-3.5-flash-lite"


def explained(
    agent: str,
    engine: Served,
    intent: str,
    complexity: float,
    *why: tuple[str, str],
    sensitive: bool = False,
    full: bool = False,
) -> Explanation:
    cost = Decimal("0.0021")
    more: dict[str, Any] = {}
    if full:
        more = {
            "classes": Classes(
                intent=intent,
                intent_p=0.88,
                runner_up="rewriting",
                runner_up_p=0.07,
                complexity=complexity,
                p_local=0.61,
                p_cloud=0.93,
                needs=frozenset({"json", "long-context"}),
                input_tokens=310,
            ),
            "verdict": Verdict(sensitive=sensitive, why="key" if sensitive else ""),
            "alternatives": (
                Alternative(
                    engine="local",
                    zone="local",
                    model=LOCAL_MODEL,
                    cost_usd=Decimal(0),
                    latency_ms=9100.0,
                    ruled_out_by="quality",
                    detail=".61 < .80",
                    quality=0.61,
                ),
                Alternative(
                    engine="cache",
                    zone="local",
                    model="",
                    cost_usd=Decimal(0),
                    latency_ms=2.0,
                    ruled_out_by="similarity",
                    detail="nearest .71, below .92",
                ),
            ),
            "flips": ("the dial is ≤ .60", "cloud is stopped", "the budget left is < $0.0021"),
            "weighed": Weighed(
                dial=0.8,
                dial_by="quality",
                p_local=0.61,
                asked=0.8,
                deadline_s=30.0,
                waiting=3,
                wait_s=2.4,
                all_cloud_usd=Decimal("0.0021"),
            ),
        }
    return Explanation(
        agent=agent,
        engine=engine,
        zone="cloud" if engine == "cloud" else "local",
        model=CLOUD_MODEL if engine == "cloud" else LOCAL_MODEL,
        intent=intent,
        complexity=complexity,
        sensitive=sensitive,
        reasons=tuple(Reason(rule=rule, detail=detail) for rule, detail in why),
        decision_us=412.0,
        estimate=Estimate(cost_usd=cost if engine == "cloud" else Decimal(0), latency_ms=2400.0),
        quality=0.93 if full else None,
        **more,
    )


def settled(
    id: str,
    told: Explanation,
    at: datetime,
    *,
    ms: float,
    cost: str = "0",
    finish: Finish = "stop",
    cache: CacheResult = "miss",
    error: str | None = None,
    estimated: bool = False,
    notes: tuple[str, ...] = (),
    attempts: tuple[Attempt, ...] = (),
) -> Outcome:
    return Outcome(
        id=id,
        agent=told.agent,
        started_at=at,
        source="gateway",
        engine=told.engine,
        zone="cloud" if told.engine == "cloud" else "local",
        model=told.model,
        intent=told.intent,
        complexity=told.complexity,
        sensitive=told.sensitive,
        reasons=told.reasons,
        cache=cache,
        tokens=Tokens(input=310, output=420, thinking=64 if told.engine == "cloud" else 0),
        cost_usd=Decimal(cost),
        baseline_usd=Decimal("0.0021"),
        ttft_ms=ms / 5,
        latency_ms=ms,
        finish=finish,
        attempts=attempts,
        usage_estimated=estimated,
        notes=notes,
        error=error,
        error_kind="cut" if error else None,
    )


def exchange(
    number: int, agent: str, engine: Served, intent: str, complexity: float, *why: tuple[str, str], **ended: object
) -> Exchange:
    id, at = f"req-{number:03d}", NOW - timedelta(seconds=2 * number)
    told = explained(agent, engine, intent, complexity, *why, full=agent == "writer", sensitive=agent == "coding")
    outcome = settled(id, told, at, **ended) if ended else None  # type: ignore[arg-type]
    return Exchange(id=id, at=at, explanation=told, outcome=outcome)


CUT = "the answer of gemini-3.5-flash-lite was cut: it stopped without a reason; ask again"


def exchanges() -> tuple[Exchange, ...]:
    """Newest first here, for reading; the core gives them oldest first."""
    newest = (
        exchange(1, "scout", "local", "trend", 0.21, ("policy", "local")),
        exchange(2, "infra", "local", "health-check", 0.08, ("policy", "local"), ms=310.0),
        exchange(3, "writer", "cloud", "creative-writing", 0.74, ("quality", ".61 < .80"), ms=2140.0, cost="0.0021"),
        exchange(4, "sherlock", "cloud", "research", 0.81, ("needs", "long context"), ms=6300.0, cost="0.0118"),
        exchange(5, "classifier", "cache", "classification", 0.1, ("cache", "exact"), ms=2.0, cache="exact"),
        exchange(6, "coding", "local", "debugging", 0.33, ("sensitive", "key"), ms=4020.0),
        exchange(7, "ada", "cloud", "analysis", 0.66, ("quality", ".70 < .80"), ms=900.0, finish="error", error=CUT),
        exchange(
            8, "intel", "cloud", "summary", 0.4, ("quality", ".74 < .80"), ms=1200.0, cost="0.0009", estimated=True
        ),
        exchange(9, "script", "local", "scripting", 0.3, ("quality", ".86 ≥ .80"), ms=2900.0, notes=("context cut",)),
        exchange(10, "claw", "cache", "question", 0.2, ("cache", "semantic"), ms=4.0, cache="semantic"),
        exchange(11, "agent", "cloud", "planning", 0.7, ("pin", "cloud"), ms=1800.0, cost="0.0031", finish="cancelled"),
    )
    return tuple(reversed(newest))
