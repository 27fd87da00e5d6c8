"""Budget windows: when the hour, day, week or month of a moment begins and ends, in any time zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

Window = Literal["hour", "day", "week", "month", "total"]


def timezone_of(name: str | None) -> tzinfo | None:
    """A time zone by its name; None, the machine's own, for None."""
    return ZoneInfo(name) if name else None


SHORTEST = timedelta(microseconds=1)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""Where the window "total" starts."""


def start(window: Window, moment: datetime, timezone: tzinfo | None = None) -> datetime:
    """When `moment`'s window began, UTC. `timezone` None is the machine's own; weeks begin on Monday.

    Where clocks change in the middle of an hour, as on Lord Howe Island, an hour ends there and another begins.
    """
    local = moment.astimezone(timezone)
    match window:
        case "hour":
            moment = moment.astimezone(UTC)
            full = moment - _into_hour(local)
            return _change(full, moment, timezone) or full
        case "day":
            return _midnight(local, timezone)
        case "week":
            return _midnight(local - timedelta(days=local.weekday()), timezone)
        case "month":
            return _midnight(local.replace(day=1), timezone)
        case "total":
            return BEGINNING


def end(window: Window, moment: datetime, timezone: tzinfo | None = None) -> datetime | None:
    """When `moment`'s window ends, UTC; None where it never does."""
    local = moment.astimezone(timezone)
    match window:
        case "hour":
            moment = moment.astimezone(UTC)
            ends = moment - _into_hour(local) + timedelta(hours=1)
            return _change(moment, ends - SHORTEST, timezone) or ends
        case "day":
            return _midnight(local + timedelta(days=1), timezone)
        case "week":
            return _midnight(local + timedelta(days=7 - local.weekday()), timezone)
        case "month":
            return _midnight((local.replace(day=1) + timedelta(days=32)).replace(day=1), timezone)
        case "total":
            return None


def _into_hour(local: datetime) -> timedelta:
    return timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)


def _change(since: datetime, until: datetime, timezone: tzinfo | None) -> datetime | None:
    """When clocks changed between two moments less than an hour apart, to the microsecond; None where they did not."""

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(timezone).utcoffset()

    if offset(since) == offset(until):
        return None
    after = offset(until)
    while until - since > SHORTEST:
        middle = since + (until - since) / 2
        since, until = (since, middle) if offset(middle) == after else (middle, until)
    return until


def _midnight(local: datetime, timezone: tzinfo | None) -> datetime:
    """The functions above count calendar days; only here does the timezone say which instant a midnight is."""
    return datetime(local.year, local.month, local.day, tzinfo=timezone).astimezone(UTC)
