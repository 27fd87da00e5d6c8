"""Moving through time: which moment the keys ask for. The bridge shows it."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from backends.types import Alert
from console.bridge import Bridge

MINUTE = timedelta(minutes=1)
FIRST_LOOK = 5 * MINUTE
"""How far back the first look goes where there was no incident."""


class TimeTravel:
    """The keys that move through time; `tell` shows a line where one cannot."""

    def __init__(self, bridge: Bridge, tell: Callable[[str], None]) -> None:
        self._bridge = bridge
        self._tell = tell

    def to_incident(self) -> None:
        """To where the last incident before the moment on screen began; from the present without one, five minutes."""
        now, before = self._bridge.core_now, self._bridge.moment
        if now is None:
            self._tell("There is no past to show before the core is open.")
            return
        live = self._bridge.state
        onset = previous_onset((*live.alerts, *live.past_alerts), before or now)
        if onset is None and before is not None:
            self._tell("No incident of the last 7 days began before this moment.")
            return
        self._bridge.travel(onset or whole_minute(now - FIRST_LOOK))

    def move(self, minutes: int) -> None:
        """Forth or back; past the present it is live again."""
        now, at = self._bridge.core_now, self._bridge.moment
        if now is not None:
            self.go_to((at or whole_minute(now)) + minutes * MINUTE)

    def go_to(self, at: datetime) -> None:
        """To the first whole minute from a moment on. What is still to come is the present."""
        now, at = self._bridge.core_now, whole_minute(at)
        self._bridge.travel(at if now is not None and at <= now else None)

    def to_time(self, typed: str) -> None:
        """To the last time of day that was typed: `12:22`."""
        now = self._bridge.core_now
        at = None if now is None else last_time_of_day(typed, now)
        if at is None:
            self._tell(f"{typed[:20]!r} is not a time of day: type it as 12:22")
        else:
            self._bridge.travel(at)

    def to_present(self) -> None:
        self._bridge.travel(None)


TIME_OF_DAY = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")


def last_time_of_day(text: str, now: datetime) -> datetime | None:
    """The last moment before `now` at which clocks here showed the time of day in a text; None where it has none."""
    found = TIME_OF_DAY.search(text)
    if found is None:
        return None
    local = now.astimezone().replace(tzinfo=None)
    at = local.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    return (at if at <= local else at - timedelta(days=1)).astimezone(UTC)


def previous_onset(alerts: Iterable[Alert], before: datetime) -> datetime | None:
    """The first whole minute at which the last incident stood that began before this time."""
    onsets = (whole_minute(alert.since) for alert in alerts)
    return max((onset for onset in onsets if onset < before), default=None)


def whole_minute(at: datetime) -> datetime:
    """The first whole minute that is not before it: that is what a core has on record."""
    begun = at.replace(second=0, microsecond=0)
    return begun if begun == at else begun + MINUTE
