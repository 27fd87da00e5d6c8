"""Where a stored answer came from, in words for a decision's reasons."""

from backends.cache.entry import Hit
from backends.types import Reason

MINUTE, HOUR, DAY = 60, 3600, 86_400


def reasons(hit: Hit) -> tuple[Reason, ...]:
    """What answered and what it saved; then which entry it is, its age, and the request that it was given to first."""
    stored = hit.stored
    likeness = "" if hit.similarity is None else f", {hit.similarity:.2f} alike"
    asker = f", asked by {hit.agent}" if hit.agent else ""
    first = f", in {stored.request_id}" if stored.request_id else ""
    return (
        Reason(rule="cache", detail=f"{hit.tier}{likeness}, saved ${stored.baseline_usd:f}"),
        Reason(rule="cache entry", detail=f"{hit.entry}, {age(hit.age_s)} old{asker}{first}"),
    )


def age(seconds: float) -> str:
    """ "12 s", "3 min", "5 h" or "40 d"."""
    for size, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {name}"
    return f"{int(seconds)} s"
