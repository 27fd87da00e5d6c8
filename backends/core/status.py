"""A core's status, put together from what stands ready: no list of requests, no history, nothing read from a file."""

from collections.abc import Iterable

from msgspec.structs import replace

from backends.types import ZERO, Alert, BudgetState, EngineState, EngineStatus, StatusSeverity


def worst(alerts: Iterable[Alert]) -> Alert | None:
    """The worst of those that are not silenced, of several the one that began first; its provider's words and its
    choices are left out.
    """
    loud = sorted(heard(alerts), key=lambda alert: (alert.severity != "critical", alert.since))
    return replace(loud[0], detail="", choices=()) if loud else None


def heard(alerts: Iterable[Alert]) -> list[Alert]:
    """Those that are not silenced."""
    return [alert for alert in alerts if alert.state != "silenced"]


def severity(worst: Alert | None, engines: Iterable[EngineStatus]) -> StatusSeverity:
    """That of the worst alert; nothing is ok while an engine is unwell, which `detail` tells of."""
    if worst is not None:
        return worst.severity
    return "warning" if any(engine.detail for engine in engines) else "ok"


def engine_status(engine: EngineState, alerts: Iterable[Alert]) -> EngineStatus:
    """An engine is not well while an alert about it stands, silenced or not."""
    told = any(alert.concerns(engine.name) for alert in alerts)
    well = engine.health in ("up", "unknown")
    return EngineStatus(
        name=engine.name,
        zone=engine.zone,
        health="degraded" if told and well else engine.health,
        stopped=engine.stopped,
        draining=engine.draining,
        detail="" if told or well or engine.stopped or engine.draining else engine.detail or engine.health,
    )


def tightest(budgets: Iterable[BudgetState]) -> BudgetState | None:
    """The budget of which the largest share is used, reservations included."""
    return max((budget for budget in budgets if budget.limit_usd > ZERO), key=_used, default=None)


def _used(budget: BudgetState) -> float:
    return float((budget.spent_usd + budget.reserved_usd) / budget.limit_usd)
