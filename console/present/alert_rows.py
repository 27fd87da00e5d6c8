"""Alerts as rows: those that stand, the worst first, then those of the last days that ended.

A row tells since when, for how long, what, whom it touched and what it cost. Below the alert under the cursor, and
below all of them where there is room, stands what the operator can do.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from rich.cells import cell_len

from backends.text.measures import UNKNOWN, count
from backends.text.terminal_safe import safe
from backends.text.times import clock, elapsed, moment, short_age
from backends.text.usd import usd
from backends.types import Alert, Severity
from console.present.frame import PaneBody
from console.present.spans import BLANK, Row, Span, Tone, cell, clip, paragraph, row, span, spread, width
from console.present.wrapping import wrap
from console.state import ViewState

LETTERS = "abc"
"""The keys of an alert's choices, in their order. Digits show panes."""
IN_COLUMNS = 96
"""Cells from which requests, agents, money and state have columns; below, they have a row of their own."""
MOST_STANDING = 100
"""Of the alerts that stand so many are listed, the worst first: each is drawn whenever something changes."""
WITH_DURATION = 48
"""Cells from which a row says for how long."""
SYMBOLS = {"acknowledged": "✓", "silenced": "⊘", "cleared": "◌"}
SEVERITIES: dict[Severity, str] = {"critical": "▲", "warning": "△"}
"""The symbols of new alerts."""


def shown_alerts(state: ViewState) -> list[Alert]:
    """Standing ones first: silenced ones last, critical ones before warnings, newer ones first. Then those that ended,
    the newest first.
    """
    standing = sorted(state.alerts, key=lambda alert: alert.since, reverse=True)
    standing.sort(key=lambda alert: (alert.state == "silenced", alert.severity != "critical"))
    return [*standing[:MOST_STANDING], *state.past_alerts]


def at_cursor(shown: Sequence[Alert], chosen: str | None) -> int:
    """The place of the cursor: on the alert with this id, else on the first."""
    return next((index for index, each in enumerate(shown) if each.id == chosen), 0)


def alerts_body(state: ViewState, chosen: str | None, cells: int, room: int, *, focused: bool) -> PaneBody:
    """All alerts in rows of at most `cells` cells; `room` rows are in sight."""
    shown = shown_alerts(state)
    head = [] if state.alerts else [_none(cells)]
    if not shown:
        return PaneBody(head)
    at = at_cursor(shown, chosen) if focused or chosen else None
    drawn = drawn_alerts(state, shown, at, cells, room - len(head))
    rows = [*head, *(each for lines in drawn for each in lines)]
    if (hidden := len(state.alerts) - MOST_STANDING) > 0:
        rows.append(row(span(f"and {count(hidden)} more stand: `claw incident list` has all", "dim")))
    if at is None:
        return PaneBody(rows)
    return PaneBody(rows, selected=len(head) + sum(map(len, drawn[:at])), reach=len(drawn[at]))


def drawn_alerts(state: ViewState, shown: Sequence[Alert], at: int | None, cells: int, room: int) -> list[list[Row]]:
    """The rows of each alert. The one at the cursor says all, then as many others as `room` rows hold, the first ones
    first; the rest have a row each.
    """
    now = state.now or state.at
    drawn = [_rows(alert, now, cells, chosen=False, whole=False) for alert in shown]
    left = room - len(drawn)
    for index in sorted(range(len(shown)), key=lambda index: index != at):
        if left <= 0 and index != at:
            continue
        whole = _rows(shown[index], now, cells, chosen=index == at, whole=shown[index].ended_at is None)
        more = len(whole) - len(drawn[index])
        if more <= left or index == at:
            drawn[index] = whole
            left -= more
    return drawn


def alert_counts(state: ViewState) -> Row:
    """How many stand, and how many there were today: `2 now · 3 today`."""
    now = state.now or state.at
    today = len(state.alerts)
    if now is not None:
        today += sum(1 for each in state.past_alerts if each.since.astimezone().date() == now.astimezone().date())
    standing = row(span(f"{worst_symbol(state.alerts)}{len(state.alerts)} now", _worst(state.alerts)))
    standing = standing if state.alerts else ()
    return (*standing, span(f"{' · ' if standing else ''}{today} today", "dim")) if today else ()


