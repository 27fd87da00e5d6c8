"""One measure of one labelled set, and the shares among them with their intervals."""

from collections.abc import Collection

from msgspec import Struct

from backends.intervals import wilson


class Figure(Struct, frozen=True, kw_only=True):
    """One measure of one set. `low` and `high` are its 95 % interval; None where there is none."""

    dataset: str
    of: str
    measure: str
    rows: int
    value: float
    low: float | None = None
    high: float | None = None


def share(dataset: str, of: str, measure: str, hits: Collection[bool]) -> Figure:
    """How many of the rows are hits, with Wilson's interval; NaN for no rows."""
    value, low, high = wilson(sum(hits), len(hits)) or (float("nan"), 0.0, 1.0)
    return Figure(dataset=dataset, of=of, measure=measure, rows=len(hits), value=value, low=low, high=high)
