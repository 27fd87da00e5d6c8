"""What the bus carries. Lifecycle events are never dropped; samples may be replaced by a newer one of their kind.

A watcher that fell too far behind gets `Resync` and takes a new `snapshot()`; after it, events go on without a gap.
"""

from datetime import datetime

from msgspec import Struct

from backends.types import (
    Acted,
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
    Spend,
    Traffic,
    Undoable,
)


class Decided(Struct, frozen=True, kw_only=True, tag=True):
    """A request was decided; also sent again when it failed over."""

    exchange: Exchange


class Progressed(Struct, frozen=True, kw_only=True, tag=True):
    """An admitted request waits, was called, or streams."""

    in_flight: InFlight


class Settled(Struct, frozen=True, kw_only=True, tag=True):
    """A request ended; its ledger row is committed."""

    outcome: Outcome


class RequestRefused(Struct, frozen=True, kw_only=True, tag=True):
    """A request was refused before any engine was called; it has no row."""

    at: datetime
    id: str
    agent: str
    rule: str
    message: str
    status: int = 0


class AlertRaised(Struct, frozen=True, kw_only=True, tag=True):
    """An alert stands, or what it says has changed: it replaces the one with its key."""

    alert: Alert


class AlertCleared(Struct, frozen=True, kw_only=True, tag=True):
    """The alert of this key stands no more; `alert` is as it ended."""

    key: str
    alert: Alert | None = None


class ActionDone(Struct, frozen=True, kw_only=True, tag=True):
    """An operator's action was carried out; `undoable` is the last one that can now be taken back."""

    acted: Acted
    cloud_stopped: bool
    agents: tuple[AgentState, ...]
    undoable: Undoable | None = None


class Resync(Struct, frozen=True, kw_only=True, tag=True):
    """Events were lost on the way to this watcher: take a snapshot."""


class EngineSampled(Struct, frozen=True, kw_only=True, tag=True):
    engine: EngineState


class GpuSampled(Struct, frozen=True, kw_only=True, tag=True):
    reading: GpuReading


class HostSampled(Struct, frozen=True, kw_only=True, tag=True):
    reading: HostReading


class RuntimeSampled(Struct, frozen=True, kw_only=True, tag=True):
    engine: EngineName
    reading: RuntimeReading


class SpendSampled(Struct, frozen=True, kw_only=True, tag=True):
    spend: Spend


class SessionSampled(Struct, frozen=True, kw_only=True, tag=True):
    session: SessionState


class RefusalsSampled(Struct, frozen=True, kw_only=True, tag=True):
    refusals: tuple[RefusalCount, ...]


class TrafficSampled(Struct, frozen=True, kw_only=True, tag=True):
    traffic: Traffic


class ForecastSampled(Struct, frozen=True, kw_only=True, tag=True):
    forecast_summary: ForecastSummary


class CacheSampled(Struct, frozen=True, kw_only=True, tag=True):
    stats: CacheStats


class HistoryAdvanced(Struct, frozen=True, kw_only=True, tag=True):
    """Every series moved one step: its newest point, by name (see Snapshot.history)."""

    points: dict[str, float | None]


Lifecycle = Decided | Progressed | Settled | RequestRefused | AlertRaised | AlertCleared | ActionDone | Resync
Sample = (
    EngineSampled
    | GpuSampled
    | HostSampled
    | RuntimeSampled
    | SpendSampled
    | ForecastSampled
    | SessionSampled
    | RefusalsSampled
    | TrafficSampled
    | CacheSampled
    | HistoryAdvanced
)
Event = Lifecycle | Sample

SAMPLES: tuple[type, ...] = (
    EngineSampled,
    GpuSampled,
    HostSampled,
    RuntimeSampled,
    SpendSampled,
    ForecastSampled,
    SessionSampled,
    RefusalsSampled,
    TrafficSampled,
    CacheSampled,
)
