"""What watches a core, put together from what it was opened with."""

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack

from backends.bootstrap.resources import Resources
from backends.envelope.sessions import Sessions
from backends.monitoring.activity import ActivityFeed
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.engine_conditions import show_waits, watch_engines
from backends.monitoring.incident_log import IncidentLog
from backends.monitoring.minute_recorder import MinuteRecorder, state_of
from backends.monitoring.model_watch import ModelWatch
from backends.monitoring.monitoring import Monitoring
from backends.monitoring.past import Past
from backends.monitoring.push import Push
from backends.monitoring.receivers import Receiver
from backends.monitoring.refusals import Refusals
from backends.monitoring.request_series import RequestSeries
from backends.monitoring.spend_analysis import SpendAnalysis
from backends.monitoring.spend_watch import SpendWatch
from backends.monitoring.stats_publisher import StatsPublisher
from backends.monitoring.traffic_conditions import watch_traffic
from backends.monitoring.traffic_window import TrafficWindow
from backends.monitoring.watch import Watch
from backends.paths import Paths
from backends.settings.engines import CLOUD_ENGINE
from backends.telemetry.host import HostSampler
from backends.telemetry.sampler import Sampler
from backends.types import LOCAL, EngineName, RuntimeReading
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot


def assembled_monitoring(
    stack: AsyncExitStack,
    resources: Resources,
    slots: Mapping[EngineName, EngineSlot],
    costs: Costs,
    paths: Paths,
    *,
    rehearsal: bool,
) -> Monitoring:
    """Nothing runs yet. What has to be closed is closed by `stack`."""
    settings, bus, clock, ledger = resources.settings, resources.bus, resources.clock, resources.ledger
    traffic, series = TrafficWindow(bus, clock), RequestSeries(resources.history)
    alerts = Alerts(
        bus, clock, clear_after_s=settings.alerts.clear_after_s, recent=traffic.ended, running=traffic.running
    )
    stats = StatsPublisher(bus, ledger=ledger, cache=resources.cache, alerts=alerts)
    stack.callback(stats.close)
    ledger.on_spill_change(stats.schedule)
    refusals = Refusals(
        bus, ledger=ledger, alerts=alerts, clock=clock, agents=settings.agents, timezone=resources.timezone
    )
    minutes = MinuteRecorder(
        ledger=ledger,
        history=resources.history,
        requests=series,
        state=lambda: state_of(slots, resources.cache.stats()),
        clock=clock,
    )
    push = Push(
        [Receiver(target, os.environ, resources.timezone) for target in settings.notify],
        ledger=ledger,
        alerts=alerts,
        clock=clock,
        rehearsal=rehearsal,
    )
    return Monitoring(
        bus=bus,
        activity=ActivityFeed(bus, clock, refusals=refusals, traffic=traffic, series=series, alerts=alerts),
        refusals=refusals,
        sessions=Sessions(resources.install_key.prompt_hash, clock=clock, bus=bus),
        alerts=alerts,
        incidents=IncidentLog(ledger, alerts, clock, push=push),
        push=push,
        watch=_watch(resources, slots, alerts, traffic),
        traffic=traffic,
        stats=stats,
        models=ModelWatch(settings.engines[CLOUD_ENGINE].model, costs=costs, alerts=alerts),
        spend_watch=_spend_watch(resources, alerts, paths),
        sampler=_sampler(resources, slots, paths),
        history=resources.history,
        minutes=minutes,
        past=Past(
            paths.ledger,
            budgets=settings.budgets,
            groups=resources.groups,
            timezone=resources.timezone,
            alerts=alerts,
            unwritten=minutes.unwritten,
        ),
    )


def _watch(
    resources: Resources, slots: Mapping[EngineName, EngineSlot], alerts: Alerts, traffic: TrafficWindow
) -> Watch:
    clock, engines = resources.clock, list(slots.values())
    watch = Watch(alerts, clock, resources.settings.alerts)
    watch.add(
        watch_engines(engines, watch, clock),
        watch_traffic(traffic, lambda: [slot.state() for slot in engines], watch, clock.monotonic),
    )
    watch.also(traffic.publish, lambda: show_waits(engines))
    return watch


def _spend_watch(resources: Resources, alerts: Alerts, paths: Paths) -> SpendWatch:
    settings = resources.settings
    return SpendWatch(
        SpendAnalysis(settings, paths.ledger, prices=resources.prices, timezone=resources.timezone),
        ledger=resources.ledger,
        alerts=alerts,
        bus=resources.bus,
        clock=resources.clock,
        keep_days=settings.ledger.keep_days,
    )


def _sampler(resources: Resources, slots: Mapping[EngineName, EngineSlot], paths: Paths) -> Sampler:
    settings, clock = resources.settings, resources.clock
    sampler = Sampler(
        settings.telemetry,
        resources.bus,
        resources.history,
        clock,
        statuses={
            name: [client.status for client in clients]
            for name, clients in resources.engines.items()
            if settings.zone(name) == LOCAL
        },
        on_sample=lambda readings: _on_sample(readings, slots, resources, sampler),
        sample_host=HostSampler(clock, disk=paths.ledger.parent).sample,
    )
    return sampler


def _on_sample(
    readings: Mapping[str, tuple[RuntimeReading, ...]],
    slots: Mapping[EngineName, EngineSlot],
    resources: Resources,
    sampler: Sampler,
) -> None:
    """Pass on a sample: the engines' readings to their slots, the GPUs' power to the costs, the core's own series."""
    for name, slot in slots.items():
        if name in readings:
            slot.observe(readings[name])
    resources.self_hosted_cost.record(sampler.gpu)
    for series, value in _extra(slots, resources).items():
        resources.history.add(series, value)


def _extra(slots: Mapping[EngineName, EngineSlot], resources: Resources) -> dict[str, float | None]:
    """The core's own series of the history, by name."""
    counts = resources.cache.counts
    local = {name: slot for name, slot in slots.items() if slot.zone == LOCAL}
    return {
        **{f"queue.{name}": float(slot.limiter.waiting) for name, slot in local.items()},
        **{f"tokens_per_s.{name}": slot.throughput.tokens_per_s for name, slot in local.items()},
        "cache.hit_share": counts.recent_share(),
        "cache.exact_share": counts.recent_share("exact"),
        "cache.semantic_share": counts.recent_share("semantic"),
        "spend.today": float(resources.ledger.spend().today_usd),
    }
