"""One fixed moment of a busy core, for every test that draws something."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec import structs

from backends.types import (
    Action,
    AgentSpend,
    AgentState,
    Alert,
    BreakEven,
    BudgetState,
    CacheEntry,
    CacheStats,
    Choice,
    CurvePoint,
    EngineState,
    Forecast,
    ForecastSummary,
    Gpu,
    GpuProcess,
    GpuReading,
    HostReading,
    InFlight,
    LoadedModel,
    PrefixUse,
    PriceMonth,
    Recommendation,
    RefusalCount,
    Review,
    RuntimeReading,
    SavedBy,
    SessionState,
    Snapshot,
    Spend,
)
from tests.console.scene_exchanges import CLOUD_MODEL, LOCAL_MODEL, NOW, exchanges

GB = 1024**3


def engines() -> tuple[EngineState, ...]:
    return (
        EngineState(
            name="local",
            zone="local",
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
            zone="cloud",
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


def forecast_summary() -> ForecastSummary:
    hours = tuple(0.01 * (hour % 7) for hour in range(24))
    return ForecastSummary(
        at=NOW,
        forecast=Forecast(month_end_usd=Decimal("31.00"), low_usd=Decimal("27.20"), high_usd=Decimal("36.10"), days=41),
        month_saved_by=SavedBy(
            routing=Decimal("38.11"),
            exact_cache=Decimal("12.40"),
            semantic_cache=Decimal("2.60"),
            provider_cache=Decimal("1.00"),
        ),
        month_cached_baseline_usd=Decimal("46.90"),
        month_saved_beside_cache_usd=Decimal("24.80"),
        by_hour={"writer": hours, "sherlock": hours[::-1], "ada": hours},
    )


def review() -> Review:
    return Review(
        at=NOW,
        days=30,
        saved_by=forecast_summary().month_saved_by,
        cost_usd=Decimal("22.10"),
        baseline_usd=Decimal("76.21"),
        cached_baseline_usd=Decimal("46.90"),
        recommendations=(
            Recommendation(
                kind="dear-model",
                title="writer pays gemini-2.5-pro where gemini-3.5-flash-lite would do",
                usd_month=Decimal("8.57"),
                evidence="of 420 prompts 310 are so easy that the local model is expected within 1% of the cloud",
                command="claw config set engines.cloud.model gemini-3.5-flash-lite",
            ),
            Recommendation(
                kind="old-model",
                title="gemini-2.0-flash is being retired",
                usd_month=None,
                evidence="12 requests of the span went to it",
                command="claw config set engines.cloud.model gemini-3.5-flash-lite",
            ),
        ),
        break_even=BreakEven(
            fixed_usd_month=Decimal(90),
            energy_usd=Decimal("0.00002"),
            cloud_usd=Decimal("0.00072"),
            seconds=4.1,
            requests_month=38_211,
            at_requests=128_572,
            capacity=1_282_829,
            note="the rule of a million requests a month holds here: $110 against $720",
            curve=tuple(
                CurvePoint(10**power, 90 + Decimal("0.00002") * 10**power, Decimal("0.00072") * 10**power)
                for power in range(3, 8)
            ),
        ),
        months=(
            PriceMonth(
                month="2026-10",
                requests=9120,
                cost_usd=Decimal("18.44"),
                usd_per_mtok=Decimal("1.31"),
                tokens_per_request=1543.0,
            ),
            PriceMonth(
                month="2026-11",
                requests=11_004,
                cost_usd=Decimal("22.10"),
                usd_per_mtok=Decimal("1.02"),
                tokens_per_request=1969.0,
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
        top=(
            CacheEntry(id="5f0c1e77a2b4", agent="classifier", intent="classification", hits=112, age_s=5000, bytes=812),
            CacheEntry(id="91d3380be6aa", agent="infra", intent="health-check", hits=61, age_s=800, bytes=2200),
        ),
        near_misses=("intel .93 stopped by number", "writer .88 stopped by negation"),
        memory_b=3 * 1024**2,
        vectors=1180,
        embedder="all-MiniLM-L6-v2",
        rechecked=50,
        rechecked_wrong=1,
        wrong_share=(0.02, 0.0035, 0.105),
        complaints=2,
        provider_cached_tokens=48_200,
        provider_saved_usd=Decimal("0.02"),
        prefix=PrefixUse(known_tokens=1_240_000, cached_tokens=1_203_000, unknown_tokens=48_000),
        prefix_by_agent={
            "writer": PrefixUse(known_tokens=900_000, cached_tokens=882_000),
            "coding": PrefixUse(known_tokens=340_000, cached_tokens=321_000, unknown_tokens=48_000),
        },
    )


def sessions() -> tuple[SessionState, ...]:
    """One of each kind, the last used first: running, paused, idle, and one that no engine has answered yet."""
    return (
        SessionState(
            id="3f1c8a90-2b7e-4f0e-9d51-6f2f0c7d1a11",
            agent="writer",
            client="openclaw",
            started_at=NOW - timedelta(minutes=22),
            last_at=NOW - timedelta(seconds=3),
            turns=14,
            asks=5,
            in_flight=1,
            engine="cloud",
            zone="cloud",
            model=CLOUD_MODEL,
            engines=("local", "cloud"),
            context_tokens=38_211,
            window=1_048_576,
            input_tokens=410_000,
            cached_input_tokens=397_700,
            prefix=PrefixUse(known_tokens=410_000, cached_tokens=397_700),
            output_tokens=5_120,
            cost_usd=Decimal("0.0412"),
            baseline_usd=Decimal("0.1398"),
        ),
        SessionState(
            id="agent:coding:weekly7",
            agent="sherlock",
            client="openclaw",
            run="nightly",
            started_at=NOW - timedelta(minutes=41),
            last_at=NOW - timedelta(seconds=40),
            turns=31,
            asks=2,
            engine="cloud",
            zone="cloud",
            model=CLOUD_MODEL,
            engines=("cloud",),
            context_tokens=212_400,
            window=1_048_576,
            input_tokens=3_800_000,
            cached_input_tokens=3_762_000,
            prefix=PrefixUse(known_tokens=3_800_000, cached_tokens=3_762_000),
            cost_usd=Decimal("0.38"),
            baseline_usd=Decimal("1.20"),
            paused="the same call with the same result 3 times",
        ),
        SessionState(
            id="9a02e5d1c77f4b60",
            agent="coding",
            client="pi",
            started_at=NOW - timedelta(minutes=50),
            last_at=NOW - timedelta(minutes=4, seconds=20),
            turns=6,
            asks=6,
            engine="local",
            zone="local",
            model=LOCAL_MODEL,
            engines=("local",),
            context_tokens=9_001,
            window=32_768,
            input_tokens=40_000,
            cached_input_tokens=38_000,
            prefix=PrefixUse(known_tokens=40_000, cached_tokens=38_000),
        ),
        SessionState(
            id="ses_4f3ac1d0e2", agent="ada", client="opencode", started_at=NOW - timedelta(minutes=55), last_at=NOW
        ),
    )


def refusals() -> tuple[RefusalCount, ...]:
    return (
        RefusalCount(agent="scout", reason="context_length_exceeded", count=14, last_at=NOW),
        RefusalCount(
            agent="writer",
            reason="budget",
            count=3,
            last_at=NOW,
            message="the budget all per day of $5 is spent: raise it, or wait for its next window at 00:00",
        ),
        RefusalCount(agent="sherlock", reason="paused", count=2, last_at=NOW),
        RefusalCount(agent="infra", reason="no_engine", count=1, last_at=NOW),
    )


def choice_alerts() -> tuple[Alert, ...]:
    """A session that goes round in circles, and a memory file that keeps an agent at home; each with its choices."""
    resume, end = (
        Action(verb=verb, actor="operator", agent="sherlock", id="agent:coding:weekly7") for verb in ("resume", "pause")
    )
    allow, redact, keep = (
        Action(verb=verb, actor="operator", agent="writer", id="b7d1") for verb in ("allow", "redact", "keep-home")
    )
    return (
        Alert(
            key="session:sherlock:agent:coding:weekly7",
            id="5e550001",
            since=NOW - timedelta(seconds=40),
            severity="critical",
            text="sherlock: session agent:coding:weekly7 is paused: the same call with the same result 3 times",
            remedy="claw act resume agent:coding:weekly7 lets it go on",
            choices=(Choice(label="let it go on", action=resume), Choice(label="end it", action=end)),
        ),
        Alert(
            key="privacy:writer:b7d1",
            id="b7d10001",
            since=NOW - timedelta(minutes=2),
            severity="warning",
            text="writer: the memory file USER.md has private data (email) and kept 12 turns on this machine",
            remedy="claw act allow writer b7d1, or redact writer, or keep-home writer b7d1",
            choices=(
                Choice(label="this value may pass", action=allow),
                Choice(label="redact for this agent", action=redact),
                Choice(label="keep at home", action=keep),
            ),
        ),
    )


def incident_alerts() -> tuple[Alert, ...]:
    """One in each state of those that stand: new and critical, new with a choice, acknowledged, silenced."""
    return (
        Alert(
            key="no-engine",
            id="0e000001",
            since=NOW - timedelta(seconds=90),
            severity="critical",
            text="no engine answers: every request fails",
            requests=80,
            agents=tuple(agent.name for agent in snapshot().agents),
            remedy="start Ollama, or wait until the cloud's quota is renewed",
        ),
        Alert(
            key="engine:cloud",
            id="c4290002",
            since=NOW - timedelta(seconds=174),
            severity="warning",
            text="cloud 429, minute quota 10/min",
            detail="429 RESOURCE_EXHAUSTED: you exceeded your current quota, please check your plan",
            effect="14 went local",
            retry_at=NOW + timedelta(seconds=21),
            requests=14,
            agents=("writer", "ada"),
            cost_usd=Decimal(0),
            choices=(Choice(label="stop the cloud", action=Action(verb="stop-cloud", actor="core")),),
        ),
        Alert(
            key="budget:all:day",
            id="b0d9e701",
            since=NOW - timedelta(hours=2),
            severity="warning",
            text="budget all a day: $0.50 of $5 left",
            state="acknowledged",
            by="ada",
            remedy="raise its limit_usd or wait for the next window",
        ),
        Alert(
            key="disk",
            id="d15c0001",
            since=NOW - timedelta(days=2),
            severity="warning",
            text="the disk is 91 % full",
            state="silenced",
            silenced_until=NOW + timedelta(minutes=52),
            by="console",
            remedy="make room, or move the ledger",
        ),
    )


def past_alerts() -> tuple[Alert, ...]:
    """One of today and one of another day, the newest first."""
    waited = Alert(
        key="queue:local",
        id="0a170001",
        since=NOW - timedelta(hours=2, minutes=5),
        ended_at=NOW - timedelta(hours=2, minutes=2),
        state="cleared",
        severity="critical",
        text="local: wait 4 min over deadline 2 min",
        effect="9 missed it",
        requests=9,
        agents=("coding",),
    )
    older = {"id": "0a170002", "since": NOW - timedelta(days=3), "ended_at": NOW - timedelta(days=3, minutes=-44)}
    return waited, Alert(**{**structs.asdict(waited), **older})


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
            AgentState(name=name, policy="local" if name in ("scout", "infra") else "auto", pinned=pins.get(name))
            for name in names
        ),
        "recent": exchanges(),
        "in_flight": (
            InFlight(
                id="req-001",
                agent="scout",
                engine="local",
                zone="local",
                model=LOCAL_MODEL,
                stage="streaming",
                started_at=NOW - timedelta(seconds=2),
            ),
        ),
        "spend": spend(),
        "forecast_summary": forecast_summary(),
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
        "runtimes": {
            "local": RuntimeReading(
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
            )
        },
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
                id="c4290001",
                since=NOW - timedelta(minutes=5),
                severity="warning",
                text="cloud said 429 for 40 s, its breaker is half open",
                remedy="S stops cloud spend; wait, or raise the quota",
            ),
        ),
    }
    return Snapshot(**{**facts, **changes})  # type: ignore[arg-type]


def six_engines() -> tuple[EngineState, ...]:
    """The two built-in engines and four more, one of them with a long name, one down and one stopped."""
    more = (
        ("small", "local", "ollama", "qwen2.5:3b", {"in_flight": 1, "parallel": 4, "tokens_per_s": 121.4}),
        ("lite", "cloud", "gemini", "gemini-3.1-flash-lite", {"parallel": 32, "stopped": True}),
        (
            "backup",
            "cloud",
            "openai",
            "meta-llama/llama-3.3-70b-instruct",
            {"parallel": 16, "health": "down", "detail": "OPENROUTER_API_KEY is not set: set it and start claw again"},
        ),
        (
            "gpu-cluster-frankfurt-2",
            "local",
            "ollama",
            "qwen2.5:32b",
            {"in_flight": 3, "waiting": 7, "parallel": 4, "tokens_per_s": 44.0, "waiting_by_agent": {"ada": 7}},
        ),
    )
    return (
        *engines(),
        *(
            EngineState(
                **{"name": name, "zone": zone, "kind": kind, "model": model, "label": model, "health": "up"} | state
            )
            for name, zone, kind, model, state in more
        ),
    )
