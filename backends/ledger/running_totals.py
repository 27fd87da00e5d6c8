"""The running totals behind every budget and the spend pane: the file's sums, in memory.

Totals are changed only on a copy, which is put in place when the transaction that goes with it has committed. What the
dictionaries hold is immutable, so a copy costs a few microseconds.
"""

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from msgspec.structs import replace

from backends.errors import BudgetExceeded, BudgetHeld
from backends.ledger import budget_windows
from backends.ledger.budget_limits import Key, covers, in_force
from backends.ledger.reservations import BudgetTotals, Charge, Headroom, OpenCall, Reservation
from backends.settings.money import Budget
from backends.types import ZERO, AgentSpend, BudgetState, Spend

NOTHING = BudgetTotals()


class RunningTotals:
    def __init__(
        self,
        budgets: Sequence[Budget],
        now: datetime,
        timezone: tzinfo | None = None,
        *,
        groups: Mapping[str, str] | None = None,
        limits: Mapping[Key, Decimal] | None = None,
    ) -> None:
        """`timezone` is that of budgets that name none, None the machine's own. `groups` are the agents' groups.

        `limits` are what operators set in place of the settings'. Call `advance` before anything later than `now`.
        """
        self.settings = tuple(budgets)
        self.groups = dict(groups or {})
        self._budgets = in_force(self.settings, limits or {})
        self.timezone = timezone
        self._timezones = tuple(budget_windows.timezone_of(budget.timezone) or timezone for budget in self._budgets)
        self.moment = now.astimezone(UTC)
        self.starts = self.starts_at(now)
        self.day_start = budget_windows.start("day", now, timezone)
        self.month_start = budget_windows.start("month", now, timezone)
        self._turns_at = self._next_turn()
        self._totals: dict[tuple[int, datetime], BudgetTotals] = {}
        self._open: dict[str, OpenCall] = {}
        self._today: dict[str, AgentSpend] = {}
        self._today_by_engine: dict[str, Decimal] = {}
        self._month = (ZERO, ZERO)

    def copy(self) -> "RunningTotals":
        copied = copy.copy(self)
        copied._totals, copied._open, copied._today = self._totals.copy(), self._open.copy(), self._today.copy()
        copied._today_by_engine = self._today_by_engine.copy()
        return copied

    # ---- time

    def advance(self, now: datetime) -> None:
        """Move on to `now`. A wall clock that jumped back reopens no window: time stands still until it catches up."""
        self.moment = max(self.moment, now)
        if self.moment < self._turns_at:
            return
        self.starts = tuple(map(max, self.starts, self.starts_at(self.moment)))
        self._totals = {
            (index, began): totals
            for (index, began), totals in self._totals.items()
            if totals.calls or began == self.starts[index]
        }
        day, month = (budget_windows.start(window, self.moment, self.timezone) for window in ("day", "month"))
        if day > self.day_start:
            self.day_start, self._today, self._today_by_engine = day, {}, {}
        if month > self.month_start:
            self.month_start, self._month = month, (ZERO, ZERO)
        self._turns_at = self._next_turn()

    def _next_turn(self) -> datetime:
        every = {(budget.window, timezone) for budget, timezone in zip(self._budgets, self._timezones, strict=True)}
        ends = [budget_windows.end(window, self.moment, timezone) for window, timezone in every]
        return min(
            moment for moment in (*ends, budget_windows.end("day", self.moment, self.timezone)) if moment is not None
        )

    # ---- changes

    def admit(self, id: str, agent: str, reservation: Reservation) -> OpenCall:
        """Open a call with its first reservation. Raises BudgetExceeded and changes nothing where it does not fit."""
        call = OpenCall(agent=agent, charged_at=self.moment, starts=self.starts)
        self._check(call, reservation)
        self.reopen(id, call)
        self._hold(id, reservation)
        return call

    def reserve(self, id: str, reservation: Reservation) -> None:
        """A further reservation of an open call, in the windows of its admission. Raises as `admit` does."""
        self._check(self._open[id], reservation)
        self._hold(id, reservation)

    def reopen(self, id: str, call: OpenCall) -> None:
        """Add a call that was admitted earlier, without checking its reservations."""
        self._open[id] = replace(call, reservations=())
        for key in enumerate(call.starts):
            totals = self._totals.get(key, BudgetTotals())
            self._totals[key] = replace(totals, calls=totals.calls + 1)
        for reservation in call.reservations:
            self._hold(id, reservation)

    def settle(self, id: str, charges: Sequence[Charge]) -> None:
        """Release an open call's reservations and charge its windows. KeyError: not open."""
        call = self._open.pop(id)
        for reservation in call.reservations:
            self._reserved(call, reservation, -reservation.usd)
        for charge in charges:
            for key in self._covering(call, charge):
                self._totals[key] = self._totals[key].charged(charge)
        for key in enumerate(call.starts):
            totals = self._totals[key]
            self._totals[key] = replace(totals, calls=totals.calls - 1)

    def charge(self, agent: str, charges: Sequence[Charge]) -> None:
        """Charge the current windows for a call that was never admitted."""
        for charge in charges:
            for index in range(len(self._budgets)):
                self.charge_one(index, agent, charge)

    def charge_one(self, index: int, agent: str, charge: Charge) -> None:
        """Charge the current window of one budget, where the call falls under it."""
        if self._covers(index, agent, charge.engine, charge.model):
            key = (index, self.starts[index])
            self._totals[key] = self._totals.get(key, BudgetTotals()).charged(charge)

    def count(
        self, agent: str, charged_at: datetime, cost: Decimal, baseline: Decimal, charges: Sequence[Charge]
    ) -> None:
        """Add a final row and its charges to the spend of its day and month."""
        if charged_at >= self.month_start:
            self._month = (self._month[0] + cost, self._month[1] + baseline)
        if charged_at >= self.day_start:
            before = self._today.get(agent) or AgentSpend(agent=agent, requests=0, cost_usd=ZERO, baseline_usd=ZERO)
            self._today[agent] = AgentSpend(
                agent=agent,
                requests=before.requests + 1,
                cost_usd=before.cost_usd + cost,
                baseline_usd=before.baseline_usd + baseline,
            )
            for charge in charges:
                engine = charge.engine
                self._today_by_engine[engine] = self._today_by_engine.get(engine, ZERO) + charge.usd

    def _hold(self, id: str, reservation: Reservation) -> None:
        call = self._open[id]
        self._open[id] = replace(call, reservations=(*call.reservations, reservation))
        self._reserved(call, reservation, reservation.usd)

    def _reserved(self, call: OpenCall, of: Reservation, usd: Decimal) -> None:
        for key in self._covering(call, of):
            self._totals[key] = self._totals[key].held(usd)

    def _covering(self, call: OpenCall, of: Reservation | Charge) -> list[tuple[int, datetime]]:
        return [
            (index, began)
            for index, began in enumerate(call.starts)
            if self._covers(index, call.agent, of.engine, of.model)
        ]

    def _check(self, call: OpenCall, reservation: Reservation) -> None:
        """A call that costs nothing always fits, even in a budget that a bill has overrun.

        Raises BudgetHeld where it would fit once the calls in flight have ended.
        """
        if not reservation.usd:
            return
        failing = [
            self._state(index, began)
            for index, began in enumerate(call.starts)
            if self._covers_hard(index, call.agent, reservation.engine, reservation.model)
            and reservation.usd > self._remaining(index, began)
        ]
        if failing:
            refusing = next((state for state in failing if state.on_exceeded == "refuse"), failing[0])
            if all(state.limit_usd - state.spent_usd >= reservation.usd for state in failing):
                raise BudgetHeld(budget=refusing, on_exceeded=refusing.on_exceeded)
            wait = "" if refusing.window == "total" else f", or wait for the next {refusing.window}"
            raise BudgetExceeded(
                f"the {refusing.window} budget of {refusing.scope} has ${refusing.left_usd:f} left"
                f" of ${refusing.limit_usd:f} and the call may cost ${reservation.usd:f}: raise its limit_usd{wait}",
                budget=refusing,
                on_exceeded=refusing.on_exceeded,
            )

    def set_spend(
        self, today: dict[str, AgentSpend], by_engine: dict[str, Decimal], month: tuple[Decimal, Decimal]
    ) -> None:
        """Set what was spent today, by agent, and in this month (cost, baseline), as the file has it."""
        self._today, self._today_by_engine, self._month = today, by_engine, month

    # ---- views

    def at(self, now: datetime) -> "RunningTotals":
        """The totals as of `now`: self, or a copy where a window has ended since the last change."""
        if now < self._turns_at:
            return self
        copied = self.copy()
        copied.advance(now)
        return copied

    def starts_at(self, moment: datetime) -> tuple[datetime, ...]:
        """The windows that a call admitted at `moment` is charged to."""
        return tuple(
            budget_windows.start(budget.window, moment, timezone)
            for budget, timezone in zip(self._budgets, self._timezones, strict=True)
        )

    def replace_with(self, other: "RunningTotals") -> None:
        """Become a copy of other totals."""
        self.__dict__.update(other.copy().__dict__)

    def apply_limits(self, limits: Mapping[Key, Decimal]) -> bool:
        """Change the limits of the same budgets; False, and nothing is changed, where the budgets are others."""
        budgets = in_force(self.settings, limits)
        same = [(one.scope, one.window) for one in budgets] == [(one.scope, one.window) for one in self._budgets]
        if same:
            self._budgets = budgets
        return same

    def open_call(self, id: str) -> OpenCall | None:
        return self._open.get(id)

    @property
    def open_ids(self) -> tuple[str, ...]:
        return tuple(self._open)

    def states(self) -> tuple[BudgetState, ...]:
        return tuple(self._state(index, began) for index, began in enumerate(self.starts))

    def headroom(
        self, agent: str, engine: str, model: str, known: "dict[tuple[int, ...], Headroom] | None" = None
    ) -> Headroom:
        """What the tightest hard budget leaves for such a call. `known` keeps what was found for the same budgets, for
        whoever asks of many engines at one moment.
        """
        covering = tuple(index for index in range(len(self.starts)) if self._covers_hard(index, agent, engine, model))
        if known is not None and covering in known:
            return known[covering]
        found = self._tightest(covering)
        if known is not None:
            known[covering] = found
        return found

    def _tightest(self, covering: tuple[int, ...]) -> Headroom:
        hard = [(max(ZERO, self._remaining(index, self.starts[index])), index) for index in covering]
        if not hard:
            return Headroom(left_usd=None, on_exceeded=None, scope=None)
        left, index = min(hard)
        budget = self._budgets[index]
        unspent, tightest = min((max(ZERO, self._unspent(other, self.starts[other])), other) for _, other in hard)
        return Headroom(
            left_usd=left,
            on_exceeded=budget.on_exceeded,
            scope=budget.scope,
            unspent_usd=unspent,
            limit_usd=self._budgets[tightest].limit_usd,
            resets_at=self._state(tightest, self.starts[tightest]).resets_at,
        )

    def spend(self) -> Spend:
        agents = sorted(self._today.values(), key=lambda one: (-one.cost_usd, -one.requests, one.agent))
        return Spend(
            today_usd=sum((one.cost_usd for one in agents), ZERO),
            today_baseline_usd=sum((one.baseline_usd for one in agents), ZERO),
            month_usd=self._month[0],
            month_baseline_usd=self._month[1],
            today_requests=sum(one.requests for one in agents),
            by_agent=tuple(agents),
            by_engine=self._today_by_engine.copy(),
            budgets=self.states(),
        )

    def _covers_hard(self, index: int, agent: str, engine: str, model: str) -> bool:
        return self._budgets[index].on_exceeded != "alert" and self._covers(index, agent, engine, model)

    def _covers(self, index: int, agent: str, engine: str, model: str) -> bool:
        return covers(self._budgets[index].scope, agent, engine, model, self.groups.get(agent))

    def _remaining(self, index: int, began: datetime) -> Decimal:
        """What a budget's window has left; below 0 where more was billed, or the limit was lowered."""
        totals = self._totals.get((index, began), NOTHING)
        return self._budgets[index].limit_usd - totals.spent - totals.reserved

    def _unspent(self, index: int, began: datetime) -> Decimal:
        """What it would have left with no call in flight."""
        return self._budgets[index].limit_usd - self._totals.get((index, began), NOTHING).spent

    def _state(self, index: int, began: datetime) -> BudgetState:
        budget, totals = self._budgets[index], self._totals.get((index, began), BudgetTotals())
        before = self.settings[index].limit_usd if index < len(self.settings) else None
        over = totals.spent + totals.reserved - budget.limit_usd
        return BudgetState(
            scope=budget.scope,
            window=budget.window,
            limit_usd=budget.limit_usd,
            spent_usd=totals.spent,
            reserved_usd=totals.reserved,
            left_usd=max(ZERO, budget.limit_usd - totals.spent - totals.reserved),
            on_exceeded=budget.on_exceeded,
            resets_at=budget_windows.end(budget.window, max(began, self.moment), self._timezones[index]),
            alert_at=budget.alert_at,
            timezone=budget.timezone,
            overridden=before != budget.limit_usd,
            settings_limit_usd=before,
            overrun_usd=min(totals.beyond, max(ZERO, over)),
            overrun_by=totals.beyond_by,
        )
