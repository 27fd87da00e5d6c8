"""The spend pane: today, the month, each budget and each agent, beside what all-cloud would have cost."""

from datetime import datetime
from decimal import Decimal

from backends.types import ZERO, AgentSpend, BudgetState, ForecastSummary, SavedBy, Spend
from console.present.faces import notice
from console.present.figures import bar, count, limit, moment, share, sparkline, total
from console.present.header import budget_bar
from console.present.layout import wrap
from console.present.rows import BLANK, Row, cell, row, span, spread, width
from console.state import ViewState

_DOES = {"local": "then local only", "refuse": "then refused", "alert": "then an alert"}


def spend(state: ViewState, cells: int) -> list[Row]:
    money = state.spend
    if money is None:
        return [(span("loading…", "dim"),)]
    forecast_summary = state.forecast_summary
    rows = [*_totals(money, cells), *_month_end(forecast_summary, cells)]
    if forecast_summary is not None:
        rows += _month_saved_by(forecast_summary, money, cells)
    rows.append(BLANK)
    for budget in money.budgets:
        rows += [*_budget(budget, money, state.at, cells), BLANK]
    if not money.budgets:
        rows += [row(span("no budget is set: cloud spend has no limit", "warn")), BLANK]
    if not money.by_agent:
        text = "What each agent spends today appears here with its first request."
        return [*rows, *notice("no requests yet today", text, cells)]
    return [*rows, *_agents(money.by_agent, forecast_summary.by_hour if forecast_summary else {}, cells)]


PARTS = (
    ("routing", "routing"),
    ("exact_cache", "exact"),
    ("semantic_cache", "semantic"),
    ("provider_cache", "provider"),
    ("optimisation", "optimised"),
)


def _month_saved_by(forecast_summary: ForecastSummary, money: Spend, cells: int) -> list[Row]:
    """The parts are looked at every few minutes: where the month has gone on since, they say of when they are."""
    known = sum((getattr(forecast_summary.month_saved_by, field) for field, _ in PARTS), ZERO)
    now = money.month_baseline_usd - money.month_usd
    at = forecast_summary.at
    said = share(known, money.month_baseline_usd) if known == now else f"as of {moment(at, at)}"
    return saved_by(forecast_summary.month_saved_by, said, cells)


def saved_by(saved: SavedBy, said: str, cells: int) -> list[Row]:
    """Where a saving comes from, with what is `said` of it; parts of nothing are left out, all add up to the whole."""
    parts = [(name, amount) for field, name in PARTS if (amount := getattr(saved, field))]
    whole = sum((amount for _, amount in parts), ZERO)
    if not whole:
        return []
    spans = [span("saved ", "dim"), span(total(whole), "good"), span(f" ({said}):", "dim")]
    for index, (name, amount) in enumerate(parts):
        comma = "," if index < len(parts) - 1 else ""
        spans += [span(f" {name} ", "dim"), span(f"{total(amount)}{comma}")]
    return wrap(spans, max(1, cells))


def _month_end(forecast_summary: ForecastSummary | None, cells: int) -> list[Row]:
    if forecast_summary is None or (said := forecast_summary.forecast) is None:
        return [row(span("month's end –  after three whole days", "dim"))] if forecast_summary is not None else []
    left = row(span("end   ~", "dim"), span(f"{total(said.month_end_usd):>9}"))
    between = f"{total(said.low_usd)} to {total(said.high_usd)}"
    return [spread(left, row(span(f"{between}, 9 times in 10" if cells >= 44 else between, "dim")), cells)]


def summary(state: ViewState) -> Row:
    money = state.spend
    if money is None or not money.today_baseline_usd:
        return ()
    return row(span("saved ", "dim"), span(share(_saved(money), money.today_baseline_usd), "good"))


def _saved(money: Spend) -> Decimal:
    return money.today_baseline_usd - money.today_usd


def _totals(money: Spend, cells: int) -> list[Row]:
    def line(name: str, cost: Decimal, baseline: Decimal, note: str) -> Row:
        left = row(span(f"{name:<7}", "dim"), span(f"{total(cost):>9}", "strong"), span(note, "dim"))
        if not baseline:
            return left
        text = f"all-cloud {total(baseline)}" if cells >= 44 else ""
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
    name = row(span(f"{budget.scope} a {budget.window}", "text"))
    head = spread(
        name,
        row(span(f"of {limit(budget.limit_usd)}  ", "dim"), span(f"{total(budget.left_usd)} left", "strong")),
        cells,
    )
    resets = f"resets {moment(budget.resets_at, at)}, " if budget.resets_at else ""
    note = row(span(f"{resets}{_DOES[budget.on_exceeded]}", "dim"))
    spent = row(span(total(budget.spent_usd)), span(" spent", "dim"))
    reserved = row(span("╍ ", "warn"), span(total(budget.reserved_usd)), span(" reserved", "dim"))
    above: list[Row] = []
    if held := _held(budget, money):
        unbilled = row(span(", ", "dim"), span(total(held)), span(" of it held for calls whose bill is unknown", "dim"))
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
    """A line an agent: a bar of its spend today, and where there is room its last 24 hours."""
    dearest = max((agent.cost_usd for agent in agents), default=Decimal(0)) or Decimal(1)
    hours = 24 if by_hour and cells >= 64 else 12 if by_hour and cells >= 50 else 0
    rows: list[Row] = []
    length = max(4, cells - 11 - 9 - 7 - 2 - (hours + 1 if hours else 0))
    for agent in agents:
        line = bar((float(agent.cost_usd / dearest), "cloud", "━"), cells=length)
        spark = sparkline(by_hour.get(agent.agent, (0.0,) * 24), hours) if hours else ""
        figures = row(span(f"{total(agent.cost_usd):>9}"), span(f"{agent.requests:>7,}", "dim"))
        rows.append(row(cell(agent.agent, 11), *line, *([span(f" {spark}", "cloud")] if hours else []), *figures))
    return rows
