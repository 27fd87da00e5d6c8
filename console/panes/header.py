"""The rows that are always there: header, tabs and footer, and the one row of a screen too small for panes.

The header answers: is each engine healthy, what did today cost, is anything wrong.
"""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.events import Click
from textual.geometry import Size
from textual.message import Message

from backends.text.terminal_safe import SafeText, safe
from backends.text.times import clock
from backends.text.usd import usd_cents, usd_limit
from backends.types import BudgetState, EngineState, Health, Spend
from console.keys import Keys, everywhere
from console.messages import StateChanged
from console.present.money_rows import budget_bar
from console.present.spans import Row, Span, clip, fit, span, spread, width
from console.present.symbols import ZONES, health
from console.state import ViewState
from console.widgets.line_widget import LineWidget

URGENT: tuple[Health, ...] = ("down", "degraded", "unknown", "up")
LONGEST_NAME = 12
"""Cells of an engine's name; longer ones are cut."""
NARROWEST_ENGINE = 9
"""Cells that an engine needs to be shown with its name."""


class HeaderPane(LineWidget):
    def __init__(self) -> None:
        super().__init__()
        self.state = ViewState()

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [header(self.state, size.width)], None

    def on_state_changed(self, message: StateChanged) -> None:
        self.state = message.state
        self.redraw()


class TinyPane(HeaderPane):
    """The one row of a screen too small for panes."""

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [too_small(self.state, size.width)], None


class FooterPane(LineWidget):
    """The keys of the focused pane, or for a while the result of an action."""

    def __init__(self, *, shown_s: float = 6.0) -> None:
        """A message is shown for `shown_s` seconds."""
        super().__init__(id="footer")
        self._shown_s = shown_s
        self._keys: Keys = ()
        self._stopped = False
        self._typing = False
        self._line = ""
        self._bad = False

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [
            footer(
                self._keys,
                everywhere(stopped=self._stopped, typing=self._typing),
                size.width,
                self._line,
                bad=self._bad,
            )
        ], None

    def on_state_changed(self, message: StateChanged) -> None:
        self._stopped = message.state.cloud_stopped
        self.redraw()

    def show_keys(self, keys: Keys, *, typing: bool) -> None:
        self._keys, self._typing = keys, typing
        self.redraw()

    def show_message(self, line: str, *, bad: bool = False) -> None:
        self._line, self._bad = line, bad
        self.redraw()
        self.set_timer(self._shown_s, lambda: self._hide_message(line))

    def _hide_message(self, line: str) -> None:
        if self._line == line:
            self._line = ""
            self.redraw()


class TabsPane(LineWidget):
    """The tabs, where one pane is shown at a time."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, titles: Sequence[tuple[int, str]]) -> None:
        super().__init__(id="tabs")
        self._titles = titles
        self._chosen = titles[0][0]

    def draw(self, size: Size) -> tuple[Sequence[Row], int | None]:
        return [tabs(self._titles, self._chosen, size.width)], None

    def choose(self, number: int) -> None:
        self._chosen = number
        self.redraw()

    def on_click(self, event: Click) -> None:
        number = tab_at(self._titles, self._chosen, self.size.width, event.x)
        if number is not None:
            self.post_message(self.Chosen(number))


def header(state: ViewState, cells: int) -> Row:
    """One row of exactly `cells` cells. Room goes first to flags and money, then to the engines' names."""
    right = _right(state, cells)
    flags = _flags(state, cells)
    named = cells >= (100 if flags else 60)
    left: Row = (span(" claw " if named else " ", "title"),)
    if state.connection.phase == "live" or state.engines:
        room = cells - width(left) - width(flags) - width(right) - 1
        left = (*left, *_engines(state.engines, room, dimmed=state.connection.phase == "lost"))
    return spread((*left, *flags), right, cells) if cells > 0 else ()


