"""Short time series for sparklines: each point is the mean of the values added within one step."""

from collections import deque


class History:
    """`step_s` seconds a point, `points` points a series. A step without a known value is None."""

    def __init__(self, step_s: float = 10.0, points: int = 60) -> None:
        self.step_s = step_s
        self._points = points
        self._series: dict[str, deque[float | None]] = {}
        self._sums: dict[str, tuple[float, int]] = {}
        self._ends: float | None = None

    def add(self, name: str, value: float | None) -> None:
        """Count `value` towards the current step; None means that the series exists but is unknown now."""
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = (total, count) if value is None else (total + value, count + 1)

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
        sums, self._sums = self._sums, {}
        for name in sums.keys() - self._series.keys():
            self._series[name] = deque(maxlen=self._points)
        points: dict[str, float | None] = {}
        for name, series in self._series.items():
            total, count = sums.get(name, (0.0, 0))
            points[name] = total / count if count else None
            series.append(points[name])
        return points

    def series(self) -> dict[str, tuple[float | None, ...]]:
        """Every series, oldest point first."""
        return {name: tuple(series) for name, series in self._series.items()}
