"""How far back a report looks: "30d", "12h", or a date."""

import re
from datetime import UTC, datetime, timedelta

from backends.errors import WrongUse

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""No ledger is older, and as long a span before it is still a date."""

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_since(text: str, now: datetime) -> datetime:
    """The moment that `text` means, UTC. Raises WrongUse for what is no span or date, or lies in the future."""
    try:
        if span := re.fullmatch(r"([0-9]{1,6})([mhdw])", text.strip()):
            return max(FIRST, now - timedelta(**{UNITS[span[2]]: int(span[1])}))
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUse(f"--since {text!r} is no time: use 30d, 12h, or a date as 2026-11-01") from None
    if moment > now:
        raise WrongUse(f"--since {text!r} lies in the future: use 30d, 12h, or an earlier date")
    return max(FIRST, moment)
