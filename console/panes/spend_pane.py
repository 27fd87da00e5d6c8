"""Pane 4, the spend: today, the month, each budget and each agent, beside what all-cloud would have cost.

`v` opens the savings, `b` sets a budget's limit.
"""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, cast

from textual.binding import Binding, BindingType
from textual.geometry import Size

from backends.text.measures import count, share
from backends.text.times import moment
from backends.text.usd import usd_cents, usd_limit
from backends.types import CLOUD, LOCAL, ZERO, AgentSpend, BudgetState, ForecastSummary, Spend
from console.keys import Guarded
from console.messages import RunAction
from console.present.charts import bar, dollars, sparkline
from console.present.empty_states import loading, notice
from console.present.frame import PaneBody
from console.present.history_charts import Sampled, below
from console.present.money_rows import SAVING_PARTS, beside_cache, budget_bar, saved_by
from console.present.spans import BLANK, Row, cell, row, span, spread, width
from console.present.wrapping import wrap
from console.state import ViewState
from console.widgets.pane import Pane


class SpendPane(Pane):
    NUMBER: ClassVar[int] = 4
    TITLE: ClassVar[str] = "Spend"
    LIVE_ONLY: ClassVar[frozenset[str]] = frozenset({"budget"})
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (("v", "savings"), ("b", "budget"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v,enter", "review", "what would save most"),
        Binding("b", "budget", "set a budget's limit"),
    ]

    def body(self, state: ViewState, size: Size) -> PaneBody:
        rows = spend_rows(state, size.width)
        today = Sampled("today", state.history.get("spend.today", ()), CLOUD, unit=dollars)
        return PaneBody(below(rows, state, [today], size.width, size.height))

    def summary(self, state: ViewState) -> Row:
        return saved_share(state)

    def action_review(self) -> None:
        """Show what would save most."""
        from console.overlays.savings import SavingsOverlay

        self.app.push_screen(SavingsOverlay())

    def action_budget(self) -> None:
        """Let the operator set a budget's limit."""
        from console.overlays.budget_limit import BudgetLimitOverlay

        if self.state.spend is not None and self.state.spend.budgets:
            guard = cast(Guarded, self.app).guard
            self.app.push_screen(BudgetLimitOverlay(self.state.spend.budgets, typed_by_hand=guard.allows), self._set)

    def _set(self, chosen: RunAction | None) -> None:
        if chosen is not None:
            self.post_message(chosen)


UNCACHED = 54  # cells from which the baseline says that nothing is cached in it
_DOES = {LOCAL: "then local only", "refuse": "then refused", "alert": "then an alert"}


def spend_rows(state: ViewState, cells: int) -> list[Row]:
    money = state.spend
    if money is None:
        return [loading()]
    forecast_summary = state.forecast_summary
    rows = [*_totals(money, cells), *_month_end(forecast_summary, cells)]
    if forecast_summary is not None:
        rows += _month_saved_by(forecast_summary, money, cells)
        baseline = forecast_summary.month_cached_baseline_usd
        rows += beside_cache(baseline, forecast_summary.month_saved_beside_cache_usd, cells)
    rows.append(BLANK)
    for budget in money.budgets:
        rows += [*_budget(budget, money, state.at, cells), BLANK]
    if not money.budgets:
        rows += [row(span("No budget is set: cloud spend has no limit", "warn")), BLANK]
    if not money.by_agent:
        text = "Each agent's spend appears here after its first request today."
        return [*rows, *notice("No requests yet today", text, cells)]
    return [*rows, *_agents(money.by_agent, forecast_summary.by_hour if forecast_summary else {}, cells)]


def _month_saved_by(forecast_summary: ForecastSummary, money: Spend, cells: int) -> list[Row]:
    """The parts are computed every few minutes: where the month has changed since, they carry their time."""
    known = sum((getattr(forecast_summary.month_saved_by, field) for field, _ in SAVING_PARTS), ZERO)
    now = money.month_baseline_usd - money.month_usd
    remark = (
        share(known, money.month_baseline_usd)
        if known == now
        else f"as of {moment(forecast_summary.at, forecast_summary.at)}"
    )
    return saved_by(forecast_summary.month_saved_by, remark, cells)


def _month_end(forecast_summary: ForecastSummary | None, cells: int) -> list[Row]:
    if forecast_summary is None or (forecast := forecast_summary.forecast) is None:
        return [row(span("end   –  forecast after three whole days", "dim"))] if forecast_summary is not None else []
    left = row(span("end   ~", "dim"), span(f"{usd_cents(forecast.month_end_usd):>9}"))
    between = f"{usd_cents(forecast.low_usd)} to {usd_cents(forecast.high_usd)}"
    return [spread(left, row(span(f"{between}, 90 % likely" if cells >= 44 else between, "dim")), cells)]


def saved_share(state: ViewState) -> Row:
    money = state.spend
    if money is None or not money.today_baseline_usd:
        return ()
    saved = _saved(money)
    return row(span("saved ", "dim"), span(share(saved, money.today_baseline_usd), "good" if saved > 0 else "warn"))


def _saved(money: Spend) -> Decimal:
    return money.today_baseline_usd - money.today_usd


def _totals(money: Spend, cells: int) -> list[Row]:
    def line(name: str, cost: Decimal, baseline: Decimal, note: str) -> Row:
        left = row(span(f"{name:<7}", "dim"), span(f"{usd_cents(cost):>9}", "strong"), span(note, "dim"))
        if not baseline:
            return left
        uncached = ", uncached" if cells >= UNCACHED else ""
        text = f"all-cloud{uncached} {usd_cents(baseline)}" if cells >= 44 else ""
        saved = baseline - cost
        end = span(f"  −{share(saved, baseline)}", "good") if saved > 0 else span("  nothing saved", "dim")
        return spread(left, row(span(text, "dim"), end), cells)

    noun = "request" if money.today_requests == 1 else "requests"
    requests = f"  {count(money.today_requests)} {noun}" if cells >= 60 else ""
    return [
        line("today", money.today_usd, money.today_baseline_usd, requests),
        line("month", money.month_usd, money.month_baseline_usd, ""),
    ]


def _budget(budget: BudgetState, money: Spend, at: datetime | None, cells: int) -> list[Row]:
    name = row(span(f"{budget.scope} per {budget.window}", "text"))
    head = spread(
        name,
        row(span(f"of {usd_limit(budget.limit_usd)}  ", "dim"), span(f"{usd_cents(budget.left_usd)} left", "strong")),
        cells,
    )
    resets = f"resets {moment(budget.resets_at, at)}, " if budget.resets_at else ""
    note = row(span(f"{resets}{_DOES[budget.on_exceeded]}", "dim"))
    spent = row(span(usd_cents(budget.spent_usd)), span(" spent", "dim"))
    reserved = row(span("╍ ", "warn"), span(usd_cents(budget.reserved_usd)), span(" reserved", "dim"))
    above: list[Row] = []
    if held := _held(budget, money):
        unbilled = row(span(", ", "dim"), span(usd_cents(held)), span(" of it for calls whose bill is unknown", "dim"))
        first, *rest = wrap((*spent, *unbilled), max(1, cells - 2))
        above = [row(span("━ ", "good"), *first), *(row(span("  "), *line) for line in rest)]
        last = reserved
    else:
        last = row(span("━ ", "good"), *spent, span("  "), *reserved)
    if width(last) + 2 + width(note) <= cells:
        last = spread(last, note, cells)
    return [head, budget_bar(budget, cells), *above, last]


def _held(budget: BudgetState, money: Spend) -> Decimal:
    """What is charged beyond what the window's calls cost, where both are known of the same calls."""
    costs = {"day": money.today_usd, "month": money.month_usd}
    if budget.scope != "all" or budget.window not in costs:
        return ZERO
    return max(ZERO, budget.spent_usd - costs[budget.window])


def _agents(agents: tuple[AgentSpend, ...], by_hour: dict[str, tuple[float, ...]], cells: int) -> list[Row]:
    """One line per agent: a bar of its spend today, and where there is room its last 24 hours."""
    highest = max((agent.cost_usd for agent in agents), default=Decimal(0)) or Decimal(1)
    hours = 24 if by_hour and cells >= 64 else 12 if by_hour and cells >= 50 else 0
    rows: list[Row] = []
    length = max(4, cells - 11 - 9 - 7 - 2 - (hours + 1 if hours else 0))
    for agent in agents:
        line = bar((float(agent.cost_usd / highest), CLOUD, "━"), cells=length)
        spark = sparkline(by_hour.get(agent.agent, (0.0,) * 24), hours) if hours else ""
        figures = row(span(f"{usd_cents(agent.cost_usd):>9}"), span(f"{agent.requests:>7,}", "dim"))
        rows.append(row(cell(agent.agent, 11), *line, *([span(f" {spark}", CLOUD)] if hours else []), *figures))
    return rows
