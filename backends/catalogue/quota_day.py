"""Google's day: its quotas and its bill go by midnight in California."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")


def day_of(moment: datetime) -> date:
    """The day at Google's that `moment` lies in."""
    return moment.astimezone(PACIFIC).date()


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), PACIFIC)


def reset_after(moment: datetime) -> datetime:
    """When the next day begins, and with it the day's quota anew."""
    return start_of(day_of(moment) + timedelta(days=1))


def until_reset_s(moment: datetime) -> float:
    """Seconds to the next day; 23- and 25-hour days count as they are."""
    return reset_after(moment).timestamp() - moment.timestamp()
