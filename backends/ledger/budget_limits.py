"""Budgets in force: those of claw.toml, with the limits that operators have set since, and which calls each covers."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import get_args

from msgspec.structs import replace

from backends.ledger.budget_windows import Window
from backends.ledger.reservations import Payer
from backends.settings.money import EACH, Budget

CONTROL = "budget:"
"""The prefix of control keys that hold limits; window and scope follow, the value is US dollars."""

Key = tuple[str, str]
"""Scope and window."""

SEPARATOR = "\x1f"
"""Stands in no name."""


def switch_of(scope: str, window: str) -> str:
    """The control key that holds a budget's limit."""
    return f"{CONTROL}{window}:{scope}"


def overrides(controls: Mapping[str, str]) -> dict[Key, Decimal]:
    """The limits that operators set, out of all controls. A value that is no amount was not written by claw."""
    found = {}
    for name, value in controls.items():
        if name.startswith(CONTROL):
            window, _, scope = name.removeprefix(CONTROL).partition(":")
            try:
                found[scope, window] = Decimal(value)
            except InvalidOperation:
                continue
    return found


def in_force(settings: Sequence[Budget], limits: Mapping[Key, Decimal]) -> tuple[Budget, ...]:
    """The budgets of the settings in their order, then those that exist only by an operator's action.

    Where claw.toml has two of one scope and window, a limit is for the one that refuses, not for the alert beside it.
    """
    budgets, left = list(settings), dict(limits)
    for place, budget in sorted(enumerate(settings), key=lambda each: each[1].on_exceeded == "alert"):
        limit = left.pop((budget.scope, budget.window), None)
        if limit is not None:
            budgets[place] = replace(budget, limit_usd=limit)
    made = [Budget(scope=scope, window=_window(window), limit_usd=limit) for (scope, window), limit in left.items()]
    return (*budgets, *sorted(made, key=lambda budget: (budget.scope, budget.window)))


def covers(scope: str, payer: Payer, engine: str, model: str, group: str | None = None) -> bool:
    """Does a budget of this scope pay for such a call?"""
    kind, _, name = scope.partition(":")
    if kind in EACH:
        return bool(member(scope, payer))
    return kind == "all" or {"agent": payer.agent, "group": group, "engine": engine, "model": model}[kind] == name


def member(scope: str, payer: Payer) -> str:
    """Which session or run a call belongs to, for a budget that limits each by itself; "" for other budgets.

    A session is its agent's own. A run may be several agents'; without a name for it, it is the session.
    """
    if scope == "run" and payer.run:
        return f"run{SEPARATOR}{payer.run}"
    return f"{payer.agent}{SEPARATOR}{payer.session}" if scope in EACH and payer.session else ""


def _window(name: str) -> Window:
    found: Window = next(window for window in get_args(Window) if window == name)
    return found