def _engines(engines: Sequence[EngineState], room: int, *, dimmed: bool) -> Row:
    """Each engine's health, name and label in at most `room` cells, where that is possible.

    Labels shrink together, then go. Names are cut, then some engines become a number, healthy ones first. With no room
    for names, symbols are left.
    """
    if not engines:
        return (span("No engine ", "bad"),)
    if room < NARROWEST_ENGINE * min(len(engines), 2):
        return tuple(part for engine in engines for part in (_health(engine, dimmed=dimmed), span(" ")))
    shown = _most_important(engines, room)
    names = [_name(engine, marked=len(engines) > 2) for engine in shown]
    room_for_labels = room - sum(cell_len(name) + 5 for name in names) if len(shown) == len(engines) else 0
    labels = _shrunk([safe(engine.label or engine.model) for engine in shown], room_for_labels)
    spans: list[Span] = []
    for engine, name, label in zip(shown, names, labels, strict=True):
        spans += [_health(engine, dimmed=dimmed), span(" "), Span(name, "dim" if dimmed else engine.zone)]
        if label:
            spans += [span(" "), Span(label, "dim" if dimmed else "text")]
        spans.append(span("  "))
    if hidden := [engine for engine in engines if engine not in shown]:
        worst = min(hidden, key=_urgency)
        spans.append(span(f"+{len(hidden)} ", "dim" if dimmed or worst.health == "up" else health(worst).tone))
    return tuple(spans)


def _name(engine: EngineState, *, marked: bool) -> SafeText:
    """Where there are more than the two built-in engines, names do not tell the zone, so its symbol does."""
    return safe(f"{ZONES[engine.zone] if marked else ''}{clip(safe(engine.name), LONGEST_NAME)}")


def _health(engine: EngineState, *, dimmed: bool) -> Span:
    symbol = health(engine)
    return span(symbol.text, "dim") if dimmed else symbol


def _most_important(engines: Sequence[EngineState], room: int) -> Sequence[EngineState]:
    """The engines that fit with their names, in their order: those that are down before the healthy ones."""
    cells = {engine.name: cell_len(_name(engine, marked=len(engines) > 2)) + 4 for engine in engines}
    if sum(cells.values()) <= room:
        return engines
    room -= 4  # for the number of the others
    kept: set[str] = set()
    for engine in sorted(engines, key=_urgency):
        room -= cells[engine.name]
        if room < 0:
            break
        kept.add(engine.name)
    return [engine for engine in engines if engine.name in kept]


def _urgency(engine: EngineState) -> int:
    return URGENT.index(engine.health)


def _shrunk(labels: Sequence[SafeText], room: int) -> list[SafeText]:
    """Labels in `room` cells together: short ones whole, long ones cut alike; none where little would remain."""
    wanted = [cell_len(label) for label in labels]
    most = max(wanted, default=0)
    while most and sum(min(length, most) for length in wanted) > room:
        most -= 1
    return [
        clip(label, most) if most >= min(6, length) else SafeText()
        for label, length in zip(labels, wanted, strict=True)
    ]


def _flags(state: ViewState, cells: int) -> Row:
    """Words that nobody may overlook: short where there is no room, but always there."""
    short = cells < 60
    spans: list[Span] = []
    connection = state.connection
    if connection.phase == "loading":
        spans += [span("Opening the core…", "dim"), span(" ")]
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
    worst = any(alert.severity == "critical" for alert in state.alerts)
    if state.alerts:
        spans += [span(" "), span(f"▲{len(state.alerts)}", "bad" if worst else "warn")]
    spans.append(span(" "))
    return tuple(spans)


def _money(spend: Spend, cells: int) -> Row:
    budget = daily(spend.budgets)
    if budget is None:
        return (span(usd_cents(spend.today_usd), "strong"), span(" today " if cells >= 60 else " ", "dim"))
    spent = span(usd_cents(budget.spent_usd), "strong")
    if cells < 36:
        return (spent,)
    of = span(f"/{usd_limit(budget.limit_usd)}", "dim")
    return (spent, of) if cells < 70 else (spent, of, span(" "), *budget_bar(budget, 6 if cells < 110 else 12))


def daily(budgets: Sequence[BudgetState]) -> BudgetState | None:
    """The budget in the header: of all requests per day, because the figures beside it are today's too."""
    return next((budget for budget in budgets if (budget.scope, budget.window) == ("all", "day")), None)


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


def footer(own: Keys, everywhere: Keys, cells: int, line: str = "", *, bad: bool = False) -> Row:
    """As many of the pane's `own` keys as fit, then those of everywhere; or a message instead."""
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
    """The one row of a screen that has no room for panes."""
    signs = [health(engine) for engine in state.engines]
    alerts = (span(f" ▲{len(state.alerts)}", "warn"),) if state.alerts else ()
    flag = (span(" REH", "flag"),) if state.rehearsal else ()
    return fit((*signs, *alerts, *flag, span(" needs 40×10" if signs else "needs 40×10", "dim")), cells)
