"""Budget windows: when the hour, day, week or month of a moment begins and ends, in any time zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

Window = Literal["hour", "day", "week", "month", "total"]


def zone_of(name: str | None) -> tzinfo | None:
    """A time zone by its name; None, the machine's own, for None."""
    return ZoneInfo(name) if name else None


BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""Where the window "total" starts."""


def start(window: Window, moment: datetime, zone: tzinfo | None = None) -> datetime:
    """When `moment`'s window began, UTC. `zone` None is the machine's own; weeks begin on Monday."""
    local = moment.astimezone(zone)
    match window:
        case "hour":
            into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            return moment.astimezone(UTC) - into
        case "day":
            return _midnight(local, zone)
        case "week":
            return _midnight(local - timedelta(days=local.weekday()), zone)
        case "month":
            return _midnight(local.replace(day=1), zone)
        case "total":
            return BEGINNING


def end(window: Window, moment: datetime, zone: tzinfo | None = None) -> datetime | None:
    """When `moment`'s window ends, UTC; None where it never does."""
    local = moment.astimezone(zone)
    match window:
        case "hour":
            return start("hour", moment, zone) + timedelta(hours=1)
        case "day":
            return _midnight(local + timedelta(days=1), zone)
        case "week":
            return _midnight(local + timedelta(days=7 - local.weekday()), zone)
        case "month":
            return _midnight((local.replace(day=1) + timedelta(days=32)).replace(day=1), zone)
        case "total":
            return None


def _midnight(local: datetime, zone: tzinfo | None) -> datetime:
    """The functions above count calendar days; only here does the zone say which instant a midnight is."""
    return datetime(local.year, local.month, local.day, tzinfo=zone).astimezone(UTC)
