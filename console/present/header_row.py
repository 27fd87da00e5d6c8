"""The first row of the screen: is each engine well, what did today cost, is anything wrong and since when, the time.

Room goes first to what is wrong, then to money, then to what is merely good to know.
"""

from collections.abc import Sequence

from rich.cells import cell_len

from backends.text.measures import share
from backends.text.terminal_safe import SafeText, safe
from backends.text.times import clock, moment, short_age
from backends.text.usd import usd_cents, usd_limit
from backends.types import BudgetState, EngineState, Spend, Traffic
from console.present.alert_rows import worst_symbol
from console.present.engine_health import WORST_FIRST, EngineHealth, engine_health
from console.present.money_rows import budget_bar
from console.present.spans import Row, Span, Tone, clip, fit, span, spread, width
from console.present.symbols import ZONES
from console.state import ViewState

LONGEST_NAME = 12
"""Cells of an engine's name; longer ones are cut."""
NARROWEST_ENGINE = 9
"""Cells that an engine needs to be shown with its name."""
HIDDEN = 4
"""Cells for the number of the engines that have no room."""
LEVELS = range(-1, 9)
"""From everything there is to say to what nobody may overlook. Each level leaves something out, see `_sides`."""


def header(state: ViewState, cells: int) -> Row:
    """One row of exactly `cells` cells, with as much as fits."""
    if cells < 1:
        return ()
    for level in LEVELS:
        left, right = _sides(state, level)
        room = cells - width(left) - width(right) - 1
        if room >= _needed(state, level) or level == LEVELS[-1]:
            break
    shown = state.connection.phase == "live" or bool(state.engines)
    engines = _engines(state, room) if shown else ()
    flags = left[1:]
    return spread((*left[:1], *(engines + flags if level < LEVELS[-1] else flags + engines)), right, cells)


def _sides(state: ViewState, level: int) -> tuple[Row, Row]:
    """The name and the flags, and what stands at the right end.

    Left out are: from level 0 on the address, 1 how the core is reached, 2 half of the budget's bar, 3 the bar,
    4 words, 5 the name and how many requests failed, 6 the seconds, 7 the limit of the budget, 8 the time.
    """
    name = span(" claw " if level < 5 else " ", "title")
    right: list[Span] = []
    if level < 1:
        right += _address(state, whole=level < 0)
    if state.spend is not None:
        right += [*_money(state.spend, level), span("  " if level < 3 else " ")]
    if failed := _failed(state.traffic, level):
        right += [failed, span("  " if level < 3 else " ")]
    if alerts := _alerts(state, level):
        right += [alerts, span("  " if level < 3 else " ")]
    if level < 8 and not state.past and state.now is not None:
        right += [span(clock(state.now, minutes=level >= 6 or not _counts(state)), "text"), span(" ")]
    return (name, *_flags(state, short=level >= 4)), tuple(right)


def _counts(state: ViewState) -> bool:
    """Whether seconds matter: while something is wrong. Otherwise the clock is drawn once a minute."""
    return bool(state.alerts or state.traffic.failed)


def _needed(state: ViewState, level: int) -> int:
    """Cells that the engines need at a level: with their models; with what is wrong; by name; by symbol."""
    if level >= 7:
        return 2 * len(state.engines)
    cells = 0
    for engine in state.engines:
        words = engine_health(engine, state).told(state.now) if level < 6 else ""
        if level < 2:
            words = words or safe(engine.label or engine.model)
        if words or len(state.engines) <= 2:
            cells += _cells(engine, words, marked=len(state.engines) > 2)
    return max(cells, NARROWEST_ENGINE) + (HIDDEN if len(state.engines) > 2 else 0)


def _cells(engine: EngineState, words: str, *, marked: bool) -> int:
    """Cells of an engine with its symbol, its name, these words and the gap behind it."""
    return 4 + cell_len(_name(engine, marked=marked)) + (1 + cell_len(words) if words else 0)


