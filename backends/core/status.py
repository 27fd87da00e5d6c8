"""A core's status, put together from what stands ready: no list of requests, no history, nothing read from a file."""

from collections.abc import Iterable

from msgspec.structs import replace

from backends.types import ZERO, Alert, BudgetState, EngineState, EngineStatus


def worst(alerts: Iterable[Alert]) -> Alert | None:
    """The worst of those that are not silenced, of several the one that began first; its provider's words and its
    choices are left out.
    """
    loud = sorted(heard(alerts), key=lambda alert: (alert.severity != "critical", alert.since))
    return replace(loud[0], detail="", choices=()) if loud else None


def heard(alerts: Iterable[Alert]) -> list[Alert]:
    """Those that are not silenced."""
    return [alert for alert in alerts if alert.state != "silenced"]


def engine_status(engine: EngineState) -> EngineStatus:
    return EngineStatus(
        name=engine.name, zone=engine.zone, health=engine.health, stopped=engine.stopped, draining=engine.draining
    )


def tightest(budgets: Iterable[BudgetState]) -> BudgetState | None:
    """The budget of which the largest share is used, reservations included."""
    return max((budget for budget in budgets if budget.limit_usd > ZERO), key=_used, default=None)


def _used(budget: BudgetState) -> float:
    return float((budget.spent_usd + budget.reserved_usd) / budget.limit_usd)
