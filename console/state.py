"""The state that the screen shows, as one frozen value, and how events change it. Pure: no clock, terminal or core."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, field

from backends.events import (
    ActionDone,
    AlertCleared,
    AlertRaised,
    CacheSampled,
    Decided,
    EngineSampled,
    Event,
    ForecastSampled,
    GpuSampled,
    HistoryAdvanced,
    HostSampled,
    Progressed,
    RefusalsSampled,
    RequestRefused,
    RuntimeSampled,
    SessionSampled,
    Settled,
    SpendSampled,
    TrafficSampled,
)
from backends.types import (
    AgentState,
    Alert,
    CacheStats,
    EngineName,
    EngineState,
    Exchange,
    ForecastSummary,
    GpuReading,
    HostReading,
    InFlight,
    Outcome,
    RefusalCount,
    RuntimeReading,
    SessionState,
    Snapshot,
    Spend,
    Traffic,
    Undoable,
    combined,
)

EXCHANGES_KEPT = 500
HISTORY_KEPT = 360
REFUSALS_KEPT = 50
SESSIONS_KEPT = 200
PAST_ALERTS_KEPT = 200

Phase = Literal["loading", "live", "lost", "failed"]
Part = Literal["gpu", "host", "runtime"]


class CoreConnection(Struct, frozen=True, kw_only=True):
    """The console's connection to its core.

    loading: not open yet; live: events arrive; lost: a running core went away at `since`, the console reconnects;
    failed: it could not be opened, `line` says why and what to do. `mode` is how it was opened last.
    """

    phase: Phase = "loading"
    mode: Literal["attached", "embedded"] | None = None
    label: str = ""
    since: datetime | None = None
    line: str = ""


class ViewState(Struct, frozen=True, kw_only=True):
    """All data that panes draw. `exchanges` is oldest first; `stale` names the samples that stopped coming.

    `at` is the core's time, as of the newest snapshot, decision or reading of the host, `now` its time when this was
    shown, from which ages count. `past` says that all of it is a moment that is over, and `live_at` is then the core's
    time.
    """

    connection: CoreConnection = CoreConnection()
    at: datetime | None = None
    now: datetime | None = None
    version: str = ""
    rehearsal: bool = False
    engines: tuple[EngineState, ...] = ()
    agents: tuple[AgentState, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    refusals: tuple[RequestRefused, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    spend: Spend | None = None
    forecast_summary: ForecastSummary | None = None
    cache: CacheStats | None = None
    gpu: GpuReading | None = None
    host: HostReading | None = None
    runtimes: dict[EngineName, RuntimeReading] = field(default_factory=dict)
    history: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    history_step_s: float = 10.0
    alerts: tuple[Alert, ...] = ()
    past_alerts: tuple[Alert, ...] = ()
    traffic: Traffic = Traffic()
    sessions: tuple[SessionState, ...] = ()
    refusal_counts: tuple[RefusalCount, ...] = ()
    cloud_stopped: bool = False
    past: bool = False
    live_at: datetime | None = None
    gateway: str = ""
    clients: int = 0
    undoable: Undoable | None = None
    stale: frozenset[Part] = frozenset()

    @property
    def runtime(self) -> RuntimeReading | None:
        """The readings of all engines in the local zone as one; None before the first."""
        return combined(tuple(self.runtimes.values())) if self.runtimes else None

    @property
    def live(self) -> bool:
        return self.connection.phase == "live"

    @property
    def recorded(self) -> bool:
        """False for a moment of the past of which nothing was sampled, because no core ran."""
        return not self.past or any(engine.health != "unknown" for engine in self.engines)

    def engine(self, name: str) -> EngineState | None:
        return next((engine for engine in self.engines if engine.name == name), None)


def adopt(state: ViewState, snapshot: Snapshot) -> ViewState:
    """The state after a snapshot, which replaces everything except the connection."""
    return ViewState(
        connection=state.connection,
        at=snapshot.at,
        now=snapshot.at,
        version=snapshot.version,
        rehearsal=snapshot.rehearsal,
        engines=snapshot.engines,
        agents=snapshot.agents,
        exchanges=snapshot.recent[-EXCHANGES_KEPT:],
        refusals=state.refusals,
        in_flight=snapshot.in_flight,
        spend=snapshot.spend,
        forecast_summary=snapshot.forecast_summary,
        cache=snapshot.cache,
        gpu=snapshot.gpu,
        host=snapshot.host,
        runtimes=snapshot.runtimes,
        history={name: series[-HISTORY_KEPT:] for name, series in snapshot.history.items()},
        history_step_s=snapshot.history_step_s,
        alerts=snapshot.alerts,
        past_alerts=snapshot.past_alerts,
        traffic=snapshot.traffic,
        sessions=snapshot.sessions,
        refusal_counts=snapshot.refusals,
        cloud_stopped=snapshot.cloud_stopped,
        past=snapshot.past,
        gateway=snapshot.gateway,
        clients=snapshot.clients,
        undoable=snapshot.undoable,
    )


def look_back(live: ViewState, snapshot: Snapshot) -> ViewState:
    """The screen of a past moment. Refused requests are not on record, so they are those that this console saw."""
    then = adopt(live, snapshot)
    return msgspec.structs.replace(
        then,
        refusals=tuple(refusal for refusal in live.refusals if refusal.at <= snapshot.at),
        cache=None if snapshot.cache == CacheStats() else snapshot.cache,
        live_at=live.now,
    )


def connect(state: ViewState, connection: CoreConnection) -> ViewState:
    return msgspec.structs.replace(state, connection=connection)


def mark_stale(state: ViewState, now: datetime, after_s: float) -> ViewState:
    """Mark the samples older than `after_s` as stale; returns the same state object when nothing changed."""
    readings: tuple[tuple[Part, GpuReading | HostReading | RuntimeReading | None], ...] = (
        ("gpu", state.gpu),
        ("host", state.host),
        ("runtime", state.runtime),
    )
    stale = frozenset(
        part
        for part, reading in readings
        if reading is not None and not _final(reading) and (now - reading.at).total_seconds() > after_s
    )
    return state if stale == state.stale else msgspec.structs.replace(state, stale=stale)


def _final(reading: GpuReading | HostReading | RuntimeReading) -> bool:
    """Whether no newer sample is expected, because there is nothing to sample."""
    return isinstance(reading, GpuReading) and reading.state in ("no-gpu", "no-driver", "no-permission", "off")


def reduce(state: ViewState, event: Event) -> ViewState:
    """The state after an event. `Resync` changes nothing here: the bridge requests a snapshot."""
    return msgspec.structs.replace(state, **_changes(state, event))


def _changes(state: ViewState, event: Event) -> dict[str, object]:  # noqa: PLR0911, PLR0912 — one arm for each event
    match event:
        case Decided(exchange=exchange):
            return {"exchanges": _decided(state.exchanges, exchange), "at": exchange.at}
        case Progressed(in_flight=call):
            return {"in_flight": (*(c for c in state.in_flight if c.id != call.id), call)}
        case Settled(outcome=outcome):
            return {
                "exchanges": _settled(state.exchanges, outcome),
                "in_flight": tuple(c for c in state.in_flight if c.id != outcome.id),
            }
        case RequestRefused():
            return {
                "refusals": (*state.refusals, event)[-REFUSALS_KEPT:],
                "in_flight": tuple(c for c in state.in_flight if c.id != event.id),
            }
        case AlertRaised(alert=alert):
            return {"alerts": (*(a for a in state.alerts if a.key != alert.key), alert)}
        case AlertCleared(key=key, alert=ended):
            past = state.past_alerts if ended is None else (ended, *state.past_alerts)[:PAST_ALERTS_KEPT]
            return {"alerts": tuple(a for a in state.alerts if a.key != key), "past_alerts": past}
        case ActionDone():
            return {"cloud_stopped": event.cloud_stopped, "agents": event.agents, "undoable": event.undoable}
        case EngineSampled(engine=engine):
            return {"engines": _sampled(state.engines, engine)}
        case GpuSampled(reading=reading):
            return {"gpu": reading, "stale": state.stale - {"gpu"}}
        case HostSampled(reading=reading):
            return {"host": reading, "stale": state.stale - {"host"}, "at": reading.at}
        case RuntimeSampled(engine=name, reading=reading):
            return {"runtimes": state.runtimes | {name: reading}, "stale": state.stale - {"runtime"}}
        case SpendSampled(spend=spend):
            return {"spend": spend}
        case ForecastSampled(forecast_summary=forecast_summary):
            return {"forecast_summary": forecast_summary}
        case SessionSampled(session=session):
            return {"sessions": _first(state.sessions, session)}
        case TrafficSampled(traffic=traffic):
            return {"traffic": traffic}
        case RefusalsSampled(refusals=refusals):
            return {"refusal_counts": refusals}
        case CacheSampled(stats=stats):
            return {"cache": stats}
        case HistoryAdvanced(points=points):
            return {"history": _advanced(state.history, points)}
        case _:
            return {}


def _decided(exchanges: tuple[Exchange, ...], exchange: Exchange) -> tuple[Exchange, ...]:
    """A request that was decided again, because it failed over, keeps its place."""
    index = _find(exchanges, exchange.id)
    if index is None:
        return (*exchanges, exchange)[-EXCHANGES_KEPT:]
    return (*exchanges[:index], exchange, *exchanges[index + 1 :])


def _settled(exchanges: tuple[Exchange, ...], outcome: Outcome) -> tuple[Exchange, ...]:
    index = _find(exchanges, outcome.id)
    if index is None:
        return exchanges
    ended = msgspec.structs.replace(exchanges[index], outcome=outcome)
    return (*exchanges[:index], ended, *exchanges[index + 1 :])


def _find(exchanges: tuple[Exchange, ...], id: str) -> int | None:
    """Searched from the newest, where it nearly always is."""
    return next((i for i in range(len(exchanges) - 1, -1, -1) if exchanges[i].id == id), None)


def _sampled(engines: tuple[EngineState, ...], engine: EngineState) -> tuple[EngineState, ...]:
    if any(known.name == engine.name for known in engines):
        return tuple(engine if known.name == engine.name else known for known in engines)
    return (*engines, engine)


def _first(sessions: tuple[SessionState, ...], newest: SessionState) -> tuple[SessionState, ...]:
    """The newest in front of the others, and once."""
    others = (each for each in sessions if (each.agent, each.id) != (newest.agent, newest.id))
    return (newest, *others)[:SESSIONS_KEPT]


def _advanced(
    history: dict[str, tuple[float | None, ...]], points: dict[str, float | None]
) -> dict[str, tuple[float | None, ...]]:
    """A new series starts now; a series without a new point gets an unknown one."""
    names = list(history) + [name for name in points if name not in history]
    return {name: (*history.get(name, ()), points.get(name))[-HISTORY_KEPT:] for name in names}
