"""Budget windows: when the hour, day, week or month of a moment begins and ends, in any time zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

Window = Literal["hour", "day", "week", "month", "total"]


def timezone_of(name: str | None) -> tzinfo | None:
    """A time zone by its name; None, the machine's own, for None."""
    return ZoneInfo(name) if name else None


BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""Where the window "total" starts."""


def start(window: Window, moment: datetime, timezone: tzinfo | None = None) -> datetime:
    """When `moment`'s window began, UTC. `timezone` None is the machine's own; weeks begin on Monday."""
    local = moment.astimezone(timezone)
    match window:
        case "hour":
            into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            return moment.astimezone(UTC) - into
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
            return start("hour", moment, timezone) + timedelta(hours=1)
        case "day":
            return _midnight(local + timedelta(days=1), timezone)
        case "week":
            return _midnight(local + timedelta(days=7 - local.weekday()), timezone)
        case "month":
            return _midnight((local.replace(day=1) + timedelta(days=32)).replace(day=1), timezone)
        case "total":
            return None


def _midnight(local: datetime, timezone: tzinfo | None) -> datetime:
    """The functions above count calendar days; only here does the timezone say which instant a midnight is."""
    return datetime(local.year, local.month, local.day, tzinfo=timezone).astimezone(UTC)
