"""A snapshot of the past: what is on record of a moment, on the core that runs now."""

from collections.abc import Iterator

from msgspec.structs import replace

from backends.ledger.ended_rows import OpenRow
from backends.monitoring.activity import restored
from backends.monitoring.past import PastMoment
from backends.monitoring.timeline import CACHE_COUNTS, HEALTH
from backends.types import (
    CLOUD,
    ZERO,
    CacheStats,
    EngineState,
    Estimate,
    Exchange,
    Explanation,
    Gpu,
    GpuReading,
    HostReading,
    InFlight,
    Outcome,
    Snapshot,
    Zone,
)


def past_snapshot(now: Snapshot, past: PastMoment) -> Snapshot:
    """The engines and GPUs of `now` with the figures of the past; what is not on record is empty or None.

    A step of its history is a minute. A request that had not ended has no outcome; one that had said its first word is
    also in flight.
    """
    sampled = past.minute.sampled if past.minute is not None else {}
    return Snapshot(
        at=past.at,
        version=now.version,
        pid=now.pid,
        started_at=now.started_at,
        rehearsal=now.rehearsal,
        engines=tuple(_engine(engine, past, sampled) for engine in now.engines),
        agents=(),
        recent=tuple(_recent(now, past)),
        in_flight=tuple(_in_flight(past)),
        spend=past.spend,
        cache=_cache(sampled),
        gpu=_gpu(now, past, sampled),
        host=_host(past, sampled),
        history=past.hour.series,
        history_step_s=past.hour.step_s,
        alerts=past.alerts,
        past_alerts=past.past_alerts,
        traffic=past.traffic,
        cloud_stopped=past.cloud_stopped,
        past=True,
        gateway=now.gateway,
        clients=now.clients,
    )


def _recent(now: Snapshot, past: PastMoment) -> list[Exchange]:
    zones = {engine.name: engine.zone for engine in now.engines}
    ended = [_exchange(outcome, past) for outcome in past.requests]
    running = [_open(row, zones.get(row.engine, CLOUD)) for row in past.open]
    return sorted([*ended, *running], key=lambda exchange: exchange.at)


def _open(row: OpenRow, zone: Zone) -> Exchange:
    explanation = Explanation(
        agent=row.agent,
        engine=row.engine,
        zone=zone,
        model=row.model,
        intent=row.intent,
        complexity=row.complexity,
        sensitive=row.sensitive,
        reasons=(),
        decision_us=0.0,
        estimate=Estimate(cost_usd=ZERO, latency_ms=None),
    )
    return Exchange(id=row.id, at=row.began, explanation=explanation)


def _exchange(outcome: Outcome, past: PastMoment) -> Exchange:
    explanation = restored(outcome)
    running = outcome.id in past.running
    return Exchange(id=outcome.id, at=outcome.started_at, explanation=explanation, outcome=None if running else outcome)


def _in_flight(past: PastMoment) -> Iterator[InFlight]:
    for outcome in past.requests:
        since_s = (past.at - outcome.started_at).total_seconds()
        if outcome.id in past.running and outcome.ttft_ms is not None and outcome.ttft_ms <= since_s * 1000:
            yield InFlight(
                id=outcome.id,
                agent=outcome.agent,
                engine=outcome.engine,
                zone=outcome.zone,
                model=outcome.model,
                stage="streaming",
                started_at=outcome.started_at,
            )


def _engine(engine: EngineState, past: PastMoment, sampled: dict[str, float]) -> EngineState:
    """What does not change by itself, with the figures of the minute."""
    name = engine.name
    return EngineState(
        name=name,
        zone=engine.zone,
        kind=engine.kind,
        model=engine.model,
        label=engine.label,
        simulated=engine.simulated,
        health=HEALTH[int(sampled.get(f"health.{name}", 0))],
        in_flight=int(sampled.get(f"in_flight.{name}", 0)),
        waiting=int(sampled.get(f"waiting.{name}", 0)),
        parallel=engine.parallel,
        predicted_wait_s=sampled.get(f"predicted_wait_s.{name}"),
        tokens_per_s=sampled.get(f"tokens_per_s.{name}"),
        stopped=past.cloud_stopped and engine.zone == CLOUD,
        oldest_wait_s=sampled.get(f"oldest_wait_s.{name}") or None,
        will_miss=int(sampled.get(f"will_miss.{name}", 0)),
    )


def _cache(sampled: dict[str, float]) -> CacheStats:
    counts = {name: int(sampled[f"cache.{name}"]) for name in CACHE_COUNTS if f"cache.{name}" in sampled}
    return replace(CacheStats(), **counts)


def _gpu(now: Snapshot, past: PastMoment, sampled: dict[str, float]) -> GpuReading | None:
    """GPUs of which figures were sampled; their names and sizes are those of today."""
    gpus = tuple(
        Gpu(
            index=gpu.index,
            name=gpu.name,
            utilisation_pct=sampled.get(f"gpu.{gpu.index}.utilisation"),
            memory_used_b=int(share * gpu.memory_total_b) if share is not None and gpu.memory_total_b else None,
            memory_total_b=gpu.memory_total_b,
        )
        for gpu in (now.gpu.gpus if now.gpu is not None else ())
        for share in (sampled.get(f"gpu.{gpu.index}.memory_share"),)
        if f"gpu.{gpu.index}.utilisation" in sampled
    )
    return GpuReading(at=past.at, state="ok", gpus=gpus) if gpus else None


def _host(past: PastMoment, sampled: dict[str, float]) -> HostReading | None:
    if "host.cpu" not in sampled:
        return None
    return HostReading(
        at=past.at,
        cpu_pct=sampled["host.cpu"],
        load_1m=None,
        memory_used_b=None,
        memory_total_b=None,
        disk_used_b=None,
        disk_total_b=None,
        net_received_bps=None,
        net_sent_bps=None,
    )
