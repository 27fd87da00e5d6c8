"""Reservations and charges of calls, and their totals in a budget's window."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.types import ZERO, EngineName, Zone


class BudgetTotals(Struct, frozen=True):
    """One budget in one window: dollars spent and reserved, and how many calls are open on it.

    `beyond` is the part of `spent` that was billed above the calls' reservations, by the models in `beyond_by`.
    """

    spent: Decimal = ZERO
    reserved: Decimal = ZERO
    calls: int = 0
    beyond: Decimal = ZERO
    beyond_by: tuple[str, ...] = ()

    def held(self, usd: Decimal) -> "BudgetTotals":
        """With `usd` more reserved; less where it is negative."""
        return replace(self, reserved=self.reserved + usd)

    def charged(self, charge: "Charge") -> "BudgetTotals":
        by = self.beyond_by
        if charge.beyond and charge.model not in by:
            by = (*by, charge.model)
        return replace(self, spent=self.spent + charge.usd, beyond=self.beyond + charge.beyond, beyond_by=by)


class Reservation(Struct, frozen=True):
    """What one upstream call may cost at most."""

    engine: EngineName
    zone: Zone
    model: str
    usd: Decimal


class Payer(Struct, frozen=True):
    """For whom a call is made: its agent, the session and the run that it belongs to, "" where there is none."""

    agent: str
    session: str = ""
    run: str = ""


class OpenCall(Struct, frozen=True, kw_only=True):
    """An admitted request. `starts` are the windows it is charged to, one a budget; `charged_at` its admission."""

    payer: Payer
    charged_at: datetime
    starts: tuple[datetime, ...]
    reservations: tuple[Reservation, ...] = ()


class Charge(Struct, frozen=True):
    """`beyond` is what of `usd` was billed above the call's reservation."""

    engine: str
    model: str
    usd: Decimal
    beyond: Decimal = ZERO


class Headroom(Struct, frozen=True, kw_only=True):
    """What the tightest hard budget leaves for a call; all None where there is none.

    `unspent_usd` is the least that any of them would leave with no call in flight, of `limit_usd` in all; that one's
    window ends at `resets_at`, in `resets_s` seconds.
    """

    left_usd: Decimal | None
    on_exceeded: Literal["local", "refuse", "alert"] | None
    scope: str | None
    unspent_usd: Decimal | None = None
    limit_usd: Decimal | None = None
    resets_at: datetime | None = None
    resets_s: float | None = None


NOT_LIMITED = Headroom(left_usd=None, on_exceeded=None, scope=None)
"""Where no hard budget covers a call."""
