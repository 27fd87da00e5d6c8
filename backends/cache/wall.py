"""Wall time that never goes back, so that a clock set back keeps no answer alive."""

from backends.clock import Clock


class Wall:
    """Unix seconds: the wall clock, or where it should be by the monotonic one since it was last ahead."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base = clock.now().timestamp()
        self._since = clock.monotonic()

    def now(self) -> float:
        wall, monotonic = self._clock.now().timestamp(), self._clock.monotonic()
        expected = self._base + monotonic - self._since
        if wall >= expected:
            self._base, self._since = wall, monotonic
        return max(wall, expected)