def _address(state: ViewState, *, whole: bool) -> Row:
    words = [state.connection.mode or "", f"agents call {state.gateway}" if whole and state.gateway else ""]
    text = " · ".join(word for word in words if word)
    return (span(f"{text}  ", "dim"),) if text else ()


def _money(spend: Spend, level: int) -> Row:
    budget = daily(spend.budgets)
    if budget is None:
        cost = span(usd_cents(spend.today_usd), "strong")
        return (cost, span(" today", "dim")) if level < 4 else (cost,)
    spent = span(usd_cents(budget.spent_usd), "strong")
    if level >= 7:
        return (spent,)
    of = span(f"/{usd_limit(budget.limit_usd)}", "dim")
    return (spent, of) if level >= 3 else (spent, of, span(" "), *budget_bar(budget, 6 if level == 2 else 12))


def daily(budgets: Sequence[BudgetState]) -> BudgetState | None:
    """The budget in the header: of all requests per day, because the figures beside it are today's too."""
    return next((budget for budget in budgets if (budget.scope, budget.window) == ("all", "day")), None)


def failed_share(traffic: Traffic) -> str:
    """Of the requests that were to be answered: those that a rule refused or their client gave up are not counted."""
    return share(traffic.failed, traffic.failed + traffic.local + traffic.cloud + traffic.cache)


def _failed(traffic: Traffic, level: int) -> Span | None:
    if not traffic.failed:
        return None
    text = f"✗ {failed_share(traffic)}"
    if level < 4:
        text += f" failed ({traffic.failed:,} in {traffic.window_s:.0f} s)"
    elif level < 5:
        text += f" failed ({traffic.failed:,})"
    return span(text, "bad")


def _alerts(state: ViewState, level: int) -> Span | None:
    """How many alerts stand, and since when the oldest of the worst does, silenced ones left aside."""
    if not state.alerts:
        return None
    heard = [alert for alert in state.alerts if alert.state != "silenced"]
    critical = [alert for alert in heard if alert.severity == "critical"]
    tone: Tone = "bad" if any(alert.state == "new" for alert in critical) else "warn" if heard else "dim"
    text = f"{worst_symbol(state.alerts)}{len(state.alerts)}"
    if heard and level < 4:
        since = min(alert.since for alert in critical or heard)
        text += f" since {moment(since, state.now)}" if level < 3 else f" {moment(since, state.now)}"
    return span(text, tone)


def _flags(state: ViewState, *, short: bool) -> Row:
    """Words that nobody may overlook: short where there is no room, but always there."""
    flags: list[str] = []
    connection = state.connection
    if connection.phase == "lost":
        flags.append("LOST" if short else f"CORE LOST {clock(connection.since)}, RECONNECTING")
    elif connection.phase == "failed":
        flags.append("NO CORE")
    if state.past:
        flags.append(past_flag(state, short=short))
    if state.rehearsal:
        flags.append("REH" if short else "REHEARSAL")
    if state.cloud_stopped:
        flags.append("STOP" if short else "CLOUD STOPPED")
    opening = (span("Opening the core…", "dim"), span(" ")) if connection.phase == "loading" else ()
    return (*opening, *(part for flag in flags for part in (span(f" {flag} ", "flag"), span(" "))))


