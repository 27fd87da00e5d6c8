"""One fixed moment of a busy core, for every test that draws something."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from backends.types import (
    AgentSpend,
    AgentState,
    Alert,
    Alternative,
    Attempt,
    BudgetState,
    CacheEntry,
    CacheResult,
    CacheStats,
    Classes,
    EngineState,
    Estimate,
    Exchange,
    Explanation,
    Finish,
    Gpu,
    GpuProcess,
    GpuReading,
    HostReading,
    InFlight,
    LoadedModel,
    Outcome,
    Reason,
    RuntimeReading,
    Served,
    Snapshot,
    Spend,
    Tokens,
    Verdict,
)

NOW = datetime(2026, 11, 24, 14, 3, 12, tzinfo=UTC)
GB = 1024**3
LOCAL_MODEL, CLOUD_MODEL = "qwen2.5:14b", "gemini-2.5-flash"


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
    more = {}
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
                    engine="local", model=LOCAL_MODEL, cost_usd=Decimal(0), latency_ms=9100.0, ruled_out_by="quality"
                ),
                Alternative(
                    engine="cache", model="", cost_usd=Decimal(0), latency_ms=2.0, ruled_out_by="similarity .71"
                ),
            ),
            "flips": ("the dial is ≤ .60", "cloud is stopped", "the budget left is < $0.0021"),
        }
    return Explanation(
        agent=agent,
        engine=engine,
        model=CLOUD_MODEL if engine == "cloud" else LOCAL_MODEL,
        intent=intent,
        complexity=complexity,
        sensitive=sensitive,
        reasons=tuple(Reason(rule=rule, detail=detail) for rule, detail in why),
        decision_us=412.0,
        estimate=Estimate(cost_usd=cost if engine == "cloud" else Decimal(0), latency_ms=2400.0),
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


CUT = "the answer of gemini-2.5-flash was cut: it stopped without a reason; ask again"


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


def engines() -> tuple[EngineState, ...]:
    return (
        EngineState(
            name="local",
            kind="ollama",
            model=LOCAL_MODEL,
            label=LOCAL_MODEL,
            health="up",
            in_flight=2,
            waiting=3,
            waiting_by_agent={"scout": 2, "writer": 1},
            parallel=2,
            predicted_wait_s=2.4,
            tokens_per_s=38.1,
        ),
        EngineState(
            name="cloud",
            kind="gemini",
            model=CLOUD_MODEL,
            label=CLOUD_MODEL,
            health="degraded",
            detail="429 from the provider, limited for 36 s",
            since=NOW - timedelta(seconds=72),
            in_flight=1,
            parallel=32,
            tokens_per_s=182.0,
        ),
    )


def wave(points: int, top: float) -> tuple[float | None, ...]:
    """A series that rises and falls, with one unknown point."""
    return tuple(None if i == points // 3 else abs((i * 7) % 24 - 12) / 12 * top for i in range(points))


def gpus(*, count: int = 1) -> GpuReading:
    return GpuReading(
        at=NOW,
        state="ok",
        gpus=tuple(
            Gpu(
                index=index,
                name="NVIDIA GeForce RTX 4090",
                utilisation_pct=71.0,
                memory_used_b=int(11.2 * GB),
                memory_total_b=24 * GB,
                temperature_c=64.0,
                power_w=212.0,
                power_limit_w=450.0,
                processes=(GpuProcess(pid=4242, name="ollama", memory_b=int(10.8 * GB)),),
            )
            for index in range(count)
        ),
    )


def spend() -> Spend:
    return Spend(
        today_usd=Decimal("1.4213"),
        today_baseline_usd=Decimal("4.90"),
        month_usd=Decimal("22.10"),
        month_baseline_usd=Decimal("76.21"),
        today_requests=1204,
        by_agent=tuple(
            AgentSpend(agent=agent, requests=requests, cost_usd=Decimal(cost), baseline_usd=Decimal("1.0"))
            for agent, requests, cost in (
                ("writer", 210, "0.71"),
                ("sherlock", 64, "0.52"),
                ("ada", 93, "0.1402"),
                ("intel", 41, "0.0511"),
                ("scout", 402, "0"),
                ("infra", 394, "0"),
            )
        ),
        budgets=(
            BudgetState(
                scope="all",
                window="day",
                limit_usd=Decimal("5.00"),
                spent_usd=Decimal("1.4213"),
                reserved_usd=Decimal("0.31"),
                left_usd=Decimal("3.2687"),
                on_exceeded="local",
                resets_at=datetime(2026, 11, 25, tzinfo=UTC),
            ),
        ),
    )


def cache() -> CacheStats:
    return CacheStats(
        lookups=1204,
        exact_hits=289,
        semantic_hits=84,
        shared_flights=7,
        saved_usd=Decimal("0.61"),
        entries=1204,
        bytes=9 * 1024**2,
        semantic="on",
        semantic_detail="all-MiniLM-L6-v2",
        top=(
            CacheEntry(agent="classifier", intent="classification", hits=112, age_s=5000, bytes=812),
            CacheEntry(agent="infra", intent="health-check", hits=61, age_s=800, bytes=2200),
        ),
        near_misses=("writer creative-writing .71 below .92",),
    )


def snapshot(**changes: object) -> Snapshot:
    """The scene, with parts replaced."""
    pins = {"agent": "cloud"}
    names = ("scout", "infra", "script", "intel", "classifier", "agent", "claw", "sherlock", "writer", "ada", "coding")
    facts: dict[str, object] = {
        "at": NOW,
        "version": "0.1.0",
        "pid": 4711,
        "started_at": NOW - timedelta(hours=3),
        "rehearsal": False,
        "engines": engines(),
        "agents": tuple(
            AgentState(name=name, policy="local" if name in ("scout", "infra") else "auto", pinned=pins.get(name))  # type: ignore[arg-type]
            for name in names
        ),
        "recent": exchanges(),
        "in_flight": (
            InFlight(
                id="req-001",
                agent="scout",
                engine="local",
                model=LOCAL_MODEL,
                stage="streaming",
                started_at=NOW - timedelta(seconds=2),
            ),
        ),
        "spend": spend(),
        "cache": cache(),
        "gpu": gpus(),
        "host": HostReading(
            at=NOW,
            cpu_pct=34.0,
            load_1m=1.2,
            memory_used_b=6 * GB,
            memory_total_b=16 * GB,
            disk_used_b=40 * GB,
            disk_total_b=80 * GB,
            net_received_bps=1.2 * 1024**2,
            net_sent_bps=300 * 1024.0,
        ),
        "runtime": RuntimeReading(
            at=NOW,
            reachable=True,
            version="0.13.0",
            models=(
                LoadedModel(
                    name=LOCAL_MODEL,
                    size_b=int(9.4 * GB),
                    vram_b=int(9.4 * GB),
                    context=16384,
                    expires_at=NOW + timedelta(minutes=29),
                ),
            ),
        ),
        "history": {
            "gpu.0.utilisation": wave(60, 100.0),
            "queue.local": wave(60, 5.0),
            "tokens_per_s.local": wave(60, 40.0),
            "cache.hit_share": wave(60, 0.5),
            "spend.today": wave(60, 1.4),
        },
        "alerts": (
            Alert(
                key="cloud-429",
                at=NOW - timedelta(minutes=5),
                level="warning",
                text="cloud said 429 for 40 s, its breaker is half open",
                remedy="S stops cloud spend; wait, or raise the quota",
            ),
        ),
    }
    return Snapshot(**{**facts, **changes})  # type: ignore[arg-type]
