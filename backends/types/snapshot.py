"""The whole core at one moment: engines, agents, requests, alerts."""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from backends.types.alert import Alert
from backends.types.cache_stats import CacheStats
from backends.types.decision import Explanation
from backends.types.literals import EngineName, Health, Policy, Zone
from backends.types.operator_actions import Undoable
from backends.types.outcome import Outcome
from backends.types.session import RefusalCount, SessionState
from backends.types.spend import ForecastSummary, LedgerState, Spend
from backends.types.telemetry import GpuReading, HostReading, RuntimeReading
from backends.types.traffic_counts import Traffic


class QuotaLimit(Struct, frozen=True, kw_only=True):
    """A limit that a provider named when it refused a call, and when; `limit` is None where it named none."""

    window: Literal["minute", "day"]
    metric: Literal["requests", "input_tokens", "tokens"]
    limit: int | None
    at: datetime


class QuotaState(Struct, frozen=True, kw_only=True):
    """What was sent to one cloud model in the last minute and in its provider's day, which ends at `resets_at`."""

    model: str
    minute_requests: int = 0
    minute_input_tokens: int = 0
    day_requests: int = 0
    day_input_tokens: int = 0
    limits: tuple[QuotaLimit, ...] = ()
    resets_at: datetime | None = None


class EngineState(Struct, frozen=True, kw_only=True):
    """One engine as the router sees it. `label` is its honest name, also where it is simulated.

    `reopens_at` is when a quota of the provider's day is renewed, None where none is used up. `window` are the tokens
    that prompt and answer may have together, None where that is not known yet. A `draining` engine gets no new
    requests; what runs on it ends. `answered_at` is when it gave its last good answer since the core started,
    `silent_s` for how long a call at it has heard nothing, None where no call waits for it, and `usual_s` its usual
    time to a first token. Of the requests in its queue the oldest waits for `oldest_wait_s`, and `will_miss` of them
    are expected to miss their deadline. `failing_since` is when the first of the calls began that have failed since its
    last good answer, None where none has.
    """

    name: EngineName
    zone: Zone
    kind: str
    model: str
    label: str
    simulated: bool = False
    health: Health = "unknown"
    detail: str = ""
    since: datetime | None = None
    in_flight: int = 0
    waiting: int = 0
    waiting_by_agent: dict[str, int] = field(default_factory=dict)
    parallel: int = 0
    predicted_wait_s: float | None = None
    tokens_per_s: float | None = None
    reported_waiting: int | None = None
    stopped: bool = False
    quota: tuple[QuotaState, ...] = ()
    reopens_at: datetime | None = None
    window: int | None = None
    draining: bool = False
    answered_at: datetime | None = None
    silent_s: float | None = None
    usual_s: float | None = None
    oldest_wait_s: float | None = None
    will_miss: int = 0
    failing_since: datetime | None = None


class InFlight(Struct, frozen=True, kw_only=True):
    """A request at an engine. `position` is its place in the engine's queue, 1 for the next to run; it is told for
    prompts of the chat alone, None otherwise.
    """

    id: str
    agent: str
    engine: EngineName
    zone: Zone
    model: str
    stage: Literal["waiting", "called", "streaming"]
    started_at: datetime
    position: int | None = None


class AgentState(Struct, frozen=True, kw_only=True):
    """One agent's rules in force. `changed` names the fields that an operator has changed for a while, `until` when
    the first of them falls back, None where none does by itself. `model` "" is the engine's own.
    """

    name: str
    policy: Policy
    pinned: EngineName | None = None
    paused: bool = False
    dial: float | None = None
    model: str = ""
    changed: tuple[str, ...] = ()
    until: datetime | None = None


class Exchange(Struct, frozen=True, kw_only=True):
    """A request as the console lists it: its decision, and its outcome once there is one."""

    id: str
    at: datetime
    explanation: Explanation
    outcome: Outcome | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a watcher needs to draw the whole screen, at one moment. `recent` is oldest first.

    `sessions` are those of the last hour and those that run, the last used first, `refusals` today's, the most first.
    `runtime` is the reading of the built-in local engine, `runtimes` are those of all engines in the local zone.
    `alerts` are those that stand, oldest first, `past_alerts` the last 200 that ended in 7 days, newest first.
    `past` marks a moment that was put together again from the ledger: what nobody recorded is empty or None, and an
    engine of which nothing is on record has the health "unknown".
    `gateway` is the address that agents call, "" where there is none; `clients` are consoles that are attached.
    `undoable` is the last action of an operator that can be taken back, None where there is none.
    """

    at: datetime
    version: str
    pid: int
    started_at: datetime
    rehearsal: bool
    engines: tuple[EngineState, ...]
    agents: tuple[AgentState, ...]
    recent: tuple[Exchange, ...] = ()
    in_flight: tuple[InFlight, ...] = ()
    spend: Spend | None = None
    ledger: LedgerState = LedgerState()
    forecast_summary: ForecastSummary | None = None
    cache: CacheStats = CacheStats()
    gpu: GpuReading | None = None
    host: HostReading | None = None
    runtime: RuntimeReading | None = None
    runtimes: dict[EngineName, RuntimeReading] = field(default_factory=dict)
    history: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    history_step_s: float = 10.0
    alerts: tuple[Alert, ...] = ()
    past_alerts: tuple[Alert, ...] = ()
    traffic: Traffic = Traffic()
    sessions: tuple[SessionState, ...] = ()
    refusals: tuple[RefusalCount, ...] = ()
    cloud_stopped: bool = False
    past: bool = False
    gateway: str = ""
    clients: int = 0
    undoable: Undoable | None = None
