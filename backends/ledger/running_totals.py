"""The running totals behind every budget and the spend pane: the file's sums, in memory.

Totals are changed only on a copy, which is put in place when the transaction that goes with it has committed. What the
dictionaries hold is immutable, so a copy costs a few microseconds.
"""

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from itertools import islice

from msgspec.structs import replace

from backends.errors import BudgetExceeded, BudgetHeld, SessionBudgetExceeded
from backends.ledger import budget_windows
from backends.ledger.budget_limits import Key, covers, in_force, member
from backends.ledger.reservations import NOT_LIMITED, BudgetTotals, Charge, Headroom, OpenCall, Payer, Reservation
from backends.settings.money import EACH, Budget
from backends.types import ZERO, AgentSpend, BudgetState, Spend

NOTHING = BudgetTotals()

MEMBERS = 2048
"""Sessions and runs whose totals are kept, about 1 kB each: the last used, and all with a call in flight. Those of the
others are read from the file again when they are needed.
"""

Place = tuple[int, datetime, str]
"""A budget by its index, where its window began, and the session or run, "" where the budget is for all together."""


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
        self._each = any(budget.scope in EACH for budget in self._budgets)
        self.timezone = timezone
        self._timezones = tuple(budget_windows.timezone_of(budget.timezone) or timezone for budget in self._budgets)
        self.moment = now.astimezone(UTC)
        self.starts = self.starts_at(now)
        self.day_start = budget_windows.start("day", now, timezone)
        self.month_start = budget_windows.start("month", now, timezone)
        self._turns_at = self._next_turn()
        self._totals: dict[Place, BudgetTotals] = {}
        self._members: dict[Place, BudgetTotals] = {}
        self._open: dict[str, OpenCall] = {}
        self._today: dict[str, AgentSpend] = {}
        self._today_by_engine: dict[str, Decimal] = {}
        self._month = (ZERO, ZERO)

    def copy(self) -> "RunningTotals":
        copied = copy.copy(self)
        copied._totals, copied._open, copied._today = self._totals.copy(), self._open.copy(), self._today.copy()
        copied._members = self._members.copy()
        copied._today_by_engine = self._today_by_engine.copy()
        return copied

    # ---- time

    def advance(self, now: datetime) -> None:
        """Move on to `now`. A wall clock that jumped back reopens no window: time stands still until it catches up."""
        self.moment = max(self.moment, now)
        if self.moment < self._turns_at:
            return
        self.starts = tuple(map(max, self.starts, self.starts_at(self.moment)))
        self._totals, self._members = self._running(self._totals), self._running(self._members)
        day, month = (budget_windows.start(window, self.moment, self.timezone) for window in ("day", "month"))
        if day > self.day_start:
            self.day_start, self._today, self._today_by_engine = day, {}, {}
        if month > self.month_start:
            self.month_start, self._month = month, (ZERO, ZERO)
        self._turns_at = self._next_turn()

    def _running(self, totals: dict[Place, BudgetTotals]) -> dict[Place, BudgetTotals]:
        """Those of windows that have not ended, or in which a call is still open."""
        return {place: one for place, one in totals.items() if one.calls or place[1] == self.starts[place[0]]}

    def forget_idle(self) -> None:
        """Keep the last used MEMBERS. To be called only while the file has everything that they have spent."""
        beyond = len(self._members) - MEMBERS
        if beyond > 0:
            idle = (place for place, totals in self._members.items() if not totals.calls)
            for place in list(islice(idle, beyond)):
                del self._members[place]

    def _next_turn(self) -> datetime:
        every = {(budget.window, timezone) for budget, timezone in zip(self._budgets, self._timezones, strict=True)}
        ends = [budget_windows.end(window, self.moment, timezone) for window, timezone in every]
        return min(
            moment for moment in (*ends, budget_windows.end("day", self.moment, self.timezone)) if moment is not None
        )

    # ---- changes

    def admit(self, id: str, payer: Payer, reservation: Reservation) -> OpenCall:
        """Open a call with its first reservation. Raises BudgetExceeded and changes nothing where it does not fit.

        What `unknown` names counts as nothing spent.
        """
        call = OpenCall(payer=payer, charged_at=self.moment, starts=self.starts)
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
        for place in self._places(call.payer, call.starts):
            totals = self._at(place)
            self._put(place, replace(totals, calls=totals.calls + 1))
        for reservation in call.reservations:
            self._hold(id, reservation)

    def settle(self, id: str, charges: Sequence[Charge]) -> None:
        """Release an open call's reservations and charge its windows. KeyError: not open."""
        call = self._open.pop(id)
        for reservation in call.reservations:
            self._reserved(call, reservation, -reservation.usd)
        for charge in charges:
            for place in self._covering(call, charge):
                self._put(place, self._at(place).charged(charge))
        for place in self._places(call.payer, call.starts):
            totals = self._at(place)
            self._put(place, replace(totals, calls=totals.calls - 1))

    def charge(self, payer: Payer, charges: Sequence[Charge]) -> None:
        """Charge the current windows for a call that was never admitted."""
        for charge in charges:
            for index in range(len(self._budgets)):
                self.charge_one(index, payer, charge)

    def charge_one(self, index: int, payer: Payer, charge: Charge) -> None:
        """Charge the current window of one budget, where the call falls under it.

        One that `unknown` would name is left alone: it is in the file, and counts when that is read.
        """
        place = self._place(index, self.starts[index], payer)
        if self._covers(index, payer, charge.engine, charge.model) and (not place[2] or place in self._members):
            self._put(place, self._at(place).charged(charge))

    def unknown(self, payer: Payer, starts: Sequence[datetime] | None = None) -> list[Place]:
        """The budgets of its session and run, in the windows that began at `starts`, by default the current ones, of
        which nothing is known here.
        """
        if not self._each:
            return []
        places = self._places(payer, self.starts if starts is None else starts)
        return [place for place in places if place[2] and place not in self._members]

    def set_member(self, place: Place, totals: BudgetTotals) -> None:
        """Set what a session or run has spent in a window, as the file has it."""
        self._members[place] = totals

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
        for place in self._covering(call, of):
            self._put(place, self._at(place).held(usd))

    def _covering(self, call: OpenCall, of: Reservation | Charge) -> list[Place]:
        return [
            self._place(index, began, call.payer)
            for index, began in enumerate(call.starts)
            if self._covers(index, call.payer, of.engine, of.model)
        ]

    def _place(self, index: int, began: datetime, payer: Payer) -> Place:
        return index, began, member(self._budgets[index].scope, payer) if self._each else ""

    def _places(self, payer: Payer, starts: Sequence[datetime]) -> list[Place]:
        return [self._place(index, began, payer) for index, began in enumerate(starts)]

    def _at(self, place: Place) -> BudgetTotals:
        return (self._members if place[2] else self._totals).get(place, NOTHING)

    def _put(self, place: Place, totals: BudgetTotals) -> None:
        if place[2]:
            self._members.pop(place, None)  # the last used stands last
            self._members[place] = totals
        else:
            self._totals[place] = totals

    def _check(self, call: OpenCall, reservation: Reservation) -> None:
        """A call that costs nothing always fits, even in a budget that a bill has overrun.

        Raises BudgetHeld where it would fit once the calls in flight have ended.
        """
        if not reservation.usd:
            return
        failing = [
            self._state(place)
            for place in self._places(call.payer, call.starts)
            if self._covers_hard(place[0], call.payer, reservation.engine, reservation.model)
            and reservation.usd > self._remaining(place)
        ]
        if failing:
            refusing = next((state for state in failing if state.on_exceeded == "refuse"), failing[0])
            if all(state.limit_usd - state.spent_usd >= reservation.usd for state in failing):
                raise BudgetHeld(budget=refusing, on_exceeded=refusing.on_exceeded)
            if refusing.scope in EACH:
                resets_s = self._seconds_to(refusing.resets_at)
                raise SessionBudgetExceeded.of(refusing.scope, resets_s=resets_s, budget=refusing)
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

    def scope(self, index: int) -> str:
        return self._budgets[index].scope

    @property
    def starts_of_each(self) -> tuple[datetime, ...]:
        """Where the windows of the budgets for each session or run began."""
        return tuple(start for index, start in enumerate(self.starts) if self.scope(index) in EACH)

    @property
    def open_ids(self) -> tuple[str, ...]:
        return tuple(self._open)

    def states(self) -> tuple[BudgetState, ...]:
        return tuple(
            self._state_of_each(index, began) if self._budgets[index].scope in EACH else self._state((index, began, ""))
            for index, began in enumerate(self.starts)
        )

    def headroom(
        self, payer: Payer, engine: str, model: str, known: "dict[tuple[int, ...], Headroom] | None" = None
    ) -> Headroom:
        """What the tightest hard budget leaves for such a call; where `unknown` names one, nothing is spent of it yet.

        `known` keeps what was found for the same budgets, for whoever asks of one payer and many engines at one moment.
        """
        covering = tuple(index for index in range(len(self.starts)) if self._covers_hard(index, payer, engine, model))
        if known is not None and covering in known:
            return known[covering]
        found = self._tightest([self._place(index, self.starts[index], payer) for index in covering])
        if known is not None:
            known[covering] = found
        return found

    def _tightest(self, covering: Sequence[Place]) -> Headroom:
        hard = [(max(ZERO, self._remaining(place)), place) for place in covering]
        if not hard:
            return NOT_LIMITED
        left, place = min(hard)
        budget = self._budgets[place[0]]
        unspent, tightest = min((max(ZERO, self._unspent(other)), other) for other in covering)
        resets_at = self._state(tightest).resets_at
        return Headroom(
            left_usd=left,
            on_exceeded=budget.on_exceeded,
            scope=budget.scope,
            unspent_usd=unspent,
            limit_usd=self._budgets[tightest[0]].limit_usd,
            resets_at=resets_at,
            resets_s=self._seconds_to(resets_at),
        )

    def _seconds_to(self, moment: datetime | None) -> float | None:
        return None if moment is None else max(0.0, (moment - self.moment).total_seconds())

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

    def _covers_hard(self, index: int, payer: Payer, engine: str, model: str) -> bool:
        return self._budgets[index].on_exceeded != "alert" and self._covers(index, payer, engine, model)

    def _covers(self, index: int, payer: Payer, engine: str, model: str) -> bool:
        return covers(self._budgets[index].scope, payer, engine, model, self.groups.get(payer.agent))

    def _remaining(self, place: Place) -> Decimal:
        """What a budget's window has left; below 0 where more was billed, or the limit was lowered."""
        totals = self._at(place)
        return self._budgets[place[0]].limit_usd - totals.spent - totals.reserved

    def _unspent(self, place: Place) -> Decimal:
        """What it would have left with no call in flight."""
        return self._budgets[place[0]].limit_usd - self._at(place).spent

    def _state_of_each(self, index: int, began: datetime) -> BudgetState:
        """The state of the session or run that has used most; how many of those known here are near their limit."""
        budget = self._budgets[index]
        near_from, near, spent_out, most, fullest = budget.limit_usd * Decimal(str(budget.alert_at)), 0, 0, ZERO, ""
        found = [(place[2], totals) for place, totals in self._members.items() if place[:2] == (index, began)]
        for name, totals in found:
            used = totals.spent + totals.reserved
            near += used >= near_from
            spent_out += used >= budget.limit_usd
            if used > most:
                most, fullest = used, name
        state = self._state((index, began, fullest))
        return replace(state, members=len(found), near=near, spent_out=spent_out)

    def _state(self, place: Place) -> BudgetState:
        index, began, _ = place
        budget, totals = self._budgets[index], self._at(place)
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