def worst_symbol(alerts: Sequence[Alert]) -> str:
    """That of the worst of several: `▲` where one that is not silenced is critical, `△` for warnings, else `⊘`."""
    heard = [alert for alert in alerts if alert.state != "silenced"]
    return SEVERITIES["critical" if _worst(alerts) == "bad" else "warning"] if heard else SYMBOLS["silenced"]


def _worst(alerts: Sequence[Alert]) -> Tone:
    return "bad" if any(alert.severity == "critical" and alert.state != "silenced" for alert in alerts) else "warn"


def _none(cells: int) -> Row:
    more = " Engine failures, budget limits and paused sessions appear here." if cells >= 78 else ""
    return row(span("● ", "good"), span(f"No alerts.{more}", "dim"))


def symbol(alert: Alert) -> Span:
    """Its state, and of a new one its severity; told apart without colour."""
    if (sign := SYMBOLS.get(alert.state)) is not None:
        return span(sign, "dim" if alert.state in ("silenced", "cleared") else _tone(alert))
    return span(SEVERITIES[alert.severity], _tone(alert))


def _tone(alert: Alert) -> Tone:
    if alert.state in ("silenced", "cleared"):
        return "dim"
    return "bad" if alert.severity == "critical" else "warn"


def lasted(alert: Alert, now: datetime | None) -> str:
    """How long it has lasted, or did."""
    until = alert.ended_at or now
    return UNKNOWN if until is None else elapsed((until - alert.since).total_seconds())


def retry(alert: Alert, now: datetime | None) -> str:
    """When something is tried again: `retry in 21 s`; "" where nothing waits for a time."""
    if alert.retry_at is None or now is None or alert.ended_at is not None:
        return ""
    left = (alert.retry_at - now).total_seconds()
    return f"retry in {elapsed(left)}" if left > 0 else "retries now"


def touched(alert: Alert) -> list[str]:
    """The figures that are known of it: requests, agents, money."""
    agents = len(alert.agents)
    return [
        *([f"{count(alert.requests)} req"] if alert.requests else []),
        *([f"{agents} agent{'s' if agents > 1 else ''}"] if agents else []),
        *([f"cost {usd(alert.cost_usd)}"] if alert.cost_usd is not None else []),
    ]


def condition(alert: Alert, now: datetime | None) -> str:
    """Its state in a word or two: `new`, `seen by ada`, `silent 52 m`, `cleared`."""
    if alert.state == "acknowledged":
        return f"seen by {alert.by}" if alert.by else "seen"
    if alert.state == "silenced" and alert.silenced_until is not None and now is not None:
        return f"silent {short_age((alert.silenced_until - now).total_seconds() + 1)}"
    return "silent" if alert.state == "silenced" else alert.state


def _lead(alert: Alert, now: datetime | None, cells: int) -> Row:
    """Its symbol, its onset and how long it has lasted; of one that ended also its end, of another day the day."""
    since = alert.since.astimezone()
    today = now is not None and since.date() == now.astimezone().date()
    if cells < IN_COLUMNS:
        onset = clock(since, minutes=True) if today else f"{since.day} {since:%b}"
        duration = (cell(lasted(alert, now), 8, "dim"),) if cells >= WITH_DURATION else ()
        return row(symbol(alert), " ", cell(onset, 7, "dim"), *duration)
    if not today:
        onset = moment(since, now)
    elif alert.ended_at is not None:
        onset = f"{clock(since, minutes=True)}–{clock(alert.ended_at, minutes=True)}"
    else:
        onset = clock(since)
    return row(symbol(alert), " ", cell(onset, 13, "dim"), cell(lasted(alert, now), 8, "dim"))