def past_flag(state: ViewState, *, short: bool = False) -> str:
    """The moment on screen, and how far away it is: `PAST 12:22 (−41 min)`, or short `PAST 12:22 −41 m`."""
    if state.at is None or state.live_at is None:
        return f"PAST {moment(state.at)}"
    seconds = (state.live_at - state.at).total_seconds()
    if short:
        return f"PAST {clock(state.at, minutes=True)} −{short_age(seconds)}"
    minutes = int(seconds // 60)
    away = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
    return f"PAST {moment(state.at, state.live_at)} (−{away})"


def _engines(state: ViewState, room: int) -> Row:
    """Each engine's health, name, and what is wrong with it or else its model, in at most `room` cells, where that is
    possible.

    Models shrink together, then go. Names are cut, then some engines become a number, healthy ones first. With no room
    for names, symbols are left.
    """
    engines = state.engines
    if not engines:
        return (span("No engine ", "bad"),)
    dim = state.connection.phase == "lost" or state.past
    healths = {engine.name: engine_health(engine, state) for engine in engines}
    if room < NARROWEST_ENGINE * min(len(engines), 2):
        return tuple(part for engine in engines for part in (_symbol(healths[engine.name], dim=dim), span(" ")))
    shown = _most_important(engines, healths, state, room)
    names = [_name(engine, marked=len(engines) > 2) for engine in shown]
    room -= sum(cell_len(name) + 4 for name in names) + (HIDDEN if len(shown) < len(engines) else 0)
    labels = _labels(shown, healths, state, room, models=len(shown) == len(engines))
    spans: list[Span] = []
    for engine, name, label in zip(shown, names, labels, strict=True):
        known = healths[engine.name]
        spans += [_symbol(known, dim=dim), span(" "), Span(name, "dim" if dim else engine.zone)]
        if label:
            tone: Tone = "text" if not known.words else known.symbol.tone
            spans += [span(" "), Span(label, "dim" if dim else tone)]
        spans.append(span("  "))
    if hidden := [healths[engine.name] for engine in engines if engine not in shown]:
        worst = min(hidden, key=_urgency)
        spans.append(span(f"+{len(hidden)} ", "dim" if dim or worst.health == "up" else worst.symbol.tone))
    return tuple(spans)


def _labels(
    shown: Sequence[EngineState], healths: dict[str, EngineHealth], state: ViewState, room: int, *, models: bool
) -> list[SafeText]:
    """What is wrong comes first; models have what is left."""
    troubles = [safe(healths[engine.name].told(state.now)) for engine in shown]
    cut = _shrunk(troubles, room - sum(1 for words in troubles if words))
    room -= sum(1 + cell_len(label) for label in cut if label)
    wanted = [
        safe("" if words or not models else engine.label or engine.model)
        for engine, words in zip(shown, troubles, strict=True)
    ]
    models_cut = _shrunk(wanted, room - sum(1 for model in wanted if model))
    return [trouble or model for trouble, model in zip(cut, models_cut, strict=True)]


def _name(engine: EngineState, *, marked: bool) -> SafeText:
    """Where there are more than the two built-in engines, names do not tell the zone, so its symbol does."""
    return safe(f"{ZONES[engine.zone] if marked else ''}{clip(safe(engine.name), LONGEST_NAME)}")


def _symbol(known: EngineHealth, *, dim: bool) -> Span:
    return span(known.symbol.text, "dim") if dim else known.symbol


def _most_important(
    engines: Sequence[EngineState], healths: dict[str, EngineHealth], state: ViewState, room: int
) -> Sequence[EngineState]:
    """The engines that fit with their names, in their order: those that are down, with what is wrong, come first."""
    marked = len(engines) > 2
    if sum(_cells(engine, "", marked=marked) for engine in engines) <= room and not marked:
        return engines
    room -= HIDDEN
    kept: set[str] = set()
    for engine in sorted(engines, key=lambda each: _urgency(healths[each.name])):
        words = healths[engine.name].told(state.now)
        cells = _cells(engine, words, marked=marked)
        room -= cells if cells <= room else _cells(engine, "", marked=marked)
        if room < 0:
            break
        kept.add(engine.name)
    return [engine for engine in engines if engine.name in kept]


def _urgency(known: EngineHealth) -> int:
    return WORST_FIRST.index(known.health)


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


def too_small(state: ViewState, cells: int) -> Row:
    """The one row of a screen that has no room for panes."""
    signs = [engine_health(engine, state).symbol for engine in state.engines]
    failed = (span(f" ✗ {failed_share(state.traffic)}", "bad"),) if state.traffic.failed else ()
    alerts = (span(f" {worst_symbol(state.alerts)}{len(state.alerts)}", "warn"),) if state.alerts else ()
    flag = (span(" REH", "flag"),) if state.rehearsal else ()
    return fit((*signs, *failed, *alerts, *flag, span(" needs 40×10" if signs else "needs 40×10", "dim")), cells)
