"""Where money goes: budgets, spend, and what the ledger says of both."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct, field

from backends.types.literals import ZERO

LedgerStatus = Literal["ok", "spilling", "unwritable"]
"""Rows reach the ledger's file; they are kept in a file beside it until they do; neither takes any."""


class LedgerState(Struct, frozen=True, kw_only=True):
    """Whether the ledger takes rows, and why not. `spill_share` is how full the file beside it is, 0 to 1, None while
    nothing is kept there; `wal_bytes` the size of the write-ahead log at the last commit.
    """

    status: LedgerStatus = "ok"
    detail: str = ""
    spill_share: float | None = None
    wal_bytes: int = 0


class BudgetState(Struct, frozen=True, kw_only=True):
    """A budget in its current window; `timezone` is None for the machine's own.

    Where it is `overridden`, an operator's limit is in force; `settings_limit_usd` is claw.toml's, None where it has no
    such budget. `overrun_usd` is what the models in `overrun_by` billed beyond their calls' caps and over the limit.

    Of a budget for each session or run the figures are those of the one that has used most. `members` is how many the
    core knows at this moment, `near` how many of them have reached `alert_at`, `spent_out` how many have nothing left.
    """

    scope: str
    window: str
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    left_usd: Decimal
    on_exceeded: Literal["local", "refuse", "alert"]
    resets_at: datetime | None
    alert_at: float = 0.9
    timezone: str | None = None
    overridden: bool = False
    settings_limit_usd: Decimal | None = None
    overrun_usd: Decimal = ZERO
    overrun_by: tuple[str, ...] = ()
    members: int = 0
    near: int = 0
    spent_out: int = 0


class AgentSpend(Struct, frozen=True, kw_only=True):
    agent: str
    requests: int
    cost_usd: Decimal
    baseline_usd: Decimal


class SavedBy(Struct, frozen=True, kw_only=True):
    """Where a saving comes from. `routing` is below zero where more was paid than the cloud alone would have cost."""

    routing: Decimal = ZERO
    exact_cache: Decimal = ZERO
    semantic_cache: Decimal = ZERO
    provider_cache: Decimal = ZERO
    optimisation: Decimal = ZERO

    def __add__(self, other: "SavedBy") -> "SavedBy":
        return SavedBy(
            routing=self.routing + other.routing,
            exact_cache=self.exact_cache + other.exact_cache,
            semantic_cache=self.semantic_cache + other.semantic_cache,
            provider_cache=self.provider_cache + other.provider_cache,
            optimisation=self.optimisation + other.optimisation,
        )


class Forecast(Struct, frozen=True, kw_only=True):
    """Where the running month ends, and between which sums nine times in ten; seen from `days` whole days."""

    month_end_usd: Decimal
    low_usd: Decimal
    high_usd: Decimal
    days: int


class Recommendation(Struct, frozen=True, kw_only=True):
    """A saving that the ledger points at. `usd_month` is None where it is not money; `command` is how to try it."""

    kind: str
    title: str
    usd_month: Decimal | None
    evidence: str
    command: str


class CurvePoint(Struct, frozen=True):
    """What a month of `requests` costs, by either way."""

    requests: int
    local_usd: Decimal
    cloud_usd: Decimal


class BreakEven(Struct, frozen=True, kw_only=True):
    """Where the own machine is as cheap as the cloud, for the span's mix of requests. None is "not known" or, of
    `at_requests`, "never". `capacity` is what one machine can answer in a month, working all the time.
    """

    fixed_usd_month: Decimal | None
    energy_usd: Decimal | None
    cloud_usd: Decimal | None
    seconds: float | None
    requests_month: int
    at_requests: int | None
    capacity: int | None
    note: str
    curve: tuple[CurvePoint, ...] = ()


class PriceMonth(Struct, frozen=True, kw_only=True):
    """A month's paid calls: are tokens getting cheaper, and do tasks take more of them?"""

    month: str
    requests: int
    cost_usd: Decimal
    usd_per_mtok: Decimal | None
    tokens_per_request: float | None


class Review(Struct, frozen=True, kw_only=True):
    """Where money went in the ledger's last `days`; made on demand. `baseline_usd` is the cloud alone with nothing
    cached, `cached_baseline_usd` the cloud alone with its own prefix cache.
    """

    at: datetime
    days: int
    saved_by: SavedBy
    cost_usd: Decimal
    baseline_usd: Decimal
    cached_baseline_usd: Decimal | None = None
    recommendations: tuple[Recommendation, ...]
    break_even: BreakEven
    months: tuple[PriceMonth, ...]


class ForecastSummary(Struct, frozen=True, kw_only=True):
    """Where spend goes, computed every five minutes. `by_hour` is each agent's last 24 hours in dollars, oldest
    first. `month_cached_baseline_usd` is what the cloud alone would have cost this month with its own prefix cache,
    `month_saved_beside_cache_usd` what was saved against that.
    """

    at: datetime
    forecast: Forecast | None = None
    month_saved_by: SavedBy = SavedBy()
    month_cached_baseline_usd: Decimal | None = None
    month_saved_beside_cache_usd: Decimal | None = None
    by_hour: dict[str, tuple[float, ...]] = field(default_factory=dict)


class Spend(Struct, frozen=True, kw_only=True):
    """Money in the operator's local day and month; `by_agent` and `by_engine` are today's, agents dearest first."""

    today_usd: Decimal
    today_baseline_usd: Decimal
    month_usd: Decimal
    month_baseline_usd: Decimal
    today_requests: int
    by_agent: tuple[AgentSpend, ...] = ()
    by_engine: dict[str, Decimal] = field(default_factory=dict)
    budgets: tuple[BudgetState, ...] = ()
