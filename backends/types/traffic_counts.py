"""Requests of the last seconds, counted by how they ended, and the minutes of the last hour or day."""

from datetime import datetime

from msgspec import Struct, field

from backends.types.alert import Alert


class AgentTraffic(Struct, frozen=True, kw_only=True):
    """One agent's requests that ended in the window of `Traffic`."""

    agent: str
    requests: int = 0
    failed: int = 0
    refused: int = 0


class Traffic(Struct, frozen=True, kw_only=True):
    """Requests that ended in the last `window_s` seconds. Each is counted once: answered by the local zone, the cloud
    or the cache, failed, refused or cancelled; `requests` is the sum.

    A request has failed where no engine answered it, whether one was called or none could be: finish "error", or
    refused with a status of 500 and more or for a provider's quota. It is refused where a rule or a limit of the
    operator or a wrong request ended it. `agents` are up to 64, those with the most requests first. `failing_since` is
    when the first of the failures began after which no request was answered, None while requests are answered;
    `answered_at` is when the last was.
    """

    window_s: float = 90.0
    requests: int = 0
    local: int = 0
    cloud: int = 0
    cache: int = 0
    failed: int = 0
    refused: int = 0
    cancelled: int = 0
    agents: tuple[AgentTraffic, ...] = ()
    failing_since: datetime | None = None
    answered_at: datetime | None = None


class Timeline(Struct, frozen=True, kw_only=True):
    """What happened between two moments, in steps of `step_s` seconds, the oldest first; None is unknown.

    `series` has at least "requests", "failed", "refused" and "spend_usd", each the sum of a step, "latency_p50_ms" and
    "latency_p95_ms" of the requests that were answered, and what was sampled in a step: "queue.ENGINE",
    "oldest_wait_s.ENGINE", "health.ENGINE", "tokens_per_s.ENGINE", "gpu.N.utilisation", "cache.hit_share". `alerts` are
    those that stood at any time of it, oldest first.
    """

    since: datetime
    until: datetime
    step_s: float
    series: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
