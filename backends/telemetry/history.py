"""Short time series for charts: means, sums and percentiles of what was added within one step."""

from collections import deque
from collections.abc import Sequence

RANKED = 1000
"""Values of one step that a percentile is taken of: with more, of the last ones."""


class History:
    """`step_s` seconds a point, `points` points a series: by default an hour, some 3 kB a series. A step without a
    known value is None.
    """

    def __init__(self, step_s: float = 10.0, points: int = 360) -> None:
        self.step_s = step_s
        self._points = points
        self._series: dict[str, deque[float | None]] = {}
        self._sums: dict[str, tuple[float, int]] = {}
        self._counts: dict[str, float] = {}
        self._ranked: dict[str, deque[float]] = {}
        self._ends: float | None = None

    def add(self, name: str, value: float | None) -> None:
        """Count `value` towards the mean of the current step; None means that the series exists but is unknown now."""
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = (total, count) if value is None else (total + value, count + 1)

    def count(self, name: str, amount: float = 1.0) -> None:
        """Add to the sum of the current step. From then on each step has one, and 0 is known."""
        self._counts[name] = self._counts.get(name, 0.0) + amount

    def rank(self, name: str, value: float) -> None:
        """Take `value` into the percentiles of the current step: two series, whose names are `name` with 50 and 95 in
        place of its braces.
        """
        self._ranked.setdefault(name, deque(maxlen=RANKED)).append(value)

    def advance(self, now: float) -> dict[str, float | None] | None:
        """Every series' newest point where a step ended by `now` (monotonic seconds), else None.

        After a pause of several steps, call it again until it returns None: each call moves all series by one step.
        """
        if self._ends is None or now - self._ends > self.step_s * self._points:
            self._ends = now + self.step_s
            return None
        if now < self._ends:
            return None
        self._ends += self.step_s
        known = self._take()
        for name in known.keys() - self._series.keys():
            self._series[name] = deque(maxlen=self._points)
        points = {name: known.get(name) for name in self._series}
        for name, series in self._series.items():
            series.append(points[name])
        return points

    def _take(self) -> dict[str, float | None]:
        """The points of the step that ended; what is counted goes on from 0."""
        points: dict[str, float | None] = {
            name: total / count if count else None for name, (total, count) in self._sums.items()
        }
        points |= self._counts
        for name, values in self._ranked.items():
            points |= {name.format(percent): percentile(sorted(values), percent) for percent in (50, 95)}
        self._sums, self._counts, self._ranked = {}, dict.fromkeys(self._counts, 0.0), {}
        return points

    def series(self) -> dict[str, tuple[float | None, ...]]:
        """Every series, oldest point first."""
        return {name: tuple(series) for name, series in self._series.items()}


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """The value that `percent` per cent of the `ordered` values do not exceed (nearest rank); None of none."""
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)] if ordered else None
