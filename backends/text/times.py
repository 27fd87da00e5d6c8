"""Durations and times of day as text."""

from datetime import datetime, timedelta

from backends.text.measures import UNKNOWN


def milliseconds(value: float | None) -> str:
    """`840`, `2,140`; from 100 seconds on `104 s`."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if value < 100_000 else f"{value / 1000:,.0f} s"


def seconds(value: float | None) -> str:
    """`2.4 s`, `31 s`; from two minutes on `3 min`."""
    if value is None:
        return UNKNOWN
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def age(seconds: float) -> str:
    """How long ago, in whole minutes, hours or days: `4 m`, `2 h`, `3 d`; "" within the first minute."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return ""
    return f"{minutes} m" if minutes < 60 else f"{minutes // 60} h" if minutes < 1440 else f"{minutes // 1440} d"


def ago(span: timedelta) -> str:
    """A duration up to now: `40 s ago`, `3 min ago`, `2 h ago`, `4 d ago`."""
    whole = max(0, round(span.total_seconds()))
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if whole >= size:
            return f"{whole // size} {name} ago"
    return f"{whole} s ago"


def clock(at: datetime | None, *, minutes: bool = False) -> str:
    """The local time of day: `14:02:51`, or `14:02`."""
    return UNKNOWN if at is None else at.astimezone().strftime("%H:%M" if minutes else "%H:%M:%S")


def moment(at: datetime | None, now: datetime | None = None) -> str:
    """The local time, with its day where that is not the day of `now`: `14:02`, `1 Dec 00:00`."""
    if at is None:
        return UNKNOWN
    local = at.astimezone()
    same = now is not None and local.date() == now.astimezone().date()
    return local.strftime("%H:%M") if same else f"{local.day} {local:%b %H:%M}"


def short_age(seconds: float) -> str:
    """How long ago in one unit: `47 s`, `13 m`, `2 h`, `3 d`."""
    return age(seconds) or f"{max(0, int(seconds))} s"


def elapsed(seconds: float) -> str:
    """A duration in two units: `47 s`, `2 m 54`, `3 h 05`, `2 d 4 h`."""
    whole = max(0, int(seconds))
    minutes, hours = whole // 60, whole // 3600
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{minutes} m {whole % 60:02d}"
    return f"{hours} h {minutes % 60:02d}" if hours < 24 else f"{hours // 24} d {hours % 24} h"
