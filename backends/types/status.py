"""The few figures that `claw status` tells: how bad it is, why, and what it costs."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from backends.types.alert import Alert
from backends.types.literals import EngineName, Health, Zone
from backends.types.spend import BudgetState
from backends.types.traffic_counts import Traffic

StatusSeverity = Literal["ok", "warning", "critical"]


class EngineStatus(Struct, frozen=True, kw_only=True):
    """One engine in a word. `stopped` and `draining` are an operator's doing. `detail` says why it is not up, where no
    alert does.
    """

    name: EngineName
    zone: Zone
    health: Health
    stopped: bool = False
    draining: bool = False
    detail: str = ""


class Status(Struct, frozen=True, kw_only=True):
    """A core at one moment. `severity` is that of the worst alert that stands and is not silenced, at least "warning"
    where an engine is not well and no alert says so; `worst` is that alert, of several the one that began first,
    without its provider's words and choices. `alerts` counts those that stand and are not silenced, `silenced` the
    others.

    `budget` is the one that is nearest to its limit, None without budgets.
    """

    at: datetime
    version: str
    pid: int
    started_at: datetime
    rehearsal: bool
    severity: StatusSeverity = "ok"
    worst: Alert | None = None
    alerts: int = 0
    silenced: int = 0
    traffic: Traffic = Traffic()
    engines: tuple[EngineStatus, ...] = ()
    cloud_stopped: bool = False
    today_usd: Decimal
    budget: BudgetState | None = None
