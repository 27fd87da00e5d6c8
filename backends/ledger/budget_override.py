"""An operator's change of a budget while the core runs."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import get_args

from msgspec import Struct

from backends.errors import WrongUse
from backends.ledger.budget_limits import overrides, switch_of
from backends.ledger.budget_windows import Window
from backends.ledger.request_rows import usd_text
from backends.ledger.running_totals import RunningTotals
from backends.ledger.totals_loader import load
from backends.ledger.write_commands import Audit
from backends.settings.money import is_amount, is_scope
from backends.types import Acted, Action, BudgetState


def override_budget(action: Action, states: Sequence[BudgetState], at: datetime) -> Acted:
    """What "set-budget" does, and its undo. Raises WrongUse for a wrong scope, window or amount, or no change."""
    scope, window, limit = action.scope or "", action.window or "", action.limit_usd
    if not is_scope(scope):
        raise WrongUse(
            f"{scope[:80]!r} is not a scope: use all, agent:NAME, group:NAME, engine:NAME, model:NAME, session or run"
        )
    if window not in get_args(Window):
        raise WrongUse(f"{window!r} is not a window: use {', '.join(get_args(Window))}")
    if not is_amount(limit):
        raise WrongUse("a limit is 0 or more US dollars, such as 5.00")
    same = [state for state in states if (state.scope, state.window) == (scope, window)]
    same.sort(key=lambda state: state.on_exceeded == "alert")  # a limit is for the one that refuses
    before = next((state for state in same if state.overridden), None)
    if limit is None and before is None:
        raise WrongUse(f"the budget {scope} a {window} was not changed: claw.toml's limit is in force")
    undo = Action(
        verb="set-budget",
        actor=action.actor,
        scope=scope,
        window=window,
        limit_usd=before.limit_usd if before else None,
    )
    now = "has claw.toml's limit again" if limit is None else f"is limited to ${limit:f}"
    return Acted(
        at=at,
        action=action,
        detail=f"budget {scope} a {window} {now}",
        undo=undo,
        before=_usd(next((state.limit_usd for state in same), None)),
        after=_usd(before.settings_limit_usd if limit is None and before is not None else limit),
    )


def _usd(limit: Decimal | None) -> str:
    return "" if limit is None else f"${limit:f}"


class SetBudget(Struct, frozen=True):
    """Changes control, audit row and running totals, all or none. `acted` is what `override_budget` returned, and
    `also` are further controls.

    A budget that did not exist before is added up from the file.
    """

    acted: Acted
    also: Mapping[str, str | None]
    guaranteed = False

    def apply(self, db: sqlite3.Connection, totals: RunningTotals) -> None:
        action = self.acted.action
        limit = None if action.limit_usd is None else usd_text(action.limit_usd)
        switch = switch_of(action.scope or "", action.window or "")
        Audit(acted=self.acted, switch=switch, value=limit, also=self.also).apply(db, totals)
        controls = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM controls")}
        if not totals.apply_limits(overrides(controls)):
            totals.replace_with(load(db, totals.settings, totals.moment, totals.timezone, groups=totals.groups))
