"""`GET /metrics` in Prometheus' text format: counters since the start, and gauges of this moment.

The core's events feed the counters, so that they miss nothing between two scrapes. Labels come from a bounded set: an
agent that no setting names counts as "other", and so does everything beyond SERIES of one counter.
"""

import asyncio
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal

from backends.core.api import Core
from backends.events import RequestRefused, Resync, Settled
from backends.gateway.gen_ai_metrics import GenAi, escaped
from backends.gateway.http_exchange import HttpExchange
from backends.types import ZERO, CacheStats, EngineName, EngineState, LedgerState, Outcome, QuotaState, Snapshot

SERIES = 512

TEXT = b"text/plain; version=0.0.4; charset=utf-8"

HELP = {
    "claw_requests_total": "requests that ended, by agent, engine, zone and finish",
    "claw_tokens_total": "tokens, by agent, engine, zone and kind",
    "claw_cost_usd_total": "US dollars spent, by agent, engine and zone",
    "claw_baseline_usd_total": "US dollars that the cloud alone would have cost, by agent",
    "claw_cache_results_total": "results of cache lookups, by agent",
    "claw_refused_total": "requests refused before any engine was called, by agent and reason",
    "claw_events_lost_total": "times that events were lost, so that the counters are too low",
    "claw_engine_info": "1 for each engine, with its kind and its model",
    "claw_in_flight": "calls running at an engine",
    "claw_waiting": "calls waiting for an engine",
    "claw_parallel": "calls an engine is allowed at once",
    "claw_engine_up": "1 where an engine answers, 0 where it is down",
    "claw_quota_requests": "calls sent to a cloud model, in the last minute and in its provider's day",
    "claw_quota_input_tokens": "their input tokens",
    "claw_quota_limit": "the limit that the provider named when it refused a call",
    "claw_cloud_stopped": "1 where the operator stopped cloud spend",
    "claw_cache_entries": "answers stored",
    "claw_cache_bytes": "their size",
    "claw_cache_lookups_total": "requests that asked the cache",
    "claw_cache_hits_total": "requests that it answered, by tier; shared is an answered call in flight of another",
    "claw_ledger_writable": "1 where rows reach the ledger's file, 0 where they wait beside it or are refused",
    "claw_ledger_spill_share": "how full the file is in which rows wait, 0 to 1",
    "claw_ledger_wal_bytes": "the size of the ledger's write-ahead log at its last commit",
    "claw_tasks": "asyncio tasks of the core's process; with nothing in flight always as many",
    "claw_budget_limit_usd": "a budget's limit",
    "claw_budget_spent_usd": "spent in its window",
    "claw_budget_reserved_usd": "reserved for calls in flight",
}

Labels = tuple[tuple[str, str], ...]


class Counters:
    """Counts by agent and engine. Each name of `agents` is a label of its own; `kinds` has each engine's kind."""

    def __init__(self, agents: Container[str], kinds: Mapping[EngineName, str]) -> None:
        self._agents = agents
        self._counts: dict[str, dict[Labels, Decimal]] = defaultdict(dict)
        self._gen_ai = GenAi(kinds)

    async def watch(self, core: Core) -> None:
        """Count what happens, until cancelled."""
        async with aclosing(core.events()) as events:
            async for event in events:
                if isinstance(event, Settled):
                    self.settled(event.outcome)
                elif isinstance(event, RequestRefused):
                    self.refused(event.agent, event.rule)
                elif isinstance(event, Resync):
                    self._add("claw_events_lost_total", 1)

    def settled(self, outcome: Outcome) -> None:
        self._gen_ai.settled(outcome)
        agent = self._agent(outcome.agent)
        engine = {"engine": outcome.engine, "zone": outcome.zone}
        self._add("claw_requests_total", 1, agent=agent, **engine, finish=outcome.finish)
        self._add("claw_cost_usd_total", outcome.cost_usd, agent=agent, **engine)
        self._add("claw_baseline_usd_total", outcome.baseline_usd, agent=agent)
        self._add("claw_cache_results_total", 1, agent=agent, result=outcome.cache)
        tokens = outcome.tokens
        for kind, count in (
            ("input", tokens.input),
            ("output", tokens.output),
            ("thinking", tokens.thinking),
            ("cached_input", tokens.cached_input),
        ):
            self._add("claw_tokens_total", count, agent=agent, **engine, kind=kind)

    def refused(self, agent: str, reason: str) -> None:
        self._add("claw_refused_total", 1, agent=self._agent(agent), reason=reason)

    def lines(self) -> Iterator[str]:
        for name, series in self._counts.items():
            yield from _family(name, "counter", series)
        yield from self._gen_ai.lines()

    def _agent(self, name: str) -> str:
        return name if name in self._agents or name in ("default", "") else "other"

    def _add(self, name: str, count: Decimal | int, **labels: str) -> None:
        series = self._counts[name]
        key = tuple(labels.items())
        if key not in series and len(series) >= SERIES:
            key = tuple((label, "other") for label in labels)
        series[key] = series.get(key, ZERO) + count


