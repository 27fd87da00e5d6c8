"""The header: is each engine well, what did today cost, is anything wrong; tabs, footer, a tiny screen's line."""

from collections.abc import Sequence

from rich.cells import cell_len

from backends.types import BudgetState, EngineState, Spend
from console.present.figures import bar, clock, limit, total
from console.present.marks import health
from console.present.rows import Row, Span, Tone, fit, span, spread, width
from console.present.safe import SafeText, clip, safe
from console.state import ViewState


def header(state: ViewState, cells: int) -> Row:
    """One row of exactly `cells` cells. Room goes first to flags and money, then to the engines' names."""
    right = _right(state, cells)
    flags = _flags(state, cells)
    named = cells >= (100 if flags else 60)
    left: Row = (span(" claw " if named else " ", "title"),)
    if state.connection.phase == "live" or state.engines:
        room = cells - width(left) - width(flags) - width(right) - 1
        left = (*left, *_engines(state.engines, room, faded=state.connection.phase == "lost"))
    return spread((*left, *flags), right, cells) if cells > 0 else ()


def _engines(engines: Sequence[EngineState], room: int, *, faded: bool) -> Row:
    """Each engine's health, role and label; labels shrink together, then go, then the roles go."""
    if not engines:
        return (span("no engine ", "bad"),)
    labels = [safe(engine.label or engine.model) for engine in engines]
    each = room // len(engines)
    shown = _shrunk(labels, room - 11 * len(engines))
    spans: list[Span] = []
    for engine, label in zip(engines, shown, strict=True):
        sign = health(engine)
        spans.append(span(sign.text, "dim") if faded else sign)
        if each >= 9:
            spans.append(span(f" {engine.name}", engine.zone))
        if label:
            spans += [span(" "), Span(label, "dim" if faded else "text")]
        spans.append(span("  " if each >= 9 else " "))
    return tuple(spans)


def _shrunk(labels: Sequence[SafeText], room: int) -> list[SafeText]:
    """Labels in `room` cells together: short ones whole, long ones cut alike; none where little would be left."""
    wanted = [cell_len(label) for label in labels]
    most = max(wanted, default=0)
    while most and sum(min(length, most) for length in wanted) > room:
        most -= 1
    return [
        clip(label, most) if most >= min(6, length) else SafeText()
        for label, length in zip(labels, wanted, strict=True)
    ]


def _flags(state: ViewState, cells: int) -> Row:
    """Words that must not be overlooked; short where there is no room, never gone."""
    short = cells < 60
    spans: list[Span] = []
    connection = state.connection
    if connection.phase == "loading":
        spans += [span("opening the core…", "dim"), span(" ")]
    elif connection.phase == "lost":
        since = clock(connection.since)
        spans += [span(" LOST " if short else f" CORE LOST {since}, RECONNECTING ", "flag"), span(" ")]
    elif connection.phase == "failed":
        spans += [span(" NO CORE ", "flag"), span(" ")]
    if state.rehearsal:
        spans += [span(" REH " if short else " REHEARSAL ", "flag"), span(" ")]
    if state.cloud_stopped:
        spans += [span(" STOP " if short else " CLOUD STOPPED ", "flag"), span(" ")]
    return tuple(spans)


def _right(state: ViewState, cells: int) -> Row:
    spans: list[Span] = []
    if cells >= 110 and state.connection.mode:
        spans.append(span(f"{state.connection.mode}  ", "dim"))
    if state.spend is not None:
        spans += _money(state.spend, cells - 20 if state.rehearsal or state.cloud_stopped else cells)
    worst = any(alert.level == "alert" for alert in state.alerts)
    if state.alerts:
        spans += [span(" "), span(f"▲{len(state.alerts)}", "bad" if worst else "warn")]
    spans.append(span(" "))
    return tuple(spans)


def _money(spend: Spend, cells: int) -> Row:
    budget = daily(spend.budgets)
    if budget is None:
        return (span(total(spend.today_usd), "strong"), span(" today " if cells >= 60 else " ", "dim"))
    spent = span(total(budget.spent_usd), "strong")
    if cells < 36:
        return (spent,)
    of = span(f"/{limit(budget.limit_usd)}", "dim")
    return (spent, of) if cells < 70 else (spent, of, span(" "), *budget_bar(budget, 6 if cells < 110 else 12))


def daily(budgets: Sequence[BudgetState]) -> BudgetState | None:
    """The budget that the header watches: of everything a day, whose figures are today's like those beside it."""
    return next((budget for budget in budgets if (budget.scope, budget.window) == ("all", "day")), None)


def budget_bar(budget: BudgetState, cells: int) -> Row:
    """Spent, reserved and left of a budget as one line."""
    if budget.limit_usd <= 0:
        return bar((1.0, "bad", "━"), cells=cells)
    spent, reserved = (float(amount / budget.limit_usd) for amount in (budget.spent_usd, budget.reserved_usd))
    tone: Tone = "bad" if spent >= 0.95 else "warn" if spent >= 0.8 else "good"
    return bar((spent, tone, "━"), (reserved, "warn", "╍"), cells=cells)


def tabs(titles: Sequence[tuple[int, str]], chosen: int, cells: int) -> Row:
    """The panes by number; only numbers where the names do not fit."""
    spans: list[Span] = [span(" ")]
    for number, name in _names(titles, chosen, cells):
        spans += [span(name, "focus" if number == chosen else "dim"), span("  ")]
    return fit(tuple(spans), cells)


def tab_at(titles: Sequence[tuple[int, str]], chosen: int, cells: int, x: int) -> int | None:
    """The number of the tab that stands at column `x` of `tabs`."""
    start = 1
    for number, name in _names(titles, chosen, cells):
        if start <= x < start + len(name):
            return number
        start += len(name) + 2
    return None


def _names(titles: Sequence[tuple[int, str]], chosen: int, cells: int) -> list[tuple[int, str]]:
    names = [(number, f"{number} {title}") for number, title in titles]
    if sum(len(name) + 2 for _, name in names) <= cells:
        return names
    return [(number, name if number == chosen else f"{number}") for number, name in names]


Keys = Sequence[tuple[str, str]]


def footer(own: Keys, everywhere: Keys, cells: int, line: str = "", *, bad: bool = False) -> Row:
    """The keys that do something here, as many as fit, and those of everywhere; or for a moment what was done."""
    if line:
        return fit((span(" "), span(line, "bad" if bad else "good")), cells)
    right = _keys(everywhere, cells - 1)
    left = _keys(own, cells - width(right) - 2)
    return spread((span(" "), *left), right, cells)


def _keys(keys: Keys, cells: int) -> Row:
    spans: list[Span] = []
    for key, what in keys:
        entry = (span(key, "title"), span(f" {what}  ", "dim"))
        if width(spans) + width(entry) > cells:
            break
        spans += entry
    return tuple(spans)


def too_small(state: ViewState, cells: int) -> Row:
    """The one line of a screen that has no room for panes."""
    signs = [health(engine) for engine in state.engines]
    alerts = (span(f" ▲{len(state.alerts)}", "warn"),) if state.alerts else ()
    flag = (span(" REH", "flag"),) if state.rehearsal else ()
    return fit((*signs, *alerts, *flag, span(" needs 40×10" if signs else "needs 40×10", "dim")), cells)