def _rows(alert: Alert, now: datetime | None, cells: int, *, chosen: bool, whole: bool) -> list[Row]:
    lead = _lead(alert, now, cells)
    columns = _columns(alert, now) if cells >= IN_COLUMNS else ()
    room = max(1, cells - width(lead))
    first_room = max(1, room - width(columns) - (1 if columns else 0))
    said = [part for part in (retry(alert, now), alert.effect) if part]
    if not whole:
        return [spread((*lead, *_told(alert, " · ".join(said), first_room)), columns, cells)]
    first, *rest = paragraph(alert.text, first_room, _tone(alert)) or [BLANK]
    facts = said if columns else [*said, *touched(alert), *([] if alert.state == "new" else [condition(alert, now)])]
    below = [*rest, *paragraph(" · ".join(facts), room, "dim")]
    if alert.ended_at is None:
        below += wrap(_choices(alert, chosen=chosen), room) if alert.choices else paragraph(alert.remedy, room, "dim")
    indent = span(" " * width(lead))
    return [spread((*lead, *first), columns, cells), *(row(indent, *line) for line in below)]


def _told(alert: Alert, said: str, room: int) -> Row:
    """Our own short line, cut where needed, and what follows from it, which counts and is kept."""
    end = clip(safe(f" · {said}" if said else ""), room // 2)
    return row(Span(clip(safe(alert.text), max(0, room - cell_len(end))), _tone(alert)), Span(end, "dim"))


def _columns(alert: Alert, now: datetime | None) -> Row:
    agents = len(alert.agents)
    requests = f"{count(alert.requests)} req" if alert.requests else ""
    money = f"cost {usd(alert.cost_usd)}" if isinstance(alert.cost_usd, Decimal) else ""
    state = condition(alert, now)
    return row(
        cell(requests, 9, "text", right=True),
        cell(f"{agents} agent{'s' if agents > 1 else ''}" if agents else "", 11, "dim", right=True),
        cell(money, 13, "text", right=True),
        cell(state, 13, "strong" if state == "new" else "dim", right=True),
    )


def _choices(alert: Alert, *, chosen: bool) -> Iterator[Span]:
    """What the operator can do, with the keys of the alert under the cursor."""
    for index, (letter, choice) in enumerate(zip(LETTERS, alert.choices, strict=False)):
        if index:
            yield span(" · ", "dim")
        if chosen:
            yield span(f"{letter} ", "title")
        yield span(choice.label, "text" if chosen else "dim")


def alert_details(alert: Alert, now: datetime | None, cells: int) -> list[Row]:
    """Everything that is known of an alert: for the overlay."""
    lines: list[tuple[str, str, Tone]] = [
        ("state", condition(alert, now), "strong"),
        ("since", _span(alert, now), "text"),
        ("effect", alert.effect, "text"),
        ("next", retry(alert, now), "text"),
        ("touched", " · ".join(touched(alert)), "text"),
        ("agents", ", ".join(alert.agents), "text"),
        ("to do", alert.remedy, "text"),
        ("from", f"{alert.threshold} on, in claw.toml or with e" if alert.threshold else "", "dim"),
    ]
    rows: list[Row] = [*paragraph(alert.text, cells, _tone(alert)), BLANK]
    for label, text, tone in lines:
        for index, line in enumerate(paragraph(text, max(1, cells - 10), tone) if text else []):
            rows.append(row(cell(label if index == 0 else "", 10, "dim"), *line))
    if alert.detail:
        rows += [BLANK, row(span("in the provider's words", "dim")), *paragraph(alert.detail, cells)]
    return rows


def _span(alert: Alert, now: datetime | None) -> str:
    since = f"{alert.since.astimezone().day} {alert.since.astimezone():%b} {clock(alert.since)}"
    if alert.ended_at is None:
        return f"{since}, for {lasted(alert, now)} until now"
    ended = alert.ended_at - alert.since < timedelta(days=1)
    return f"{since} until {clock(alert.ended_at) if ended else moment(alert.ended_at)}, {lasted(alert, now)}"
