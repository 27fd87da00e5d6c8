"""How many second tries there may be: a share of the first ones, so that an outage is never answered with a storm."""

from collections import deque

from backends.clock import Clock

SHARE = 0.2
AT_LEAST = 3
WINDOW_S = 60.0


class RetryBudget:
    """Counts first and further attempts over the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first: deque[float] = deque()
        self._again: deque[float] = deque()

    def first(self) -> None:
        self._first.append(self._clock.monotonic())

    def again(self) -> bool:
        """Take one further attempt out of the budget; False where it is used up."""
        now = self._clock.monotonic()
        for attempts in (self._first, self._again):
            while attempts and attempts[0] < now - WINDOW_S:
                attempts.popleft()
        if len(self._again) >= max(AT_LEAST, SHARE * len(self._first)):
            return False
        self._again.append(now)
        return True
