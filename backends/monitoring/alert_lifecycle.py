"""The life of an alert: raised, changed, acknowledged or silenced, ended, kept for a week."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from msgspec.structs import replace

from backends import events
from backends.bus import Bus
from backends.clock import Clock
from backends.errors import WrongUse
from backends.monitoring.alerts import Condition
from backends.monitoring.touched import EndedRequest, Touched, Touches
from backends.text.times import clock, moment
from backends.types import Alert, Choice, Severity

TELL_EVERY_S = 1.0
"""Watchers are told of new counts and texts at most so often; of an onset, an end and another state at once."""

PAST_DAYS, PAST_ALERTS = 7, 200
"""Ended alerts that are kept in memory; the ledger has all."""

MOST_SILENT_MINUTES = 7 * 24 * 60.0
NOTHING = Touches()
NONE_RUNNING: Mapping[str, EndedRequest] = {}


class _Standing:
    """An alert that stands, and what is known of it beside. `over` is when its condition was last found to hold no
    more, on both clocks, None while it holds.
    """

    def __init__(self, alert: Alert, touched: Touched | None, *, flaps: bool) -> None:
        self.alert = alert
        self.touched = touched
        self.flaps = flaps
        self.effect = alert.effect
        self.over: tuple[float, datetime] | None = None
        self.told_at = float("-inf")
        self.changed = True


class Alerts:
    """The alerts that stand; watchers are told of each change. `recent` are requests that ended lately, for alerts
    whose condition began before it was found, `running` those that an alert may have touched and that still run.

    `advance` is to be called a few times a second. `record` is called with each alert that is published, standing or
    ended.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        *,
        clear_after_s: float = 0.0,
        recent: Iterable[EndedRequest] = (),
        running: Mapping[str, EndedRequest] = NONE_RUNNING,
    ) -> None:
        self.clear_after_s = clear_after_s
        self.record: Callable[[Alert], None] = lambda _: None
        self._bus = bus
        self._clock = clock
        self._recent = recent
        self._running = running
        self._standing: dict[str, _Standing] = {}
        self._left_over: dict[str, tuple[Alert, datetime]] = {}
        self._past: deque[Alert] = deque(maxlen=PAST_ALERTS)

    # ---- conditions that hold, and that hold no more ------------------------------------------------------------

    def show(
        self,
        condition: Condition,
        *,
        choices: tuple[Choice, ...] = (),
        since: datetime | None = None,
        detail: str = "",
        effect: str = "",
        retry_at: datetime | None = None,
        cost_usd: Decimal | None = None,
        severity: Severity | None = None,
        touches: Touches | None = None,
        kept_waiting: Iterable[str] = (),
        **fields: object,
    ) -> None:
        """Raise an alert, or change the one that stands; the same again changes nothing. `fields` fill in the row's
        templates, `{onset}` is the time of its onset; `choices` are what the operator can do about it with one key.
        `since` is its onset where that is known, else now; one that stands keeps its own. `detail` are a provider's
        words. `effect` says what it does to requests, `cost_usd` what it cost; without them they are counted from the
        requests that it `touches`. `kept_waiting` are the agents of requests that it keeps waiting now.
        """
        key = condition.key.format(**fields)
        standing = self._standing.get(key) or self._raise(condition, key, since, touches)
        old, touched, standing.effect, standing.over = standing.alert, standing.touched, effect, None
        fields["onset"] = clock(old.since)
        if touched is not None:
            touched.count_waiting(kept_waiting)
        standing.alert = replace(
            old,
            severity=severity or condition.severity,
            text=condition.text.format(**fields),
            detail=detail,
            effect=effect or (touched.effect if touched else ""),
            remedy=condition.remedy.format(**fields),
            threshold=condition.threshold,
            choices=choices,
            retry_at=retry_at,
            requests=touched.requests if touched else 0,
            agents=touched.agents if touched else (),
            cost_usd=cost_usd if cost_usd is not None else touched.cost_usd if touched else None,
        )
        worse = (old.severity, standing.alert.severity) == ("warning", "critical")
        if worse and old.state != "new":
            standing.alert = _as_new(standing.alert)
        standing.changed |= standing.alert != old
        self._tell(standing, at_once=worse)

    def clear(self, condition: Condition, **fields: object) -> None:
        """The condition does not hold any more. `fields` are those of its key. Where it flaps, the alert ends once this
        has been so for a while.
        """
        key = condition.key.format(**fields)
        standing = self._standing.get(key)
        if standing is None or standing.over is not None:
            return
        standing.over = self._clock.monotonic(), self._clock.now()
        if not (standing.flaps and self.clear_after_s):
            self._end(key)

    def update(self, condition: Condition, problem: str) -> None:
        """Show the condition with this problem, or clear it where there is none ("")."""
        if problem:
            self.show(condition, problem=problem)
        else:
            self.clear(condition)

    def stands(self, condition: Condition, **fields: object) -> bool:
        """Does an alert of this condition stand, or has it only just ceased to hold?"""
        return condition.key.format(**fields) in self._standing

    @property
    def keys(self) -> Collection[str]:
        """Those of the alerts that stand."""
        return self._standing.keys()

    def count(self, ended: EndedRequest) -> None:
        """A request has ended: each alert that touched it counts it."""
        for standing in self._standing.values():
            touched = standing.touched
            if touched is not None and standing.over is None and touched.count(ended):
                standing.changed = True

    def advance(self) -> None:
        """End what has been over for long enough, end silences, and tell watchers what has changed."""
        now = self._clock.monotonic()
        for key, standing in list(self._standing.items()):
            if standing.over is not None and now - standing.over[0] >= self.clear_after_s:
                self._end(key)
                continue
            until = standing.alert.silenced_until
            if until is not None and self._clock.now() >= until:
                standing.alert = _as_new(standing.alert)
                self._tell(standing, at_once=True)
            if standing.touched is not None and standing.over is None:
                standing.changed |= standing.touched.count_running(self._running.values())
            self._tell(standing)

    # ---- what the operator says ---------------------------------------------------------------------------------

    def acknowledge(self, which: str, by: str) -> Alert:
        """Somebody has seen it. `which` is its id or its key. Raises WrongUse where none stands by that name."""
        standing = self._named(which)
        standing.alert = replace(standing.alert, state="acknowledged", silenced_until=None, by=by)
        return self._tell(standing, at_once=True)

    def silence(self, which: str, minutes: float, by: str) -> Alert:
        """Say nothing more of it for so many minutes, unless it becomes critical or ends. Raises WrongUse."""
        if not 0 < minutes <= MOST_SILENT_MINUTES:
            raise WrongUse(f"an alert can be silenced for up to {MOST_SILENT_MINUTES:.0f} minutes, and not {minutes:g}")
        standing, until = self._named(which), self._clock.now() + timedelta(minutes=minutes)
        standing.alert = replace(standing.alert, state="silenced", silenced_until=until, by=by)
        return self._tell(standing, at_once=True)

    def renew(self, which: str) -> Alert:
        """Take an acknowledgement or a silence back. Raises WrongUse."""
        standing = self._named(which)
        standing.alert = _as_new(standing.alert)
        return self._tell(standing, at_once=True)

    # ---- what is known of them ----------------------------------------------------------------------------------

    def current(self) -> tuple[Alert, ...]:
        """Those that stand, oldest first."""
        return tuple(sorted((each.alert for each in self._standing.values()), key=lambda alert: alert.since))

    def past(self) -> tuple[Alert, ...]:
        """The ended ones of the last days, newest first."""
        since = self._clock.now() - timedelta(days=PAST_DAYS)
        return tuple(alert for alert in self._past if alert.ended_at is not None and alert.ended_at >= since)

    def restore(self, incidents: Iterable[tuple[Alert, datetime]]) -> None:
        """Those of earlier cores, oldest first, each with when it was last seen to stand; to be called before any is
        raised. One that stood when its core ended goes on where its condition is found again; `close_left_over` ends
        the others.
        """
        for alert, seen_at in incidents:
            if alert.ended_at is not None:
                self._past.appendleft(alert)
            else:
                self._left_over[alert.key] = alert, seen_at

    def close_left_over(self, at: datetime) -> None:
        """End those that an earlier core left standing and that did not come back: as of `at`, when this core began."""
        left_over, self._left_over = self._left_over, {}
        for alert, seen_at in left_over.values():
            seen = f"last seen to hold on {moment(seen_at)}"
            effect = f"{alert.effect}; {seen}" if alert.effect else seen
            self._ended(
                replace(alert, state="cleared", silenced_until=None, effect=effect, ended_at=max(at, alert.since))
            )

    # ---- inside -------------------------------------------------------------------------------------------------

    def _raise(self, condition: Condition, key: str, since: datetime | None, touches: Touches | None) -> _Standing:
        alert = Alert(
            key=key, id=uuid4().hex[:8], since=since or self._clock.now(), severity=condition.severity, text=""
        )
        touched = Touched(touches) if touches is not None else None
        standing = self._standing[key] = _Standing(alert, touched, flaps=condition.flaps)
        if touched is not None:
            for ended in self._recent:
                if ended.ended >= alert.since:
                    touched.count(ended)
        if (earlier := self._left_over.pop(key, None)) is not None:
            self._continue(standing, earlier[0])
        return standing

    def _continue(self, standing: _Standing, earlier: Alert) -> None:
        """The alert of an earlier core goes on: with its id, its onset, its state and its counts."""
        touches = standing.touched.touches if standing.touched else NOTHING
        standing.touched = Touched(touches, earlier) if standing.touched or earlier.requests else None
        standing.alert = replace(
            standing.alert,
            id=earlier.id,
            since=min(earlier.since, standing.alert.since),
            state=earlier.state,
            silenced_until=earlier.silenced_until,
            by=earlier.by,
        )
        standing.changed = True

    def _named(self, which: str) -> _Standing:
        found = [each for each in self._standing.values() if which in (each.alert.id, each.alert.key)]
        found = found or [each for each in self._standing.values() if which and each.alert.id.startswith(which)]
        if len(found) != 1:
            raise WrongUse(f"no alert {which!r} stands: `claw` lists those that do, by id and key")
        return found[0]

    def _tell(self, standing: _Standing, *, at_once: bool = False) -> Alert:
        now = self._clock.monotonic()
        if not at_once and (not standing.changed or now - standing.told_at < TELL_EVERY_S):
            return standing.alert
        standing.alert = _counted(standing)
        standing.changed, standing.told_at = False, now
        self.record(standing.alert)
        self._bus.publish(events.AlertRaised(alert=standing.alert))
        return standing.alert

    def _end(self, key: str) -> None:
        standing = self._standing.pop(key)
        ended_at = standing.over[1] if standing.over else self._clock.now()
        alert = _counted(standing)
        ended_at = max(ended_at, alert.since)  # the wall clock may have been set back meanwhile
        self._ended(replace(alert, state="cleared", silenced_until=None, retry_at=None, ended_at=ended_at))

    def _ended(self, alert: Alert) -> None:
        self._past.appendleft(alert)
        self.record(alert)
        self._bus.publish(events.AlertCleared(key=alert.key, alert=alert))


def _as_new(alert: Alert) -> Alert:
    return replace(alert, state="new", silenced_until=None, by="")


def _counted(standing: _Standing) -> Alert:
    """The alert with what it has touched by now."""
    touched, alert = standing.touched, standing.alert
    if touched is None:
        return alert
    return replace(
        alert,
        requests=touched.requests,
        agents=touched.agents,
        effect=standing.effect or touched.effect or alert.effect,
        cost_usd=touched.cost_usd if touched.cost_usd is not None else alert.cost_usd,
    )