async def metrics(exchange: HttpExchange, counters: Counters) -> None:
    snapshot = await exchange.core.snapshot()
    tasks = _family("claw_tasks", "gauge", {(): len(asyncio.all_tasks())})
    lines = [*counters.lines(), *gauges(snapshot), *tasks]
    await exchange.answer(("\n".join(lines) + "\n").encode("utf-8", "replace"), kind=TEXT)


def gauges(snapshot: Snapshot) -> Iterator[str]:
    """What a snapshot holds; unknown figures have no line."""
    engines = {_labels(engine): engine for engine in snapshot.engines}
    info = {(*labels, ("kind", each.kind), ("model", each.model)): 1 for labels, each in engines.items()}
    yield from _family("claw_engine_info", "gauge", info)
    yield from _family("claw_in_flight", "gauge", {key: engine.in_flight for key, engine in engines.items()})
    yield from _family("claw_waiting", "gauge", {key: engine.waiting for key, engine in engines.items()})
    yield from _family("claw_parallel", "gauge", {key: engine.parallel for key, engine in engines.items()})
    known = {key: int(engine.health != "down") for key, engine in engines.items() if engine.health != "unknown"}
    yield from _family("claw_engine_up", "gauge", known)
    yield from _quotas([(engine, quota) for engine in snapshot.engines for quota in engine.quota])
    yield from _family("claw_cloud_stopped", "gauge", {(): int(snapshot.cloud_stopped)})
    yield from _family("claw_cache_entries", "gauge", {(): snapshot.cache.entries})
    yield from _family("claw_cache_bytes", "gauge", {(): snapshot.cache.bytes})
    yield from _family("claw_cache_lookups_total", "counter", {(): snapshot.cache.lookups})
    yield from _family("claw_cache_hits_total", "counter", _hits(snapshot.cache))
    yield from _ledger(snapshot.ledger)
    budgets = snapshot.spend.budgets if snapshot.spend else ()
    places = {(("scope", budget.scope), ("window", budget.window)): budget for budget in budgets}
    yield from _family("claw_budget_limit_usd", "gauge", {key: each.limit_usd for key, each in places.items()})
    yield from _family("claw_budget_spent_usd", "gauge", {key: each.spent_usd for key, each in places.items()})
    yield from _family("claw_budget_reserved_usd", "gauge", {key: each.reserved_usd for key, each in places.items()})


def _ledger(ledger: LedgerState) -> Iterator[str]:
    yield from _family("claw_ledger_writable", "gauge", {(): int(ledger.status == "ok")})
    if ledger.spill_share is not None:
        yield from _family("claw_ledger_spill_share", "gauge", {(): Decimal(f"{ledger.spill_share:.4f}")})
    yield from _family("claw_ledger_wal_bytes", "gauge", {(): ledger.wal_bytes})


def _hits(cache: CacheStats) -> dict[Labels, int]:
    tiers = {"exact": cache.exact_hits, "semantic": cache.semantic_hits, "shared": cache.shared_flights}
    return {(("tier", tier),): hits for tier, hits in tiers.items()}


def _labels(engine: EngineState) -> Labels:
    return ("engine", engine.name), ("zone", engine.zone)


def _quotas(quotas: Sequence[tuple[EngineState, QuotaState]]) -> Iterator[str]:
    requests: dict[Labels, int] = {}
    tokens: dict[Labels, int] = {}
    limits: dict[Labels, int] = {}
    for engine, quota in quotas:
        model = (*_labels(engine), ("model", quota.model))
        minute, day = (*model, ("window", "minute")), (*model, ("window", "day"))
        requests |= {minute: quota.minute_requests, day: quota.day_requests}
        tokens |= {minute: quota.minute_input_tokens, day: quota.day_input_tokens}
        for known in quota.limits:
            if known.limit is not None:
                limits[*model, ("window", known.window), ("metric", known.metric)] = known.limit
    yield from _family("claw_quota_requests", "gauge", requests)
    yield from _family("claw_quota_input_tokens", "gauge", tokens)
    yield from _family("claw_quota_limit", "gauge", limits)


def _family(name: str, kind: str, series: Mapping[Labels, Decimal | int]) -> Iterator[str]:
    if not series:
        return
    yield f"# HELP {name} {HELP[name]}"
    yield f"# TYPE {name} {kind}"
    for labels, value in series.items():
        written = ",".join(f'{label}="{escaped(text)}"' for label, text in labels)
        yield f"{name}{{{written}}} {Decimal(value):f}" if labels else f"{name} {Decimal(value):f}"
