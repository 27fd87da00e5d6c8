"""Budgets as they are in force: claw.toml's, the limits that operators have set since, and whom each covers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import get_args

from msgspec.structs import replace

from backends.errors import WrongUse
from backends.ledger.windows import Window
from backends.settings.money import Budget
from backends.settings.money_checks import is_amount, is_scope
from backends.types import Acted, Action, BudgetState

CONTROL = "budget:"
"""How the switches begin that hold limits; window and scope follow, the value is US dollars."""

Key = tuple[str, str]
"""Scope and window."""


def control(scope: str, window: str) -> str:
    """The switch of a budget's limit."""
    return f"{CONTROL}{window}:{scope}"


def overrides(controls: Mapping[str, str]) -> dict[Key, Decimal]:
    """The limits that operators set, out of all switches; what is no amount was not written by us."""
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
    """The budgets of the settings in their order, then those that only operators made.

    Where claw.toml has two of one scope and window, a limit is for the one that refuses, not for the alert beside it.
    """
    budgets, left = list(settings), dict(limits)
    for place, budget in sorted(enumerate(settings), key=lambda each: each[1].on_exceeded == "alert"):
        limit = left.pop((budget.scope, budget.window), None)
        if limit is not None:
            budgets[place] = replace(budget, limit_usd=limit)
    made = [Budget(scope=scope, window=_window(window), limit_usd=limit) for (scope, window), limit in left.items()]
    return (*budgets, *sorted(made, key=lambda budget: (budget.scope, budget.window)))


def covers(scope: str, agent: str, engine: str, model: str, group: str | None = None) -> bool:
    """Does a budget of this scope pay for such a call?"""
    kind, _, name = scope.partition(":")
    return kind == "all" or {"agent": agent, "group": group, "engine": engine, "model": model}[kind] == name


def change(action: Action, states: Sequence[BudgetState], at: datetime) -> Acted:
    """What "set-budget" does, and how it is undone. Raises WrongUse for what is no budget, no amount, or no change."""
    scope, window, limit = action.scope or "", action.window or "", action.limit_usd
    if not is_scope(scope):
        raise WrongUse(f"{scope[:80]!r} is no scope: use all, agent:NAME, group:NAME, engine:NAME or model:NAME")
    if window not in get_args(Window):
        raise WrongUse(f"{window!r} is no window: use {', '.join(get_args(Window))}")
    if not is_amount(limit):
        raise WrongUse("a limit is 0 or more US dollars, as 5.00")
    same = [state for state in states if (state.scope, state.window) == (scope, window)]
    before = next((state for state in same if state.overridden), None)
    if limit is None and before is None:
        raise WrongUse(f"nobody has changed the budget {scope} a {window}: claw.toml's limit is in force")
    undo = Action(
        verb="set-budget",
        actor=action.actor,
        scope=scope,
        window=window,
        limit_usd=before.limit_usd if before else None,
    )
    now = "has claw.toml's limit again" if limit is None else f"is limited to ${limit:f}"
    return Acted(at=at, action=action, detail=f"budget {scope} a {window} {now}", undo=undo)


def _window(name: str) -> Window:
    found: Window = next(window for window in get_args(Window) if window == name)
    return found
