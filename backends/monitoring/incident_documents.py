"""What a report of incidents says, as a document: for Markdown, HTML and a terminal."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate

from backends.finops.document import Block, Document, SectionHeading, Strong, TimeChart, paragraph, table
from backends.monitoring.incident_report import IncidentReport
from backends.text.measures import UNKNOWN, count
from backends.text.times import seconds
from backends.text.usd import usd, usd_fine
from backends.types import Alert, Timeline

SHORTEST = 12
"""Characters of an incident's text that a list shows at least."""

TICKS = 4
"""Times on a chart's axis, beside the one at its beginning."""

Figure = Callable[[float], str]
Clock = Callable[[datetime], str]


def incident_list(
    incidents: Iterable[Alert], now: datetime, timezone: tzinfo | None, *, columns: int | None = None
) -> Document:
    """One line an incident, the last onset first, with local times. With `columns` its text is cut to fit so many."""
    head = ("incident", "id", "severity", "since", "lasted", "state")
    rows: list[tuple[str, ...]] = [
        (
            alert.text,
            alert.id,
            alert.severity,
            f"{alert.since.astimezone(timezone):%d %b %H:%M:%S}",
            _lasted(alert, now),
            alert.state,
        )
        for alert in sorted(incidents, key=_onset, reverse=True)
    ]
    if not rows:
        return Document("", (paragraph("No incidents are on record in this span."),))
    if columns is not None:
        others = sum(2 + max(len(row[place]) for row in (head, *rows)) for place in range(1, len(head)))
        room = max(SHORTEST, columns - others)
        rows = [(_cut(text, room), *rest) for text, *rest in rows]
    return Document("", (table(head, rows),))


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"


def report_document(found: IncidentReport, now: datetime, timezone: tzinfo | None) -> Document:
    """The whole report. Times are the operator's, with UTC beside them where that is another."""
    clock, about = local_clock(timezone), found.incident
    title = f"Incident {about.id}: {about.text}" if about else "Incidents"
    blocks: list[Block] = [paragraph(f"{clock(found.since)} to {clock(found.until)}")]
    if about:
        blocks += _about(about, now, clock)
    blocks += [SectionHeading("Incidents"), *_incidents(found, now, clock)]
    blocks += [SectionHeading("Course"), *charts(found.timeline, (about,) if about else found.incidents, now, timezone)]
    blocks += [SectionHeading("Actions and messages"), *_actions(found, clock)]
    blocks += [SectionHeading("Requests"), *_requests(found)]
    blocks += [SectionHeading("Spend"), *_spend(found)]
    return Document(title, tuple(blocks))


def local_clock(timezone: tzinfo | None) -> Clock:
    """Moments as `2026-12-01 12:22:01 +0100 (11:22:01 UTC)`, or `2026-12-01 12:22:01 UTC`."""

    def text(at: datetime) -> str:
        local, universal = at.astimezone(timezone), at.astimezone(UTC)
        if not local.utcoffset():
            return f"{universal:%Y-%m-%d %H:%M:%S} UTC"
        other = f"{universal:%H:%M:%S}" if local.date() == universal.date() else f"{universal:%Y-%m-%d %H:%M:%S}"
        return f"{local:%Y-%m-%d %H:%M:%S %z} ({other} UTC)"

    return text


# ---- parts ----------------------------------------------------------------------------------------------------------

LIST = ("incident", "id", "severity", "since", "lasted", "state", "requests", "cost")


def _row(alert: Alert, now: datetime, clock: Clock) -> tuple[str, ...]:
    return (
        alert.text,
        alert.id,
        alert.severity,
        clock(alert.since),
        _lasted(alert, now),
        alert.state if alert.ended_at else f"stands, {alert.state}",
        count(alert.requests),
        usd(alert.cost_usd),
    )


def _lasted(alert: Alert, now: datetime) -> str:
    return seconds(max(0.0, ((alert.ended_at or now) - alert.since).total_seconds()))


def _about(alert: Alert, now: datetime, clock: Clock) -> Iterator[Block]:
    end = clock(alert.ended_at) if alert.ended_at else "it stands"
    by = f", {alert.state} by {alert.by}" if alert.by else ""
    yield paragraph(Strong(f"{alert.severity}: {alert.text}"), f" ({alert.key})")
    yield paragraph(f"From {clock(alert.since)} to {end}: {_lasted(alert, now)}{by}.")
    touched = f"{count(alert.requests)} requests of {', '.join(alert.agents)}" if alert.agents else ""
    cost = f"it cost {usd(alert.cost_usd)}" if alert.cost_usd else ""
    if effects := [each for each in (alert.effect, touched, cost) if each]:
        yield paragraph(f"What it did: {'; '.join(effects)}.")


