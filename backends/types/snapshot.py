"""The whole core at one moment: engines, agents, requests, alerts."""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from backends.types.cache_stats import CacheStats
from backends.types.decision import Explanation
from backends.types.literals import EngineName, Health, Policy, Zone
from backends.types.operator_actions import Action
from backends.types.outcome import Outcome
from backends.types.session import RefusalCount, SessionState
from backends.types.spend import ForecastSummary, Spend
from backends.types.telemetry import GpuReading, HostReading, RuntimeReading


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
    that prompt and answer may have together, None where that is not known yet.
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


class InFlight(Struct, frozen=True, kw_only=True):
    id: str
    agent: str
    engine: EngineName
    zone: Zone
    model: str
    stage: Literal["waiting", "called", "streaming"]
    started_at: datetime


class AgentState(Struct, frozen=True, kw_only=True):
    name: str
    policy: Policy
    pinned: EngineName | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """One of the ways to answer an alert: what it is called on screen, and the action that it takes."""

    label: str
    action: Action


class Alert(Struct, frozen=True, kw_only=True):
    """A condition that holds now. `key` names it: raising it again replaces, clearing removes it.

    `choices` are what the operator can do about it with one key, in their order.
    """

    key: str
    at: datetime
    level: Literal["warning", "alert"]
    text: str
    remedy: str = ""
    choices: tuple[Choice, ...] = ()


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
    forecast_summary: ForecastSummary | None = None
    cache: CacheStats = CacheStats()
    gpu: GpuReading | None = None
    host: HostReading | None = None
    runtime: RuntimeReading | None = None
    runtimes: dict[EngineName, RuntimeReading] = field(default_factory=dict)
    history: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    history_step_s: float = 10.0
    alerts: tuple[Alert, ...] = ()
    sessions: tuple[SessionState, ...] = ()
    refusals: tuple[RefusalCount, ...] = ()
    cloud_stopped: bool = False
