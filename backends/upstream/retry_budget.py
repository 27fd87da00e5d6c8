"""How many retries there may be: a share of the first attempts, so that an outage does not cause a storm of calls."""

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
        self._retries: deque[float] = deque()

    def record_first(self) -> None:
        """A request's first attempt goes out."""
        self._first.append(self._clock.monotonic())

    def take(self) -> bool:
        """Take one retry out of the budget; False where it is used up."""
        now = self._clock.monotonic()
        for attempts in (self._first, self._retries):
            while attempts and attempts[0] < now - WINDOW_S:
                attempts.popleft()
        if len(self._retries) >= max(AT_LEAST, SHARE * len(self._first)):
            return False
        self._retries.append(now)
        return True