def _incidents(found: IncidentReport, now: datetime, clock: Clock) -> Iterator[Block]:
    if not found.incidents:
        yield paragraph("No alert stood.")
        return
    yield table(LIST, [_row(alert, now, clock) for alert in found.incidents])
    effects = [(f"{clock(alert.since)}: {alert.text}", alert.effect) for alert in found.incidents if alert.effect]
    if effects:
        yield table(("what they did", "effect"), effects)
    yield from _more(found.incidents_in_all - len(found.incidents), "incidents")


def _actions(found: IncidentReport, clock: Clock) -> Iterator[Block]:
    if found.actions:
        rows = [(each.detail, clock(each.at), each.actor, each.action) for each in found.actions]
        yield table(("action", "at", "by", "verb"), rows)
        yield from _more(found.actions_in_all - len(found.actions), "actions")
    else:
        yield paragraph("No operator's action is on record.")
    if found.told:
        told = [
            (
                f"{each.receiver} of {each.incident} ({each.event})",
                clock(each.at),
                clock(each.delivered_at) if each.delivered_at else "waits",
            )
            for each in found.told
        ]
        yield table(("told", "written", "delivered"), told)


def _requests(found: IncidentReport) -> Iterator[Block]:
    if not found.decided:
        yield paragraph("No request is on record.")
    else:
        rows = [
            (each.agent, each.engine or "none", count(each.requests), count(each.failed), usd_fine(each.cost_usd))
            for each in found.decided
        ]
        yield table(("agent", "engine", "requests", "failed", "cost"), rows)
    if found.failed_calls:
        calls = [(each.engine, each.kind, count(each.calls)) for each in found.failed_calls]
        yield table(("calls that failed at", "kind", "calls"), calls)
    if found.spend.total.refused:
        refused = count(found.spend.total.refused)
        yield paragraph(f"Refused before any engine was called, in the hours of this span: {refused}.")


def _spend(found: IncidentReport) -> Iterator[Block]:
    total = found.spend.total
    yield paragraph(f"{usd_fine(total.cost_usd)} for {count(total.requests)} requests.")
    if found.spend.rows:
        rows = [(each.key or "none", count(each.requests), usd_fine(each.cost_usd)) for each in found.spend.rows]
        yield table(("engine", "requests", "cost"), rows)


def _more(hidden: int, what: str) -> Iterator[Block]:
    if hidden > 0:
        yield paragraph(f"{count(hidden)} more {what} are on record.")


def _onset(alert: Alert) -> datetime:
    return alert.since


# ---- charts ---------------------------------------------------------------------------------------------------------


def charts(timeline: Timeline, incidents: Iterable[Alert], now: datetime, timezone: tzinfo | None) -> list[TimeChart]:
    """Requests, failures, latency, queues and spend over the span; the steps in which an incident stood are marked."""
    step = f"{timeline.step_s / 60:g} min"
    whole = (
        ("requests", f"requests in {step}", _number),
        ("failed", f"failed in {step}", _number),
        ("latency_p95_ms", "slowest in 20 (p95)", _milliseconds),
        ("spend_usd", f"spend in {step}", _dollars),
    )
    queues = [
        (name, f"waiting at {name.partition('.')[2]}", _number)
        for name, values in sorted(timeline.series.items())
        if name.startswith("waiting.") and any(values)
    ]
    marks = _marks(timeline, incidents, now)
    return [
        TimeChart(
            title=title,
            values=timeline.series.get(name, ()),
            figure=figure(max((value for value in timeline.series.get(name, ()) if value is not None), default=0.0)),
            ticks=_ticks(timeline, timezone),
            marks=marks,
        )
        for name, title, figure in (*whole, *queues)
    ]


def _marks(timeline: Timeline, incidents: Iterable[Alert], now: datetime) -> tuple[bool, ...]:
    steps = _steps(timeline)
    edges = [0] * (steps + 1)
    for alert in incidents:
        first = max(0, _step(timeline, alert.since))
        last = min(steps - 1, _step(timeline, alert.ended_at or now))
        if first <= last:
            edges[first] += 1
            edges[last + 1] -= 1
    return tuple(count > 0 for count in accumulate(edges[:-1]))


def _step(timeline: Timeline, at: datetime) -> int:
    return int((at - timeline.since).total_seconds() // timeline.step_s)


def _steps(timeline: Timeline) -> int:
    return max(1, round((timeline.until - timeline.since).total_seconds() / timeline.step_s))


def _ticks(timeline: Timeline, timezone: tzinfo | None) -> tuple[tuple[float, str], ...]:
    """Places on the axis, 0 to 1, with their local times."""
    span = timeline.until - timeline.since
    shape = "%H:%M" if span <= timedelta(days=1) else "%d %b %H:%M"
    moments = [(place / TICKS, timeline.since + span * (place / TICKS)) for place in range(TICKS + 1)]
    return tuple((place, f"{at.astimezone(timezone):{shape}}") for place, at in moments)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.1f}"


def _milliseconds(value: float) -> str:
    return seconds(value / 1000) if value else UNKNOWN


def _dollars(value: float) -> str:
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}" if value else "$0"
